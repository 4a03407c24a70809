/**
 * What people decide: `POST /v1/decisions`.
 *
 * A decision goes onto the bus and takes effect where it is obeyed; the answer (202) says that it is on record. Promises:
 * who decides and with which roles comes from the token, never from the body; a decision sent again with the same `id` is
 * one; one about an incident or action that the caller can't see is refused as if there were none.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Decision } from '../../core/decision.ts'
import { derivedId } from '../../core/ids.ts'
import { Verdict } from '../../core/incident.ts'
import { limits } from '../../core/limits.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Document, SearchIndex } from '../../core/ports/search-index.ts'
import { topics } from '../../core/topics.ts'
import type { Role } from '../../runtime/config/config-parts.ts'
import type { Caller } from '../../runtime/http/http-access.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import { ErrorBody } from '../../runtime/http/openapi.ts'
import { lists } from './lists.ts'
import { oneOf } from './reads.ts'

const text = z.string().min(1).max(10_000)
const entity = z.string().min(1).max(limits.entityIdCharsMax)
const base = {
  /** Of the caller's choosing: the same decision sent again is told by it. */
  id: z
    .string()
    .regex(/^[\w.:-]{1,128}$/)
    .optional(),
}
const onIncident = { ...base, incidentId: entity }

const Body = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('acknowledge'), ...onIncident }),
  z.strictObject({ kind: z.literal('assign'), ...onIncident, assignee: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('note'), ...onIncident, text }),
  z.strictObject({ kind: z.literal('close'), ...onIncident, verdict: Verdict, text: text.optional() }),
  z.strictObject({ kind: z.literal('reopen'), ...onIncident }),
  z.strictObject({ kind: z.literal('unmerge'), ...onIncident, mergedId: entity }),
  z.strictObject({
    kind: z.literal('approval'),
    ...onIncident,
    actionId: entity,
    /** Of the action as the approver saw it. */
    digest: z.string().min(1).max(200),
    approved: z.boolean(),
    text: text.optional(),
  }),
  z.strictObject({ kind: z.literal('undo'), ...onIncident, actionId: entity }),
  z.strictObject({ kind: z.literal('global-stop'), ...base, stopped: z.boolean() }),
])
type Body = z.infer<typeof Body>

/** Who may decide what; `admin` may everything. */
const deciders: Readonly<Record<Body['kind'], readonly Role[]>> = {
  acknowledge: ['analyst', 'responder'],
  assign: ['analyst', 'responder'],
  note: ['analyst', 'responder'],
  close: ['analyst', 'responder'],
  reopen: ['analyst', 'responder'],
  unmerge: ['analyst', 'responder'],
  // Which of them, the action says.
  approval: ['analyst', 'responder'],
  undo: ['responder'],
  'global-stop': ['responder'],
}

/** The operator's own decisions belong to no tenant. */
const operator = 'operator'
const bodyBytesMax = 65_536

export interface DecisionContext {
  readonly bus: Bus
  readonly index: SearchIndex
  readonly clock: Clock
}

export function mountDecisions(app: FastifyInstance, context: DecisionContext): void {
  const error = (description: string) => ({ description, schema: ErrorBody })
  mountRoute(app, {
    method: 'POST',
    url: '/v1/decisions',
    roles: ['analyst', 'responder'],
    summary: 'Decides: about an incident, an action, or to hold all actions',
    tag: 'decisions',
    body: Body,
    bodyLimit: bodyBytesMax,
    invalid: 'DECISION_INVALID',
    answers: {
      202: {
        description: 'It is on record, and takes effect a moment later.',
        schema: z.strictObject({ decisionId: z.string(), kind: z.string() }),
      },
      404: error('There is no such incident or action, or it is somebody else’s.'),
      409: error('It can not be so, for instance as the action has changed since you saw it.'),
    },
    deed: {
      target: ({ body }) => `${body.kind} ${'incidentId' in body ? `incident:${body.incidentId}` : 'everything'}`,
    },
    handle: async ({ body, caller, request, reply }) => {
      checkRole(body.kind, caller)
      const tenant = await tenantOf(body, caller, context)
      const decision = Decision.parse({ ...body, ...signed(body.id, tenant, request, context.clock) })
      const key = 'incidentId' in decision ? decision.incidentId : decision.tenant
      await context.bus.publish([{ topic: topics.decisions, key, value: JSON.stringify(decision) }])
      return reply.code(202).send({ decisionId: decision.id, kind: decision.kind })
    },
  })
}

function checkRole(kind: Body['kind'], { roles }: Caller): void {
  const allowed = deciders[kind]
  if (roles.includes('admin') || roles.some((role) => allowed.includes(role))) return
  throw new HttpError(403, 'ROLE_MISSING', `To decide "${kind}" takes the role ${allowed.join(' or ')}.`)
}

/** Whose the decision is: the incident's. Throws where there is no such incident, or the action is not that one's. */
async function tenantOf(body: Body, caller: Caller, { index }: DecisionContext): Promise<string> {
  if (body.kind === 'global-stop') {
    if (caller.tenant === undefined) return operator
    throw new HttpError(403, 'OPERATOR_ONLY', 'Your token is for one tenant; a global stop concerns all.')
  }
  const incident = await oneOf(index, lists.incidents, body.incidentId, caller)
  if (body.kind === 'unmerge') {
    const merged = await oneOf(index, lists.incidents, body.mergedId, caller)
    if (merged['mergedInto'] !== body.incidentId) {
      throw new HttpError(409, 'NOT_MERGED', 'The one incident is not merged into the other.')
    }
  }
  if (body.kind === 'approval' || body.kind === 'undo') {
    checkAction(body, await oneOf(index, lists.actions, body.actionId, caller), caller)
  }
  return incident['tenant'] as string
}

/** Early answers to what respond would refuse; it judges again, by its own log. */
function checkAction(body: Extract<Body, { actionId: string }>, action: Document, { roles }: Caller): void {
  if (action['incidentId'] !== body.incidentId) {
    throw new HttpError(409, 'ACTION_OF_ANOTHER', 'The action belongs to another incident.')
  }
  if (body.kind === 'undo') return
  if (action['digest'] !== body.digest) {
    throw new HttpError(409, 'DIGEST_CHANGED', 'The action is not the one that you saw: it has another digest now.', {
      hint: 'Look at the action again, and approve what it is now.',
    })
  }
  if (action['state'] !== 'awaiting-approval') {
    throw new HttpError(
      409,
      'NOT_AWAITING_APPROVAL',
      `The action does not wait for approval: ${String(action['state'])}.`,
    )
  }
  const { role } = (action['approval'] ?? { role: 'responder' }) as { role: string }
  if (roles.includes('admin') || (roles as readonly string[]).includes(role)) return
  throw new HttpError(403, 'ROLE_MISSING', `To approve this action takes the role ${role}.`)
}

function signed(id: string | undefined, tenant: string, request: FastifyRequest, clock: Clock) {
  const { caller } = request
  const by = `operator:${caller.name}`
  return {
    // Another caller's ids are out of reach: the name is part of it.
    id: id === undefined ? derivedId('decision', by, request.id) : derivedId('decision', by, 'own', id),
    at: new Date(clock.nowMs()).toISOString(),
    by,
    roles: [...caller.roles],
    tenant,
  }
}
