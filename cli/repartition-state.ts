/**
 * One stage's state on its way to other partitions: read, dealt out anew, and what has to be written for it.
 */
import { BusRefusedError } from '../core/errors.ts'
import type { Bus, OutgoingRecord } from '../core/ports/bus.ts'
import { headers } from '../core/topics.ts'
import { checkpointRecords, readLock, restoreCheckpoint, type TaskMeta } from '../runtime/stage/checkpoints.ts'
import { MemoryState } from '../runtime/stage/memory-state.ts'
import { dealAnew, type TaskState } from '../runtime/stage/rekey.ts'
import type { RekeyedOwner } from './repartition-owners.ts'

/** A stage as it stands on the bus. */
export interface FoundStage {
  readonly owner: RekeyedOwner
  readonly input: string
  /** Partitions that its log had before. */
  readonly from: number
  /** An earlier run has got so far: `locked`, and then `moved`. */
  readonly locked: boolean
  readonly moved: boolean
  /** Partitions that an earlier run was to come to. */
  readonly headedFor: number | undefined
  readonly tasks: readonly (TaskState & { readonly stored: ReadonlyMap<string, string> })[]
  /** Records that have not been worked off. */
  readonly waiting: number
}

export async function findStage(bus: Bus, owner: RekeyedOwner): Promise<FoundStage> {
  const [input = ''] = owner.inputs
  const lock = await ifThere(() => readLock(bus, owner.name, 0))
  const from = lock?.from ?? (await bus.partitionCount(input))
  const tasks: FoundStage['tasks'][number][] = []
  let waiting = 0
  for (let partition = 0; partition < from && lock?.moved !== true; partition++) {
    const task = await readTask(bus, owner, input, partition)
    tasks.push(task)
    waiting += await countFrom(bus, input, partition, task.meta?.nextOffset ?? 0)
  }
  // A stage that has never run begins at the beginning, whatever the partitions are.
  const hasRun = tasks.some(({ meta }) => meta !== undefined)
  return {
    ...{ owner, input, from, tasks },
    locked: lock !== undefined,
    moved: lock?.moved ?? false,
    headedFor: lock?.to,
    waiting: hasRun ? waiting : 0,
  }
}

async function readTask(
  bus: Bus,
  owner: RekeyedOwner,
  topic: string,
  partition: number,
): Promise<FoundStage['tasks'][number]> {
  const state = new MemoryState()
  const meta = await ifThere(() => restoreCheckpoint(bus, owner, { topic, partition }, state, 'ignore'))
  const renewed = new Map(state.takeChanges())
  const entries = new Map(state.entries(''))
  const stored = new Map([...entries].map(([key, value]) => [key, JSON.stringify(value)]))
  // What an older version has written is written anew, and what it drops is deleted.
  for (const key of renewed.keys()) stored.set(key, '')
  return { meta: meta === undefined ? undefined : { ...meta, version: owner.stateVersion }, entries, stored }
}

/** Undefined where there is no such topic yet: the stage has never run. */
async function ifThere<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof BusRefusedError) return undefined
    throw error
  }
}

/** Records that mean something: what is told of time is read on where it stands. */
async function countFrom(bus: Bus, topic: string, partition: number, from: number): Promise<number> {
  let count = 0
  await bus.read({ topic, partition }, from, (batch) => {
    count += batch.filter(({ headers: named, offset }) => offset >= from && !(headers.control in named)).length
  })
  return count
}

/** What the state of each partition has to become. */
export function movesOf(
  stage: FoundStage,
  to: number,
): { readonly records: readonly OutgoingRecord[]; readonly moved: number } {
  const { owner, input, tasks } = stage
  const dealt = dealAnew(tasks, to, owner.rekey)
  const records: OutgoingRecord[] = []
  let moved = 0
  for (const [partition, { entries, meta }] of dealt.entries()) {
    const stored = tasks[partition]?.stored ?? new Map<string, string>()
    const changes: [string, string | null][] = []
    for (const [key, value] of entries) {
      const json = JSON.stringify(value)
      if (stored.get(key) !== json) changes.push([key, json])
    }
    moved += changes.length
    for (const key of stored.keys()) if (!entries.has(key)) changes.push([key, null])
    if (meta === undefined) continue
    records.push(...checkpointRecords(owner, { topic: input, partition }, changes, meta))
  }
  return { records, moved }
}

/** The different versions of a content set that tasks of these stages have in force; one, as a rule. */
export function contentOf(stages: readonly FoundStage[], set: keyof TaskMeta['content']): readonly string[] {
  return [...new Set(stages.flatMap(({ tasks }) => tasks.flatMap(({ meta }) => meta?.content[set] ?? [])))]
}
