/**
 * The names of the bus topics, and what the broker must know to make them.
 */

export const topics = {
  audit: 'audit.events',
  inference: 'inference.events',
  events: 'warden.events',
  observations: 'warden.observations',
  signals: 'warden.signals',
  leaks: 'warden.leaks',
  ruleTallies: 'warden.rule-tallies',
  incidents: 'warden.incidents',
  incidentHistory: 'warden.incident-history',
  effects: 'warden.effects',
  decisions: 'warden.decisions',
  licenseCommands: 'warden.license-commands',
  licenses: 'warden.licenses',
  usage: 'warden.usage',
  assets: 'warden.assets',
  content: 'warden.content',
  schedule: 'warden.schedule',
  deadLetters: 'warden.dead-letters',
  deeds: 'warden.deeds',
} as const

export type TopicName = (typeof topics)[keyof typeof topics]

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly cleanup: 'delete' | 'compact'
  /** How long records are kept, for `delete`; undefined: the broker's default. */
  readonly retentionMs?: number
}

const dayMs = 86_400_000

/** The topic that holds the checkpoints of a stage: partition n holds the state of input partition n. */
export function stateTopic(stage: string): string {
  return `warden.state.${stage}`
}

/**
 * Every topic but the stages' own state topics, which the runtime makes with as many partitions as their input has.
 * `partitions` is the count for topics that scale out; small broadcast topics have one.
 */
export function topicSpecs(partitions: number): readonly TopicSpec[] {
  const log = (name: string, days: number): TopicSpec => ({
    name,
    partitions,
    cleanup: 'delete',
    retentionMs: days * dayMs,
  })
  return [
    log(topics.audit, 7),
    log(topics.inference, 7),
    log(topics.events, 7),
    log(topics.observations, 7),
    log(topics.signals, 90),
    { name: topics.leaks, partitions, cleanup: 'compact' },
    { name: topics.ruleTallies, partitions: 1, cleanup: 'compact' },
    { name: topics.incidents, partitions, cleanup: 'compact' },
    log(topics.incidentHistory, 365),
    log(topics.effects, 365),
    log(topics.decisions, 365),
    // One log for all tenants: what the operator and a tenant order about the same credential has one order.
    { ...log(topics.licenseCommands, 365), partitions: 1 },
    { name: topics.licenses, partitions: 1, cleanup: 'compact' },
    { name: topics.usage, partitions, cleanup: 'compact' },
    { name: topics.assets, partitions: 1, cleanup: 'compact' },
    { name: topics.content, partitions: 1, cleanup: 'compact' },
    { name: topics.schedule, partitions: 1, cleanup: 'compact' },
    log(topics.deadLetters, 30),
    log(topics.deeds, 365),
  ]
}

/** Header names on the bus. */
export const headers = {
  /** The source that a raw record belongs to. */
  source: 'source',
  /** On raw records: where one stood at its origin, e.g. a file and byte offset. Identifies it where its source says so. */
  origin: 'w-origin',
  /** On raw records: the tenant that the sender is bound to, whatever the record says. */
  tenant: 'w-tenant',
  /** On raw records that collect has already freed of credentials. */
  masked: 'w-masked',
  /** What a record came from: `<stage>/<topic>/<partition>:<offset>.<index>`. */
  mark: 'w-mark',
  /**
   * On a record that holds several outputs of one task: `<stage>/<topic>/<partition>`, where they came from
   * (runtime/stage/packs.ts).
   */
  packed: 'w-packed',
  /** On the dead letter of one of several that came in one record: which, from 0. */
  item: 'w-item',
  /** On control records: its kind. */
  control: 'w-control',
  /** On control records of topics that others write to: that it is one of ours (runtime/control-seal.ts). */
  seal: 'w-seal',
  /** When the first raw record behind this one was appended to the bus, in ms since 1970: measures end-to-end time. */
  arrived: 'w-arrived',
  /** On a record that stands for a batch which the bus could not read (its value is the raw bytes): what is wrong with it. */
  badEncoding: 'w-bad-encoding',
  /** Beside it: how many records the batch claims to hold. */
  badEncodingRecords: 'w-bad-encoding-records',
  /** On replayed dead letters: the id of the dead letter. */
  replayOf: 'w-replay-of',
} as const
