/**
 * Deals a stage's state out anew, when its log gets more partitions: each entry goes to the partition that the log key it
 * belongs to goes to.
 *
 * Pure. Used by `modelwarden repartition`, while no copy of the stage runs and its log is worked off. What belongs to no key is
 * of the partition (it stays), or of all (it goes everywhere); several values that meet under one key are joined.
 *
 * Promises: nothing is lost: each entry is dealt out at least once; a mark that one partition held holds in all, so that what
 * was emitted before is told as a redelivery wherever it comes; event time goes back to what is complete in every partition.
 */
import { canonicalJson } from '../../core/ids.ts'
import { partitionOf } from '../../core/partition.ts'
import type { TaskMeta } from './checkpoints.ts'
import { idsForgottenKey } from './recent-ids.ts'

/** `logKey`: with the records of that key. `here`: with the partition that has it. `everywhere`: in each partition. */
export type Home = { readonly logKey: string } | 'here' | 'everywhere'

export interface Dealt {
  readonly home: Home
  readonly key: string
  readonly value: unknown
}

/** One partition's state. */
export type Entries = ReadonlyMap<string, unknown>

/** What a stage knows of the keys of its state. */
export interface Rekey {
  /** Where an entry belongs; a list of things of several keys is dealt out in parts. `from`: the partition that has it. */
  deal(key: string, value: unknown, entries: Entries, from: number): readonly Dealt[]
  /** Makes one of different values that meet under a key, those of the first partition first. */
  join?(key: string, values: readonly unknown[]): unknown
  /** Event time that all partitions are taken to have reached: what is complete in each (the default), or in any. */
  readonly reached?: 'least' | 'most'
  /** Puts one partition's entries in order once all are there. */
  finish?(entries: Map<string, unknown>): void
}

export interface TaskState {
  readonly meta: TaskMeta | undefined
  readonly entries: Entries
}

export function dealAnew(tasks: readonly TaskState[], partitions: number, rekey: Rekey): readonly TaskState[] {
  const dealt = Array.from({ length: partitions }, () => new Map<string, unknown[]>())
  const put = (to: number, key: string, value: unknown): void => {
    const values = dealt[to]!.get(key)
    if (values === undefined) dealt[to]!.set(key, [value])
    else values.push(value)
  }
  for (const [from, { entries }] of tasks.entries()) {
    for (const [key, value] of entries) {
      for (const part of rekey.deal(key, value, entries, from)) {
        if (part.home === 'everywhere') for (let to = 0; to < partitions; to++) put(to, part.key, part.value)
        else put(part.home === 'here' ? from : partitionOf(part.home.logKey, partitions), part.key, part.value)
      }
    }
  }
  const metas = tasks.flatMap(({ meta }) => meta ?? [])
  return dealt.map((found, at) => {
    const entries = new Map([...found].map(([key, values]) => [key, joined(rekey, key, values)]))
    rekey.finish?.(entries)
    return { meta: metaOf(metas, tasks[at]?.meta, rekey.reached ?? 'least'), entries }
  })
}

function joined(rekey: Rekey, key: string, values: readonly unknown[]): unknown {
  const different = [...new Map(values.map((value) => [canonicalJson(value), value])).values()]
  if (different.length === 1) return different[0]
  if (rekey.join === undefined) throw new Error(`two partitions hold ${JSON.stringify(key)}, and nobody can join them`)
  return rekey.join(key, different)
}

/** `own`: what the partition had; a new one has had nothing. */
function metaOf(all: readonly TaskMeta[], own: TaskMeta | undefined, reached: 'least' | 'most'): TaskMeta | undefined {
  const [first] = all
  if (first === undefined) return undefined
  const fresh: TaskMeta = {
    ...first,
    nextOffset: 0,
    watermark: { ...first.watermark, latestEventMs: null, upstream: {} },
    told: { eventTimeMs: null, ended: false, appendedMs: 0 },
  }
  const { watermark, ...meta } = own ?? fresh
  return {
    ...meta,
    marks: highest(all),
    watermark: {
      ...watermark,
      reachedMs: (reached === 'least' ? least : most)(all.map((each) => each.watermark.reachedMs)),
    },
  }
}

/** Null: something has not been reached at all yet. */
export function least(times: readonly (number | null)[]): number | null {
  return times.reduce((a, b) => (a === null || b === null ? null : Math.min(a, b)), Infinity)
}

/** Null: nothing has been reached yet. */
export function most(times: readonly (number | null)[]): number | null {
  return times.reduce((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null)
}

function highest(all: readonly TaskMeta[]): TaskMeta['marks'] {
  const marks: Record<string, [number, number]> = {}
  for (const meta of all) {
    for (const [origin, [offset, index]] of Object.entries(meta.marks)) {
      const seen = marks[origin]
      if (seen === undefined || offset > seen[0] || (offset === seen[0] && index > seen[1]))
        marks[origin] = [offset, index]
    }
  }
  return marks
}

/** Of values with a version the newest, else the first. */
export function newest(values: readonly unknown[]): unknown {
  const versionOf = (value: unknown): number => Number((value as { version?: unknown } | null)?.version ?? 0)
  return values.reduce((best, value) => (versionOf(value) > versionOf(best) ? value : best))
}

/** Remembered ids of events (recent-ids.ts) do not say whose they are: all partitions know all. Undefined: it is none. */
export function dealIds(key: string, value: unknown, from: number): readonly Dealt[] | undefined {
  if (key === idsForgottenKey) return [{ home: 'everywhere', key, value }]
  return key.startsWith('ids/') ? [{ home: 'everywhere', key: toNumber(key, from), value }] : undefined
}

/** Where any partition has forgotten ids, they are missing in all; undefined: that is not what the key tells. */
export function joinIds(key: string, values: readonly unknown[]): unknown {
  return key === idsForgottenKey ? Math.max(...(values as readonly number[])) : undefined
}

/** A key that ends in a number of its partition's own: `<rest>#<number>.<from>`, until `numberAnew`. */
export function toNumber(key: string, from: number): string {
  const slash = key.lastIndexOf('/') + 1
  return `${key.slice(0, slash)}#${key.slice(slash)}.${from}`
}

/** Numbers what `toNumber` has marked without a gap, from 0. */
export function numberAnew(entries: Map<string, unknown>): void {
  const numbers = new Map<string, number>()
  for (const key of [...entries.keys()].filter((each) => marked.test(each)).sort(byNumber)) {
    const rest = key.slice(0, key.lastIndexOf('#'))
    const number = numbers.get(rest) ?? 0
    numbers.set(rest, number + 1)
    const value = entries.get(key)
    entries.delete(key)
    entries.set(`${rest}${number}`, value)
  }
}

const marked = /^(ids|held)\/.*#\d+\.\d+$/

function byNumber(a: string, b: string): number {
  const of = (key: string): readonly number[] =>
    key
      .slice(key.lastIndexOf('#') + 1)
      .split('.')
      .map(Number)
  const [[an = 0, af = 0], [bn = 0, bf = 0]] = [of(a), of(b)]
  return an - bn || af - bf
}
