/**
 * What the live streams of a process are fed from: one reader of the bus for all of them, and the latest events in memory.
 *
 * It reads from the end of the log, begins with the first stream, and ends a while after the last one. Promises: memory is
 * bounded in events and bytes; streams are bounded in all and by caller.
 */
import { randomUUID } from 'node:crypto'
import { describeError } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import type { Bus, BusRecord, Consumption } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Document } from '../../core/ports/search-index.ts'
import { topics } from '../../core/topics.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import type { Log } from '../../runtime/log.ts'
import type { Telemetry } from '../../runtime/telemetry.ts'
import { lists, type ListSpec } from './lists.ts'
import { valueAt } from './reads.ts'

export const liveNames = [
  'incidents',
  'signals',
  'actions',
  'decisions',
  'licenses',
  'credentials',
  'dead-letters',
] as const
export type LiveName = (typeof liveNames)[number]

export interface LiveLimits {
  readonly streamsMax: number
  readonly streamsPerCallerMax: number
  /** Events kept for those that come back. */
  readonly keptEventsMax: number
  readonly keptBytesMax: number
  /** Bytes that wait for one reader. */
  readonly queueBytesMax: number
  readonly heartbeatMs: number
  readonly lifetimeMs: number
  /** How long the feed goes on without a stream. */
  readonly idleMs: number
}

const limitsDefault: LiveLimits = {
  streamsMax: 200,
  streamsPerCallerMax: 20,
  keptEventsMax: 5_000,
  keptBytesMax: 16_777_216,
  queueBytesMax: 4_194_304,
  heartbeatMs: 15_000,
  lifetimeMs: 3_600_000,
  idleMs: 300_000,
}

/** One document, as it was written. */
export interface LiveEvent {
  /** `<feed>.<number>`. */
  readonly id: string
  readonly list: LiveName
  /** Whose it is; undefined: the operator's. */
  readonly tenant: string | undefined
  /** `{id, document}` on one line. */
  readonly json: string
}

export interface LiveListener {
  send(event: LiveEvent): void
  /** Something may have been missed. */
  reset(): void
  end(): void
}

export interface LiveContext {
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
}

export class LiveFeed {
  readonly limits: LiveLimits
  readonly #context: LiveContext
  readonly #name = randomUUID().slice(0, 8)
  readonly #listeners = new Set<LiveListener>()
  readonly #streams = new Map<string, number>()
  #kept: LiveEvent[] = []
  #keptBytes = 0
  #count = 0
  #consuming: Promise<Consumption> | undefined
  #idle: NodeJS.Timeout | undefined
  #stopped = false

  constructor(context: LiveContext, limits: Partial<LiveLimits> = {}) {
    this.#context = context
    this.limits = { ...limitsDefault, ...limits }
  }

  /** Takes a place for a stream; give it back with what it returns. Throws HttpError 429 where there is none. */
  admit(caller: string): () => void {
    const own = this.#streams.get(caller) ?? 0
    const all = [...this.#streams.values()].reduce((sum, n) => sum + n, 0)
    const { streamsMax, streamsPerCallerMax } = this.limits
    if (all >= streamsMax || own >= streamsPerCallerMax) {
      const message = `At most ${streamsPerCallerMax} live streams of one caller, and ${streamsMax} in all.`
      throw new HttpError(429, 'TOO_MANY_STREAMS', message, { retryAfterMs: 5_000, hint: 'Close those not looked at.' })
    }
    this.#streams.set(caller, own + 1)
    clearTimeout(this.#idle)
    let given = false
    return () => {
      if (given) return
      given = true
      const left = (this.#streams.get(caller) ?? 1) - 1
      if (left > 0) this.#streams.set(caller, left)
      else this.#streams.delete(caller)
      if (this.#streams.size === 0) this.#rest()
    }
  }

  /** Reads the bus from now on, where it does not yet. */
  async begin(): Promise<void> {
    if (this.#stopped) throw new HttpError(503, 'STOPPING', 'This process is stopping.', { retryAfterMs: 2_000 })
    this.#consuming ??= this.#consume()
    await this.#consuming
  }

  /** What came after the event with this id; `missed`: some of it is not known any more. */
  since(id: string | undefined): { readonly events: readonly LiveEvent[]; readonly missed: boolean } {
    if (id === undefined || id === this.lastId) return { events: [], missed: false }
    const [name, number] = id.split('.')
    const first = this.#count - this.#kept.length
    const seen = name === this.#name && /^\d{1,15}$/.test(number ?? '') ? Number(number) : -1
    if (seen < first || seen > this.#count) return { events: [], missed: true }
    return { events: this.#kept.slice(seen - first), missed: false }
  }

  get lastId(): string {
    return `${this.#name}.${this.#count}`
  }

  nowMs(): number {
    return this.#context.clock.nowMs()
  }

  listen(listener: LiveListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Counts a reader that did not keep up. */
  cutOff(): void {
    this.#context.telemetry.count('live_streams_cut_off', { reason: 'slow' })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#idle)
    for (const listener of [...this.#listeners]) listener.end()
    await this.#end()
  }

  #rest(): void {
    this.#idle = setTimeout(() => void this.#end(), this.limits.idleMs)
    this.#idle.unref()
  }

  async #end(): Promise<void> {
    const consuming = this.#consuming
    this.#consuming = undefined
    this.#kept = []
    this.#keptBytes = 0
    // A pause leaves a gap: what was sent before is behind it.
    this.#count += 1
    await consuming?.then((consumption) => consumption.close()).catch(() => undefined)
  }

  async #consume(): Promise<Consumption> {
    const { bus, log } = this.#context
    try {
      // Where the log ends now: what comes until the partitions are given to us is read as well.
      const starts = new Map<string, number>()
      for (const topic of Object.keys(readers)) {
        for (const { partition, high } of await bus.offsets(topic)) starts.set(`${topic}/${partition}`, high)
      }
      return await bus.consume({
        group: `warden.console-live.${this.#name}-${this.#count}`,
        topics: Object.keys(readers),
        handler: {
          assigned: async ({ topic, partition }) => {
            const begin = starts.get(`${topic}/${partition}`)
            if (begin !== undefined) return Promise.resolve(begin)
            // Partitions that were added since: what they hold already is not known here.
            for (const listener of this.#listeners) listener.reset()
            return (await bus.offsets(topic)).find((each) => each.partition === partition)?.high
          },
          records: (at, batch) => {
            for (const record of batch) this.#take(record)
            // Given back and given again, a partition goes on where it was.
            starts.set(`${at.topic}/${at.partition}`, (batch.at(-1)?.offset ?? -1) + 1)
            return Promise.resolve()
          },
          revoked: () => Promise.resolve(),
        },
      })
    } catch (error) {
      this.#consuming = undefined
      log.warn('live updates could not begin', { error: describeError(error) })
      throw error
    }
  }

  #take(record: BusRecord): void {
    if (record.value === null) return
    const parsed = parseJson(record.value)
    if (!parsed.ok) return
    const found = readers[record.topic]?.(parsed.value)
    if (found === undefined) return
    const list: ListSpec = lists[found.list]
    const { document } = found
    if (list.syntheticField !== undefined && valueAt(document, list.syntheticField) === true) return
    // What has not the form of its list is of nobody whom we could be sure of.
    if (!list.item.safeParse(document).success) return
    const tenant = list.tenantField === undefined ? undefined : String(valueAt(document, list.tenantField))
    const json = JSON.stringify({ id: idOf(document), document })
    this.#keep({ id: `${this.#name}.${++this.#count}`, list: found.list, tenant, json })
  }

  #keep(event: LiveEvent): void {
    this.#kept.push(event)
    this.#keptBytes += event.json.length
    const { keptEventsMax, keptBytesMax } = this.limits
    while (this.#kept.length > keptEventsMax || (this.#keptBytes > keptBytesMax && this.#kept.length > 0)) {
      this.#keptBytes -= this.#kept.shift()!.json.length
    }
    for (const listener of this.#listeners) listener.send(event)
  }
}

type Read = (value: unknown) => { readonly list: LiveName; readonly document: Document } | undefined

const plain =
  (list: LiveName): Read =>
  (value) =>
    isObject(value) ? { list, document: value } : undefined

/** What the records of each topic are. Beside signals stand relayed decisions, beside actions much else. */
const readers: Readonly<Record<string, Read>> = {
  [topics.incidents]: plain('incidents'),
  [topics.signals]: (value) =>
    isObject(value) && value['kind'] === undefined ? { list: 'signals', document: value } : undefined,
  [topics.effects]: (value) => {
    if (!isObject(value) || value['kind'] !== 'action' || !isObject(value['action'])) return undefined
    return { list: 'actions', document: value['action'] }
  },
  [topics.decisions]: plain('decisions'),
  [topics.licenses]: (value) =>
    isObject(value) ? { list: value['kind'] === 'license' ? 'licenses' : 'credentials', document: value } : undefined,
  [topics.deadLetters]: plain('dead-letters'),
}

function isObject(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function idOf(document: Document): unknown {
  return document['id'] ?? valueAt(document, 'license.id') ?? valueAt(document, 'credential.id')
}
