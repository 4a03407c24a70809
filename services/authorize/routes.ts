/**
 * The gateways' own API: `POST /v1/authorize`, `POST /v1/usage`, `POST /v1/credentials/check`.
 *
 * Promises: nothing is answered from a memory that is not complete (503); a secret is digested at once, and neither
 * logged nor sent back, also not in the complaint about a malformed question.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { limits } from '../../core/limits.ts'
import { HttpError } from '../../runtime/http-error.ts'
import type { Authorizer } from './authorizer.ts'
import type { MeasuredAuthorizer } from './measured.ts'

const bodyBytesMax = 16_384
const secret = z.string().min(1).max(4_096)
const text = z.string().min(1).max(limits.entityIdCharsMax)
const tokens = z.int().nonnegative().max(1_000_000_000)

const presented = { credential: secret.optional(), credentialId: text.optional() }
const eitherOr = (body: { credential?: string | undefined; credentialId?: string | undefined }): boolean =>
  (body.credential === undefined) !== (body.credentialId === undefined)

const AuthorizeBody = z
  .strictObject({
    ...presented,
    model: text,
    operation: text.optional(),
    address: z.string().max(64).optional(),
    country: z.string().max(8).optional(),
    tokens: tokens.optional(),
    requestId: text.optional(),
  })
  .refine(eitherOr, 'Give either credential or credentialId.')

const UsageBody = z
  .strictObject({
    ...presented,
    lease: text.optional(),
    inputTokens: tokens,
    outputTokens: tokens,
    model: text.optional(),
    requestId: text.optional(),
  })
  .refine((body) => body.lease !== undefined || eitherOr(body), 'Give the lease, or either credential or credentialId.')

const CheckBody = z.union([z.strictObject({ credentialId: text }), z.strictObject({ principal: text })], {
  error: 'Give either credentialId or principal.',
})

/** Credentials of one principal in one answer. */
const checkedMax = 10_000

export function mountAuthorizeRoutes(
  app: FastifyInstance,
  authorizer: Authorizer,
  measured: MeasuredAuthorizer,
  checkReady: () => void,
): void {
  app.post('/v1/authorize', { config: { roles: ['gateway'] }, bodyLimit: bodyBytesMax }, (request) => {
    checkReady()
    const { credential, credentialId, requestId, ...call } = parsed(AuthorizeBody, request.body)
    const answer = measured.authorize('api', { credential, credentialId }, call, request.caller.tenant)
    return requestId === undefined ? answer : { ...answer, requestId }
  })
  app.post('/v1/usage', { config: { roles: ['gateway'] }, bodyLimit: bodyBytesMax }, (request) => {
    checkReady()
    return authorizer.report(parsed(UsageBody, request.body), request.caller.tenant)
  })
  app.post(
    '/v1/credentials/check',
    { config: { roles: ['gateway', 'responder'] }, bodyLimit: bodyBytesMax },
    (request) => {
      checkReady()
      const body = parsed(CheckBody, request.body)
      if ('credentialId' in body) return authorizer.check(body.credentialId, request.caller.tenant)
      return { credentials: authorizer.checkPrincipal(body.principal, request.caller.tenant).slice(0, checkedMax) }
    },
  )
}

/** Says where and what, never the value: it may be a secret. */
function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const at = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw new HttpError(400, 'BODY_INVALID', `${at}${issue?.message ?? 'not understood'}`, {
    hint: 'docs/authorize.md describes every field.',
  })
}
