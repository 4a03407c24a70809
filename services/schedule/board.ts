/**
 * What the clockwork knows, as it stands on `warden.schedule`: when each source was last heard of, when each job last ran,
 * which silences have been told.
 *
 * The topic is compacted and has one partition; every scheduler reads all of it, and writes in transactions (once.ts).
 */
import { z } from 'zod'
import type { Bus, OutgoingRecord } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'

const Seen = z.object({ source: z.string(), atMs: z.number() })
const Run = z.object({ scheduledMs: z.number(), watchedFromMs: z.number() })
const Silence = z.object({ source: z.string(), lastSeenMs: z.number() })
export type JobRun = z.infer<typeof Run>

export class Board {
  readonly #bus: Bus
  readonly #seen = new Map<string, z.infer<typeof Seen>>()
  readonly #runs = new Map<string, JobRun>()
  readonly #silences = new Map<string, z.infer<typeof Silence>>()
  readonly #notices = new Set<string>()
  #nextOffset = 0

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Reads what has been added. */
  async refresh(): Promise<void> {
    const at = { topic: topics.schedule, partition: 0 }
    await this.#bus.read(at, this.#nextOffset === 0 ? 'start' : this.#nextOffset, (batch) => {
      for (const { key, value, offset } of batch) {
        if (key !== undefined) this.apply(key, value)
        this.#nextOffset = offset + 1
      }
    })
  }

  /** The latest over all partitions, in ms of append time. */
  lastSeen(): ReadonlyMap<string, number> {
    const latest = new Map<string, number>()
    for (const { source, atMs } of this.#seen.values()) latest.set(source, Math.max(atMs, latest.get(source) ?? 0))
    return latest
  }

  lastRun(job: string): JobRun | undefined {
    return this.#runs.get(job)
  }

  /** Silences told and not over, by source: since when. */
  silences(): ReadonlyMap<string, number> {
    return new Map([...this.#silences.values()].map(({ source, lastSeenMs }) => [source, lastSeenMs]))
  }

  wasNoticed(notice: string): boolean {
    return this.#notices.has(notice)
  }

  /** Takes one record of the topic. */
  apply(key: string, value: Buffer | null): void {
    const kind = key.slice(0, key.indexOf('/'))
    const json: unknown = value === null ? undefined : parse(value)
    if (kind === 'seen') set(this.#seen, key, Seen.safeParse(json).data)
    else if (kind === 'job') set(this.#runs, key.slice('job/'.length), Run.safeParse(json).data)
    else if (kind === 'silent') set(this.#silences, key, Silence.safeParse(json).data)
    else if (kind === 'notice' && json !== undefined) this.#notices.add(key.slice('notice/'.length))
  }
}

/** What is no value of its kind counts as taken back. */
function set<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'))
  } catch {
    return undefined
  }
}

const entry = (key: string, value: object | null): OutgoingRecord => ({
  topic: topics.schedule,
  partition: 0,
  key,
  value: value === null ? null : JSON.stringify(value),
})

export const boardRecords = {
  run: (job: string, run: JobRun): OutgoingRecord => entry(`job/${job}`, run),
  silence: (source: string, lastSeenMs: number): OutgoingRecord => entry(`silent/${source}`, { source, lastSeenMs }),
  silenceOver: (source: string): OutgoingRecord => entry(`silent/${source}`, null),
  notice: (notice: string): OutgoingRecord => entry(`notice/${notice}`, {}),
}
