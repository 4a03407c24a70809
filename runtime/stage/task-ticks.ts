/**
 * Ticks of one task: where its partition has fallen silent, its owner writes the passing of time into it.
 *
 * Stands between a task (stage-task.ts) and the bus. Promise: no tick follows another before that one has come back.
 */
import type { TopicPartition } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import type { ServiceContext } from '../service.ts'

export class TaskTicks {
  readonly #at: TopicPartition
  readonly #deps: Pick<ServiceContext, 'bus' | 'clock'>
  #lastTakenMs: number
  /** A tick is on its way. */
  #waiting = false
  #failing = false

  constructor(at: TopicPartition, deps: Pick<ServiceContext, 'bus' | 'clock'>) {
    this.#at = at
    this.#deps = deps
    this.#lastTakenMs = deps.clock.monotonicMs()
  }

  /** The partition is not silent: a batch has been taken that says what time it is. */
  taken(nowMs: number): void {
    this.#lastTakenMs = nowMs
  }

  /** The bus has not taken the last one, and the partition is silent still. */
  get failing(): boolean {
    return this.#failing
  }

  cameBack(): void {
    this.#waiting = false
  }

  /** Writes a tick if the partition has been silent for `idleMs`. */
  async writeIfIdle(idleMs: number): Promise<void> {
    if (this.#waiting) return
    if (this.#deps.clock.monotonicMs() - this.#lastTakenMs < idleMs) {
      // None is needed: nothing waits for the one that failed.
      this.#failing = false
      return
    }
    this.#waiting = true
    try {
      await this.#deps.bus.publish([
        { ...this.#at, value: '{"control":"tick"}', headers: { [headers.control]: 'tick' } },
      ])
      this.#failing = false
    } catch {
      this.#failing = true
      this.#waiting = false
    }
  }
}
