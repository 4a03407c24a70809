/**
 * The Signal: one finding of one rule or detector, with its evidence and its explanation.
 *
 * Made by detect, keyed on the bus by tenant (or `operator`). A signal may be revised (same id, next version) when late
 * records change it, or retracted.
 */
import { z } from 'zod'

export const levels = ['informational', 'low', 'medium', 'high', 'critical'] as const
export const Level = z.enum(levels)
export type Level = z.infer<typeof Level>

export const entityTypes = [
  'principal',
  'user',
  'credential',
  'session',
  'address',
  'asset',
  'model',
  'account',
] as const
export const Entity = z.strictObject({ type: z.enum(entityTypes), id: z.string() })
export type Entity = z.infer<typeof Entity>

/** A reference to an event that can be found again and proven unchanged. */
export const EvidenceRef = z.strictObject({
  id: z.string(),
  timestamp: z.iso.datetime(),
  /** SHA-256 of the raw record. */
  hash: z.string(),
  position: z.strictObject({ topic: z.string(), partition: z.number(), offset: z.number(), index: z.number() }),
})
export type EvidenceRef = z.infer<typeof EvidenceRef>

/** An ATLAS or ATT&CK technique, e.g. `{ framework: 'atlas', id: 'AML.T0024.002' }`. */
export const Technique = z.strictObject({
  framework: z.enum(['atlas', 'attack']),
  id: z.string(),
  name: z.string().optional(),
})
export type Technique = z.infer<typeof Technique>

/** What the finding says has been exposed. */
export const Exposure = z.strictObject({
  bytes: z.number().optional(),
  /** Size of the artifacts that the bytes belong to, where known. */
  ofBytes: z.number().optional(),
  queries: z.number().optional(),
  tokens: z.number().optional(),
  probabilities: z.number().optional(),
})
export type Exposure = z.infer<typeof Exposure>

/** What a finding may be about, in the words of those who must act on it. */
export const threats = [
  'extraction',
  'in-distribution-extraction',
  'boundary-search',
  'inversion',
  'membership-inference',
  'credential-sharing',
  'license',
  'drift',
  'bias',
  'poisoning',
  'logit-leak',
  'prompt-extraction',
  'training-data-extraction',
  'timing-probe',
  'cost-harvesting',
  'distillation',
  'exfiltration',
  'derivation',
  'anomaly',
] as const
export const Threat = z.enum(threats)
export type Threat = z.infer<typeof Threat>

/** A few numbers over time or over queries that a chart can draw, with the line that they crossed. */
export const Series = z.strictObject({
  name: z.string().max(64),
  /** Of x: `ms` since 1970, or `queries`. */
  x: z.enum(['ms', 'queries']),
  points: z.array(z.tuple([z.number(), z.number()])).max(64),
  line: z.number().optional(),
  /** Where benign accounts are: from the 5th to the 95th percentile. */
  benign: z.tuple([z.number(), z.number()]).optional(),
})
export type Series = z.infer<typeof Series>

/** One account of a group of accounts, and why it is in it. */
export const Member = z.strictObject({ principal: z.string(), why: z.string().max(500) })
export type Member = z.infer<typeof Member>

export const Signal = z.strictObject({
  /** From rule, group and window anchor. */
  id: z.string(),
  /** 1, then one more for each revision. */
  version: z.int().positive(),
  status: z.enum(['open', 'retracted']),
  /** Signals that this one replaces, because late records moved its anchor. */
  supersedes: z.array(z.string()),
  /** Event time of the record that completed it. */
  '@timestamp': z.iso.datetime(),
  /** Append time of the record that made us see it. */
  created: z.iso.datetime(),
  /** A tenant's id, or `operator` for findings across tenants. */
  scope: z.string(),
  rule: z.strictObject({
    id: z.string(),
    title: z.string(),
    /** Digest of the rule as compiled. */
    version: z.string(),
    kind: z.enum(['sigma', 'behavior']),
    level: Level,
    tags: z.array(z.string()),
    techniques: z.array(Technique),
    /** It finds, and nothing acts. */
    shadow: z.boolean(),
  }),
  /** 0 to 100. */
  risk: z.number(),
  /** The values that the rule grouped by. */
  group: z.record(z.string(), z.string()),
  window: z.strictObject({ start: z.iso.datetime(), end: z.iso.datetime() }).optional(),
  /** What it is about. Correlate joins by principal, credential and session; `joinOn` adds types to that. */
  entities: z.array(Entity),
  joinOn: z.array(z.enum(entityTypes)),
  evidence: z.strictObject({ count: z.number(), events: z.array(EvidenceRef) }),
  /** In words, with the numbers that crossed which line. Plain text; hostile content inside. */
  explanation: z.string(),
  /** The numbers of the explanation. */
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  exposure: Exposure.optional(),
  threat: Threat.optional(),
  series: z.array(Series).max(4).optional(),
  /** Of a group of accounts: all that are in it, up to a limit. */
  members: z.array(Member).max(1_000).optional(),
  /** Arrival of the raw record behind it, ms since 1970. */
  arrivedMs: z.number().optional(),
  synthetic: z.boolean().optional(),
})
export type Signal = z.infer<typeof Signal>
