/**
 * Where administrators put licenses and credentials: `PUT /v1/licenses/:id`, `PUT /v1/credentials`.
 *
 * A put is a decision on the bus like any other, so it is on record and reaches every copy in one order. Promises: a
 * secret is digested before anything else happens, and neither kept, logged nor sent back; whoever holds a tenant's token
 * changes only that tenant's.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bareSecret } from '../../engine/sources/mapping-context.ts'
import type { Decision } from '../../core/decision.ts'
import { canonicalDigest, credentialId, derivedId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { topics } from '../../core/topics.ts'
import { HttpError } from '../../runtime/http-error.ts'
import type { ServiceContext } from '../../runtime/service.ts'
import { firstIssue } from './commands.ts'
import { credentialForm, labelTellsSecret, LicenseForm, secretCharsMax, secretCharsMin } from './forms.ts'

const CredentialBody = credentialForm(z.string().min(secretCharsMin).max(secretCharsMax))
const LicenseParams = z.object({ id: z.string().min(1).max(limits.entityIdCharsMax) })

type RouteContext = Pick<ServiceContext, 'bus' | 'clock' | 'hmacKey'>

export function mountLicensingRoutes(app: FastifyInstance, context: RouteContext): void {
  app.put('/v1/licenses/:id', { config: { roles: ['admin'] } }, async (request, reply) => {
    const { id } = LicenseParams.parse(request.params)
    const license = parsed(LicenseForm, { id, ...asObject(request.body) }, 'LICENSE_INVALID')
    if (license.id !== id) throw new HttpError(400, 'LICENSE_INVALID', 'The id in the body is not the one in the path.')
    const decision: Decision = {
      kind: 'license.put',
      ...signed(request, license.tenant, license, context),
      license,
    }
    await publish(decision, context)
    return reply.code(202).send({ decisionId: decision.id, id })
  })

  app.put('/v1/credentials', { config: { roles: ['admin'] } }, async (request, reply) => {
    const {
      secret: presented,
      credentialId: known,
      ...rest
    } = parsed(CredentialBody, request.body, 'CREDENTIAL_INVALID')
    const secret = presented === undefined ? undefined : bareSecret(presented)
    if (secret !== undefined && secret.length < secretCharsMin) {
      throw new HttpError(400, 'CREDENTIAL_INVALID', `secret: at least ${secretCharsMin} characters.`)
    }
    if (secret !== undefined && labelTellsSecret(rest.label, secret)) {
      throw new HttpError(400, 'LABEL_TELLS_SECRET', 'The label shows too much of the secret.', {
        hint: 'A few characters of it, or a name, are enough to recognize it by.',
      })
    }
    const id = secret === undefined ? known! : credentialId(secret, context.hmacKey)
    const credential = { id, ...rest }
    const decision: Decision = {
      kind: 'credential.put',
      ...signed(request, credential.tenant, credential, context),
      credential,
    }
    await publish(decision, context)
    return reply.code(202).send({ decisionId: decision.id, credentialId: id })
  })
}

/** Says where and what, never the value: it may be a secret. */
function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown, code: string): z.infer<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  throw new HttpError(400, code, firstIssue(result.error), { hint: 'docs/licensing.md describes every field.' })
}

function asObject(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new HttpError(400, 'LICENSE_INVALID', 'The body is a JSON object.')
}

function signed(request: FastifyRequest, tenant: string, content: unknown, context: RouteContext) {
  const { caller } = request
  if (caller.tenant !== undefined && caller.tenant !== tenant) {
    throw new HttpError(403, 'TENANT_FOREIGN', 'Your token is for another tenant.')
  }
  const at = new Date(context.clock.nowMs()).toISOString()
  const by = `operator:${caller.name}`
  // A put that a client sends again after a lost answer is one of its own, and changes nothing.
  return {
    id: derivedId('put', by, at, request.id, canonicalDigest(content)),
    at,
    by,
    roles: [...caller.roles],
    tenant,
  }
}

async function publish(decision: Decision, { bus }: RouteContext): Promise<void> {
  await bus.publish([{ topic: topics.decisions, key: decision.tenant, value: JSON.stringify(decision) }])
}
