/**
 * Checkpoints: a task's state and resume offset on the stage's state topic, and back.
 *
 * Partition n of `warden.state.<stage>` holds the state of partition n of each input topic; keys are
 * `<topic>\n<state key>`, and the empty state key holds the meta record. Changes and the resume offset go out in one
 * transaction of a producer that fences off the task's earlier owners.
 *
 * Promises: what is restored is one checkpoint whole, never parts of two; state of a newer version is refused, of an
 * older one migrated.
 */
import { z } from 'zod'
import { StateVersionError } from '../core/errors.ts'
import type { Bus, BusRecord, OutgoingRecord, TopicPartition } from '../core/ports/bus.ts'
import { stateTopic } from '../core/topics.ts'
import type { MemoryState } from './memory-state.ts'
import type { StageSpec } from './stage.ts'

const time = z.number().nullable()

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
  content: z.partialRecord(z.enum(['sources', 'rules', 'playbooks', 'inventory']), z.string()),
})
export type TaskMeta = z.infer<typeof TaskMeta>

const metaKey = ''

/** Reads the last checkpoint of a task into `state`; `undefined` if there is none. */
export async function restoreCheckpoint(
  bus: Bus,
  spec: StageSpec,
  at: TopicPartition,
  state: MemoryState,
): Promise<TaskMeta | undefined> {
  const prefix = `${at.topic}\n`
  let meta: unknown
  const apply = (record: BusRecord): void => {
    if (record.key?.startsWith(prefix) !== true) return
    const key = record.key.slice(prefix.length)
    const value: unknown = record.value === null ? undefined : JSON.parse(record.value.toString('utf8'))
    if (key === metaKey) meta = value
    else state.restore(key, value)
  }
  await bus.read({ topic: stateTopic(spec.name), partition: at.partition }, 'start', (batch) => {
    for (const record of batch) apply(record)
  })
  if (meta === undefined) return undefined
  const parsed = TaskMeta.parse(meta)
  if (parsed.version > spec.stateVersion) {
    throw new StateVersionError(
      `The state of ${spec.name} (${at.topic}/${at.partition}) has version ${parsed.version}; this program reads up to ${spec.stateVersion}.`,
      { hint: 'Run the version of Modelwarden that wrote it, or a newer one.' },
    )
  }
  if (parsed.version < spec.stateVersion) migrateState(spec, parsed.version, state)
  return parsed
}

function migrateState(spec: StageSpec, fromVersion: number, state: MemoryState): void {
  for (const [key, value] of [...state.entries('')]) {
    const migrated = spec.migrate?.(key, value, fromVersion)
    if (migrated === undefined) state.delete(key)
    else state.set(key, migrated)
  }
}

/** The records of one checkpoint: the changed entries, and the meta record last. */
export function checkpointRecords(
  spec: StageSpec,
  at: TopicPartition,
  changes: readonly (readonly [key: string, json: string | null])[],
  meta: TaskMeta,
): readonly OutgoingRecord[] {
  const topic = stateTopic(spec.name)
  const record = (key: string, value: string | null): OutgoingRecord => ({
    topic,
    partition: at.partition,
    key: `${at.topic}\n${key}`,
    value,
  })
  return [...changes.map(([key, json]) => record(key, json)), record(metaKey, JSON.stringify(meta))]
}
