/**
 * Follows one partition without a group: everything from its start, then what comes.
 */
import type { BusRecord } from '../../core/ports/bus.ts'
import { describeError } from '../../core/errors.ts'
import { busLimits, type EmbeddedLog } from './config.ts'
import type { PartitionLog, PartitionReader } from './partition-log.ts'

export class Follower {
  /** Resolves when everything has been delivered that was there at the start. */
  readonly caughtUp: Promise<void>
  readonly #log: PartitionLog
  readonly #reader: PartitionReader
  readonly #onBatch: (batch: readonly BusRecord[]) => void
  readonly #report: EmbeddedLog
  readonly #stopListening: () => void
  #running: Promise<void> | undefined
  #stopped = false

  constructor(
    log: PartitionLog,
    reader: PartitionReader,
    onBatch: (batch: readonly BusRecord[]) => void,
    report: EmbeddedLog,
  ) {
    this.#log = log
    this.#reader = reader
    this.#onBatch = onBatch
    this.#report = report
    const end = log.high
    this.caughtUp = this.#drain(() => reader.position >= end)
    this.#running = this.caughtUp.catch(() => undefined).finally(() => this.#ended())
    this.#stopListening = log.onGrowth(() => this.#wake())
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening()
    await this.#running
  }

  async #drain(done: () => boolean): Promise<void> {
    while (!this.#stopped && !done()) {
      const batch = await this.#reader.next(busLimits.batchRecordsMax)
      if (batch.length > 0 && !this.#isStopped()) this.#onBatch(batch)
    }
  }

  /** `stop` may have been called while it read. */
  #isStopped(): boolean {
    return this.#stopped
  }

  #wake(): void {
    if (this.#stopped || this.#running !== undefined || this.#reader.atEnd) return
    this.#running = this.#drain(() => this.#reader.atEnd)
      .catch(async (error: unknown) => {
        const { topic, partition } = this.#log
        this.#report.error('A follower of a topic failed; it goes on with the next records.', {
          topic,
          partition,
          error: describeError(error),
        })
        await new Promise((resolve) => setTimeout(resolve, busLimits.redeliveryMsMin))
      })
      .finally(() => this.#ended())
  }

  #ended(): void {
    this.#running = undefined
    this.#wake()
  }
}
