/**
 * Where administrators put licenses and credentials: `PUT /v1/licenses/:id`, `PUT /v1/credentials`.
 *
 * A put is a decision on the bus like any other, so it is on record and reaches every copy in one order. Promises: a
 * secret is digested before anything else happens, and neither kept, logged nor sent back; whoever holds a tenant's token
 * changes only that tenant's.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bareSecret } from '../../engine/sources/mapping-context.ts'
import type { Decision } from '../../core/decision.ts'
import { canonicalDigest, credentialId, derivedId } from '../../core/ids.ts'
import { topics } from '../../core/topics.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import type { ServiceContext } from '../../runtime/service.ts'
import { credentialForm, labelTellsSecret, LicenseFormAt, LicenseId, secretCharsMax, secretCharsMin } from './forms.ts'

const CredentialBody = credentialForm(z.string().min(secretCharsMin).max(secretCharsMax))
const LicenseParams = z.strictObject({ id: LicenseId })
const hint = 'docs/licensing.md describes every field.'
const onRecord = 'It is on record, and takes effect a moment later.'

type RouteContext = Pick<ServiceContext, 'bus' | 'clock' | 'hmacKey'>

export function mountLicensingRoutes(app: FastifyInstance, context: RouteContext): void {
  mountRoute(app, {
    method: 'PUT',
    url: '/v1/licenses/:id',
    roles: ['admin'],
    summary: 'Puts a license in force, or in the place of the one with this id',
    tag: 'licenses',
    params: LicenseParams,
    body: LicenseFormAt,
    invalid: 'LICENSE_INVALID',
    hint,
    answers: { 202: { description: onRecord, schema: z.strictObject({ decisionId: z.string(), id: z.string() }) } },
    deed: { target: ({ params }) => `license:${params.id}` },
    handle: async ({ params: { id }, body, request, reply }) => {
      const license = { ...body, id }
      if (body.id !== undefined && body.id !== id) {
        throw new HttpError(400, 'LICENSE_INVALID', 'The id in the body is not the one in the path.')
      }
      const decision: Decision = {
        kind: 'license.put',
        ...signed(request, license.tenant, license, context),
        license,
      }
      await publish(decision, context)
      return reply.code(202).send({ decisionId: decision.id, id })
    },
  })
  mountCredentials(app, context)
}

function mountCredentials(app: FastifyInstance, context: RouteContext): void {
  const digested = ({ secret, credentialId: known }: z.infer<typeof CredentialBody>): string =>
    secret === undefined ? known! : credentialId(bareSecret(secret), context.hmacKey)
  const handle = async ({ body, request, reply }: Taken) => {
    const { secret: presented, credentialId: known, ...rest } = body
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
  }
  mountRoute(app, {
    method: 'PUT',
    url: '/v1/credentials',
    roles: ['admin'],
    summary: 'Registers a credential, or changes what is known of it; a revoked one stays revoked',
    tag: 'credentials',
    body: CredentialBody,
    invalid: 'CREDENTIAL_INVALID',
    hint,
    answers: {
      202: { description: onRecord, schema: z.strictObject({ decisionId: z.string(), credentialId: z.string() }) },
    },
    deed: {
      target: ({ body }) => `credential:${digested(body)}`,
      arguments: ({ body: { secret: _secret, ...rest }, body }) => ({ ...rest, credentialId: digested(body) }),
    },
    handle,
  })
}

interface Taken {
  readonly body: z.infer<typeof CredentialBody>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
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
