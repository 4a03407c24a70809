/**
 * The Event: one happening, in ECS field names, model calls in OpenTelemetry's `gen_ai.*`, the rest under `warden.*`.
 *
 * Stands between normalize, which makes it, and everything after. The schema below is checked where events are made
 * (cases, tests) and published as JSON Schema; past normalize an event is trusted (`isEvent` looks at its envelope only).
 */
import { z } from 'zod'

const strings = z.array(z.string())
const numbers = z.array(z.number())
const named = z.looseObject({ id: z.string().optional(), name: z.string().optional() })

/** What happened to whom is answered by fields every source fills; see docs/events.md. */
export const Event = z.looseObject({
  '@timestamp': z.iso.datetime(),
  event: z.looseObject({
    /** Derived from the source's identity: 32 hex digits. */
    id: z.string(),
    kind: z.literal('event'),
    /** ECS categories: authentication, iam, file, database, web, configuration, api, … */
    category: strings.optional(),
    type: strings.optional(),
    action: z.string().optional(),
    outcome: z.enum(['success', 'failure', 'unknown']).optional(),
    /** The source's name, e.g. `aws.cloudtrail`. */
    dataset: z.string(),
    provider: z.string().optional(),
    reason: z.string().optional(),
    /** When the bus appended the raw record: collection time beside event time. */
    created: z.iso.datetime(),
    /** SHA-256 of the raw bytes. */
    hash: z.string(),
  }),
  organization: z.looseObject({ id: z.string() }),
  user: z
    .looseObject({
      id: z.string().optional(),
      name: z.string().optional(),
      email: z.string().optional(),
      domain: z.string().optional(),
      roles: strings.optional(),
      target: named.optional(),
    })
    .optional(),
  source: z
    .looseObject({
      ip: z.string().optional(),
      address: z.string().optional(),
      port: z.number().optional(),
      geo: z.looseObject({ country_iso_code: z.string().optional() }).optional(),
    })
    .optional(),
  user_agent: z.looseObject({ original: z.string().optional() }).optional(),
  cloud: z
    .looseObject({
      provider: z.string().optional(),
      region: z.string().optional(),
      account: z.looseObject({ id: z.string().optional() }).optional(),
      service: z.looseObject({ name: z.string().optional() }).optional(),
    })
    .optional(),
  orchestrator: z.looseObject({}).optional(),
  http: z.looseObject({}).optional(),
  error: z.looseObject({ code: z.string().optional(), message: z.string().optional() }).optional(),
  gen_ai: z
    .looseObject({
      provider: z.looseObject({ name: z.string().optional() }).optional(),
      operation: z.looseObject({ name: z.string().optional() }).optional(),
      request: z
        .looseObject({
          model: z.string().optional(),
          max_tokens: z.number().optional(),
          temperature: z.number().optional(),
          top_logprobs: z.number().optional(),
        })
        .optional(),
      response: z.looseObject({ id: z.string().optional(), model: z.string().optional() }).optional(),
      usage: z.looseObject({ input_tokens: z.number().optional(), output_tokens: z.number().optional() }).optional(),
    })
    .optional(),
  warden: z.looseObject({
    /** `tenant/user-or-credential`: the key on the bus. */
    principal: z.string(),
    /** What Sigma's rules are routed by. */
    logsource: z.object({
      product: z.string().optional(),
      service: z.string().optional(),
      category: z.string().optional(),
    }),
    /** Where the raw record stands. */
    position: z.object({ topic: z.string(), partition: z.number(), offset: z.number(), index: z.number() }),
    /** The credential used, as its keyed digest. */
    credential: z.object({ id: z.string() }).optional(),
    session: z.object({ id: z.string() }).optional(),
    model: z.object({ id: z.string(), version: z.string().optional() }).optional(),
    /** The artifact touched: `kind` is weights, training-data, code, model-package, training-metadata, other. */
    asset: z.looseObject({ id: z.string(), kind: z.string().optional(), container: z.string().optional() }).optional(),
    /** Bytes that moved because of this event. */
    bytes: z.number().optional(),
    input: z
      .looseObject({ features: numbers.optional(), embedding: numbers.optional(), hash: z.string().optional() })
      .optional(),
    output: z
      .looseObject({
        probabilities: numbers.optional(),
        label: z.union([z.string(), z.number()]).optional(),
        confidence: z.number().optional(),
        logprobs: z.array(z.unknown()).optional(),
      })
      .optional(),
    /** A synthetic event that measures the pipeline; no rule but its own may match it. */
    synthetic: z.boolean().optional(),
  }),
})
export type Event = z.infer<typeof Event>

/** A cheap look at the envelope of what claims to be an event: enough to route and to key it. */
export function isEvent(value: unknown): value is Event {
  if (typeof value !== 'object' || value === null) return false
  const event = value as Partial<Event>
  return (
    typeof event['@timestamp'] === 'string' &&
    typeof event.event?.id === 'string' &&
    typeof event.event.dataset === 'string' &&
    typeof event.organization?.id === 'string' &&
    typeof event.warden?.principal === 'string' &&
    typeof event.warden.position?.topic === 'string'
  )
}
