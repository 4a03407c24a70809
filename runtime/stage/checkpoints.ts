/**
 * Checkpoints: a task's state and resume offset on the stage's state topic, and back.
 *
 * Partition n of `warden.state.<stage>` holds the state of partition n of each input topic; keys are
 * `<topic>\n<state key>`, and the empty state key holds the meta record. What a version that does not know it may pass over has a
 * record of its own, `seals\n<topic>`: the meta record is refused whole for one key that is unknown, and copies of two versions
 * hand partitions to each other during an upgrade. Changes and the resume offset go out in one transaction of a producer that
 * fences off the task's earlier owners.
 *
 * Promises: what is restored is one checkpoint whole, never parts of two; state of a newer version is refused, of an
 * older one migrated.
 */
import { z } from 'zod'
import { RepartitionUnderWayError, StateVersionError } from '../../core/errors.ts'
import type { Bus, BusRecord, OutgoingRecord, TopicPartition } from '../../core/ports/bus.ts'
import { stateTopic } from '../../core/topics.ts'
import type { MemoryState } from './memory-state.ts'
import type { StageSpec } from './stage.ts'

const time = z.number().nullable()
const Seals = z.array(z.string())
const digests = z.partialRecord(z.enum(['sources', 'rules', 'playbooks', 'inventory']), z.string())

/** What a task must remember beside its logic's state. */
export const TaskMeta = z.strictObject({
  version: z.int(),
  nextOffset: z.int().nonnegative(),
  marks: z.record(z.string(), z.tuple([z.number(), z.number()])),
  watermark: z.strictObject({
    reachedMs: time,
    ended: z.boolean(),
    latestEventMs: time,
    latenessMs: z.number(),
    upstream: z.record(z.string(), z.array(time)),
  }),
  /** What it told downstream last, and at which append time. */
  told: z.strictObject({ eventTimeMs: time, ended: z.boolean(), appendedMs: z.number() }),
  /** Digests of the content in force. */
  content: digests,
  /** And of what was to be in force in their stead, and had mistakes. */
  refused: digests.optional(),
  /** Seals of the control records that were taken, of which none counts twice. */
  seals: Seals.optional(),
})
export type TaskMeta = z.infer<typeof TaskMeta>

const metaKey = ''
const sealsKey = (topic: string): string => `seals\n${topic}`
/** In each partition of a state topic while `modelwarden repartition` is at work: nobody takes it up. */
const lockKey = 'repartition'

/** What of a stage its state is read and written by. */
export type StateOwner = Pick<StageSpec, 'name' | 'inputs' | 'stateVersion' | 'migrate'>

/**
 * Reads the last checkpoint of a task into `state`; `undefined` if there is none. Throws RepartitionUnderWayError while keys are
 * being dealt out anew, but to who does that (`lock`).
 */
export async function restoreCheckpoint(
  bus: Bus,
  spec: StateOwner,
  at: TopicPartition,
  state: MemoryState,
  lock: 'heed' | 'ignore' = 'heed',
): Promise<TaskMeta | undefined> {
  const prefix = `${at.topic}\n`
  let meta: unknown
  let seals: unknown
  let locked = false
  const apply = (record: BusRecord): void => {
    if (record.key === lockKey) locked = record.value !== null
    const isSeals = record.key === sealsKey(at.topic)
    if (!isSeals && record.key?.startsWith(prefix) !== true) return
    const value: unknown = record.value === null ? undefined : JSON.parse(record.value.toString('utf8'))
    if (isSeals) {
      seals = value
      return
    }
    const key = record.key.slice(prefix.length)
    if (key === metaKey) meta = value
    else state.restore(key, value)
  }
  await bus.read({ topic: stateTopic(spec.name), partition: at.partition }, 'start', (batch) => {
    for (const record of batch) apply(record)
  })
  if (locked && lock === 'heed') {
    throw new RepartitionUnderWayError(`The log of ${spec.name} is being given other partitions.`, {
      hint: 'Run `modelwarden repartition --apply` to its end: it goes on where it was cut off.',
    })
  }
  if (meta === undefined) return undefined
  const read = TaskMeta.parse(meta)
  const parsed: TaskMeta = seals === undefined ? read : { ...read, seals: Seals.parse(seals) }
  if (parsed.version > spec.stateVersion) {
    throw new StateVersionError(
      `The state of ${spec.name} (${at.topic}/${at.partition}) has version ${parsed.version}; this program reads up to ${spec.stateVersion}.`,
      { hint: 'Run the version of Modelwarden that wrote it, or a newer one.' },
    )
  }
  if (parsed.version < spec.stateVersion) migrateState(spec, parsed.version, state)
  return parsed
}

function migrateState(spec: StateOwner, fromVersion: number, state: MemoryState): void {
  for (const [key, value] of [...state.entries('')]) {
    const migrated = spec.migrate?.(key, value, fromVersion)
    if (migrated === undefined) state.delete(key)
    else state.set(key, migrated)
  }
}

/** The records of one checkpoint: the changed entries, the seals where there are any, and the meta record last. */
export function checkpointRecords(
  spec: Pick<StageSpec, 'name'>,
  at: TopicPartition,
  changes: readonly (readonly [key: string, json: string | null])[],
  { seals, ...meta }: TaskMeta,
): readonly OutgoingRecord[] {
  const { partition } = at
  const record = (key: string, value: string | null): OutgoingRecord => ({
    topic: stateTopic(spec.name),
    ...{ partition, key, value },
  })
  const ofState = (key: string, value: string | null): OutgoingRecord => record(`${at.topic}\n${key}`, value)
  return [
    ...changes.map(([key, json]) => ofState(key, json)),
    ...(seals === undefined ? [] : [record(sealsKey(at.topic), JSON.stringify(seals))]),
    ofState(metaKey, JSON.stringify(meta)),
  ]
}

/** How far the dealing out of a stage's keys has come. */
export const RepartitionLock = z.strictObject({
  /** Partitions that its log had, and is to have. */
  from: z.int().positive(),
  to: z.int().positive(),
  /** The state stands where it belongs. */
  moved: z.boolean(),
})
export type RepartitionLock = z.infer<typeof RepartitionLock>

export function lockRecord(stage: string, partition: number, lock: RepartitionLock | null): OutgoingRecord {
  return {
    topic: stateTopic(stage),
    partition,
    key: lockKey,
    value: lock === null ? null : JSON.stringify(lock),
  }
}

export async function readLock(bus: Bus, stage: string, partition: number): Promise<RepartitionLock | undefined> {
  let found: RepartitionLock | undefined
  await bus.read({ topic: stateTopic(stage), partition }, 'start', (batch) => {
    for (const { key, value } of batch) {
      if (key !== lockKey) continue
      found = value === null ? undefined : RepartitionLock.parse(JSON.parse(value.toString('utf8')))
    }
  })
  return found
}
