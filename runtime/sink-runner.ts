/**
 * Runs a sink: a consumer at the end of the flow that stores what it reads, and keeps no state of its own.
 *
 * Promises: the group's offset moves only past what has been stored; what a store refuses for good becomes a dead letter;
 * a store that is down holds this sink back and no other. Redelivery is possible, so a store must tell it by id.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { counted } from '../core/counted.ts'
import type { DeadLetterCode } from '../core/dead-letter.ts'
import { describeError } from '../core/errors.ts'
import type { BusRecord, Consumption, OutgoingRecord, TopicPartition } from '../core/ports/bus.ts'
import { headers } from '../core/topics.ts'
import { buildDeadLetter } from './dead-letters.ts'
import { lagEveryMs, reportLag, type Taken } from './report-lag.ts'
import type { Health, ServiceContext } from './service.ts'

export type SinkOutcome =
  { readonly ok: true } | { readonly ok: false; readonly code: DeadLetterCode; readonly message: string }

export interface SinkSpec {
  readonly name: string
  readonly inputs: readonly string[]
  readonly batchRecordsMax?: number
  readonly concurrency?: number
  /** The store is empty, whatever the group remembers: everything that the bus still has comes again. */
  readonly fromBeginning?: boolean
  /** Stores records (control records and tombstones left out); one outcome each, in order. Rejects if none could be stored. */
  write(records: readonly BusRecord[]): Promise<readonly SinkOutcome[]>
}

export interface SinkRun {
  start(): Promise<void>
  stop(): Promise<void>
  health(): Health
}

const commitEveryMs = 1_000
const retryPauseMsMax = 10_000

type SinkContext = Pick<ServiceContext, 'bus' | 'clock' | 'log' | 'telemetry'>

export function runSink(spec: SinkSpec, context: SinkContext): SinkRun {
  return new Sink(spec, context)
}

class Sink implements SinkRun {
  readonly #spec: SinkSpec
  readonly #context: SinkContext
  /** By `topic/partition`, what has been stored. */
  readonly #stored = new Map<string, Taken>()
  readonly #uncommitted = new Map<string, TopicPartition & { readonly offset: number }>()
  readonly #stopping = new AbortController()
  #consumption: Consumption | undefined
  readonly #timers: NodeJS.Timeout[] = []
  #trouble: string | undefined

  constructor(spec: SinkSpec, context: SinkContext) {
    this.#spec = spec
    this.#context = { ...context, log: context.log.with({ stage: spec.name }) }
  }

  async start(): Promise<void> {
    this.#consumption = await this.#context.bus.consume({
      group: `warden.${this.#spec.name}`,
      topics: this.#spec.inputs,
      ...(this.#spec.concurrency === undefined ? {} : { concurrency: this.#spec.concurrency }),
      ...(this.#spec.batchRecordsMax === undefined ? {} : { batchRecordsMax: this.#spec.batchRecordsMax }),
      handler: {
        assigned: (at) => this.#startOf(at),
        records: (at, batch) => this.#records(at, batch),
        revoked: () => this.#commit(),
      },
    })
    this.#timers.push(
      setInterval(() => void this.#commit(), commitEveryMs),
      setInterval(() => void this.#reportLag(), lagEveryMs),
    )
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#stopping.abort()
    await this.#commit()
    await this.#consumption?.close()
  }

  health(): Health {
    if (this.#trouble !== undefined) return { state: 'degraded', summary: this.#trouble }
    if (this.#consumption === undefined) return { state: 'starting', summary: 'joining its group' }
    return { state: 'ready', summary: `stores ${counted(this.#consumption.assignment().length, 'partition')}` }
  }

  #reportLag(): Promise<void> {
    const held = new Set(this.#consumption?.assignment().map(({ topic, partition }) => `${topic}/${partition}`))
    return reportLag(this.#spec.name, this.#spec.inputs, this.#context, (topic, partition) => {
      const place = `${topic}/${partition}`
      return held.has(place) ? this.#stored.get(place) : undefined
    })
  }

  async #startOf(at: TopicPartition): Promise<number | undefined> {
    if (this.#spec.fromBeginning !== true) return undefined
    const place = `${at.topic}/${at.partition}`
    const known = this.#stored.get(place)
    if (known !== undefined) return known.nextOffset
    const offsets = await this.#context.bus.offsets(at.topic)
    const low = offsets.find(({ partition }) => partition === at.partition)?.low ?? 0
    // The group forgets at once what it had stored in the store that is gone.
    this.#uncommitted.set(place, { ...at, offset: low })
    return low
  }

  async #records(at: TopicPartition, batch: readonly BusRecord[]): Promise<void> {
    const last = batch[batch.length - 1]
    if (last === undefined) return
    const records = batch.filter((record) => record.value !== null && !(headers.control in record.headers))
    if (records.length > 0) {
      const startedMs = this.#context.clock.monotonicMs()
      const outcomes = await this.#writeUntilDone(records)
      await this.#deadLetter(records, outcomes)
      this.#context.telemetry.taken(this.#spec.name, at.topic, records.length)
      this.#context.telemetry.batch(this.#spec.name, records.length, this.#context.clock.monotonicMs() - startedMs)
    }
    this.#stored.set(`${at.topic}/${at.partition}`, { nextOffset: last.offset + 1, positionMs: last.appendedMs })
    this.#uncommitted.set(`${at.topic}/${at.partition}`, { ...at, offset: last.offset + 1 })
  }

  async #writeUntilDone(records: readonly BusRecord[]): Promise<readonly SinkOutcome[]> {
    for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, retryPauseMsMax)) {
      this.#stopping.signal.throwIfAborted()
      try {
        const outcomes = await this.#spec.write(records)
        this.#trouble = undefined
        return outcomes
      } catch (error) {
        this.#trouble = `can not store: ${describeError(error)}`
        this.#context.telemetry.retried(this.#spec.name, 'store')
        this.#context.log.warn('records could not be stored; trying again', { pauseMs, error: describeError(error) })
        await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      }
    }
  }

  async #deadLetter(records: readonly BusRecord[], outcomes: readonly SinkOutcome[]): Promise<void> {
    const letters: OutgoingRecord[] = []
    for (const [index, outcome] of outcomes.entries()) {
      const record = records[index]
      if (outcome.ok || record === undefined) continue
      const { code, message } = outcome
      this.#context.telemetry.deadLettered(this.#spec.name, code, 1)
      letters.push(buildDeadLetter({ ...record, stage: this.#spec.name, code, message, atMs: record.appendedMs }))
    }
    if (letters.length > 0) await this.#context.bus.publish(letters)
  }

  async #commit(): Promise<void> {
    const offsets = [...this.#uncommitted.values()]
    this.#uncommitted.clear()
    if (offsets.length === 0 || this.#consumption === undefined) return
    try {
      await this.#consumption.commit(offsets)
    } catch (error) {
      this.#context.log.debug('offsets could not be committed; what was stored will come again', {
        error: describeError(error),
      })
    }
  }
}
