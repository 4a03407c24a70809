/**
 * The gateways' own API: `POST /v1/authorize`, `POST /v1/usage`, `POST /v1/credentials/check`.
 *
 * Promises: nothing is answered from a memory that is not complete (503); a secret is digested at once, and neither
 * logged nor sent back, also not in the complaint about a malformed question.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { complaintText } from '../../core/form-words.ts'
import { credentialStates } from '../../core/license.ts'
import { limits } from '../../core/limits.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import type { RouteDocs } from '../../runtime/http/http-route.ts'
import type { Authorizer } from './authorizer.ts'
import { codes, obligationNames } from './decide.ts'
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

const Check = z.strictObject({
  credentialId: z.string(),
  state: z.enum([...credentialStates, 'unknown']),
  decision: z.enum(['allow', 'deny']),
  actionId: z.string().optional(),
})

const docs = {
  authorize: {
    summary: 'May this call pass?',
    tag: 'authorize',
    body: AuthorizeBody,
    answers: {
      200: {
        description: 'The decision; a deny is an answer like any other.',
        schema: z.strictObject({
          decision: z.enum(['allow', 'deny', 'throttle']),
          code: z.enum(codes),
          message: z.string(),
          obligations: z.array(z.enum(obligationNames)),
          retryAfterMs: z.number().optional(),
          lease: z.strictObject({ id: z.string(), expiresAt: z.iso.datetime() }).optional(),
          tenant: z.string().optional(),
          principal: z.string().optional(),
          requestId: z.string().optional(),
        }),
      },
    },
  },
  usage: {
    summary: 'Reports what a call used, and closes its lease',
    tag: 'authorize',
    body: UsageBody,
    answers: {
      200: {
        description: 'What was done with it.',
        schema: z.strictObject({ closed: z.boolean(), counted: z.boolean() }),
      },
    },
  },
  check: {
    summary: 'How a credential stands here, or all of a principal’s',
    tag: 'authorize',
    body: CheckBody,
    answers: {
      200: {
        description: 'As this copy of authorize knows it.',
        schema: z.union([Check, z.strictObject({ credentials: z.array(Check) })]),
      },
    },
  },
} as const satisfies Readonly<Record<string, RouteDocs>>

/** Credentials of one principal in one answer. */
const checkedMax = 10_000

export function mountAuthorizeRoutes(
  app: FastifyInstance,
  authorizer: Authorizer,
  measured: MeasuredAuthorizer,
  checkReady: () => void,
): void {
  const gateway = { roles: ['gateway'] } as const
  app.post('/v1/authorize', { config: { ...gateway, docs: docs.authorize }, bodyLimit: bodyBytesMax }, (request) => {
    checkReady()
    const { credential, credentialId, requestId, ...call } = parsed(AuthorizeBody, request.body)
    const answer = measured.authorize('api', { credential, credentialId }, call, request.caller.tenant)
    return requestId === undefined ? answer : { ...answer, requestId }
  })
  app.post('/v1/usage', { config: { ...gateway, docs: docs.usage }, bodyLimit: bodyBytesMax }, (request) => {
    checkReady()
    return authorizer.report(parsed(UsageBody, request.body), request.caller.tenant)
  })
  app.post(
    '/v1/credentials/check',
    { config: { roles: ['gateway', 'responder'], docs: docs.check }, bodyLimit: bodyBytesMax },
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
  throw new HttpError(400, 'BODY_INVALID', complaintText(result.error), {
    hint: 'docs/authorize.md describes every field.',
  })
}
