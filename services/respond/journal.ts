/**
 * The journal: appends facts about actions to the task's own log, in transactions of its fenced producer.
 *
 * Promises: `append` resolves when the record is durable; what is asked for in one turn of the event loop, or while a
 * transaction is under way, goes into the next one together. A passing fault is tried again (a fact appended twice is the
 * same fact); once fenced, everything rejects at once and for good.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { describeError, FencedError } from '../../core/errors.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import type { Log } from '../../runtime/log.ts'

const pauseMsMax = 5_000
const recordsPerCommitMax = 200

interface Waiting {
  readonly record: OutgoingRecord
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Journal {
  readonly #commit: (records: readonly OutgoingRecord[]) => Promise<void>
  readonly #signal: AbortSignal
  readonly #log: Log
  #waiting: Waiting[] = []
  #busy = false

  constructor(commit: (records: readonly OutgoingRecord[]) => Promise<void>, signal: AbortSignal, log: Log) {
    this.#commit = commit
    this.#signal = signal
    this.#log = log
  }

  append(record: OutgoingRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject })
      if (!this.#busy) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      await nextTurn()
      const batch = this.#waiting.splice(0, recordsPerCommitMax)
      try {
        await this.#commitUntilDone(batch.map(({ record }) => record))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of [...batch, ...this.#waiting]) reject(error)
        this.#waiting = []
      }
    }
    this.#busy = false
  }

  async #commitUntilDone(records: readonly OutgoingRecord[]): Promise<void> {
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      if (this.#signal.aborted) throw new FencedError('The task has ended; nothing more is journaled.')
      try {
        await this.#commit(records)
        return
      } catch (error) {
        if (error instanceof FencedError) throw error
        this.#log.warn('the journal can not be written; trying again', { pauseMs, error: describeError(error) })
        await pause(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined)
      }
    }
  }
}
