/**
 * Ticks of one task: where its partition has fallen silent, its owner writes the passing of time into it.
 *
 * Stands between a task (stage-task.ts) and the bus. Promise: no tick follows another before that one has come back.
 */
import type { TopicPartition } from '../core/ports/bus.ts'
import { headers } from '../core/topics.ts'
import type { ServiceContext } from './service.ts'

export class TaskTicks {
  readonly #at: TopicPartition
  readonly #deps: Pick<ServiceContext, 'bus' | 'clock'>
  #lastTakenMs: number
  #tickedAtOffset = -1

  constructor(at: TopicPartition, deps: Pick<ServiceContext, 'bus' | 'clock'>) {
    this.#at = at
    this.#deps = deps
    this.#lastTakenMs = deps.clock.monotonicMs()
  }

  /** The partition is not silent: a batch has been taken. */
  taken(nowMs: number): void {
    this.#lastTakenMs = nowMs
  }

  /** Writes a tick if the partition has been silent for `idleMs`. `nextOffset`: how far the task has read. */
  async writeIfIdle(idleMs: number, nextOffset: number): Promise<void> {
    if (this.#deps.clock.monotonicMs() - this.#lastTakenMs < idleMs || this.#tickedAtOffset === nextOffset) return
    this.#tickedAtOffset = nextOffset
    try {
      await this.#deps.bus.publish([
        { ...this.#at, value: '{"control":"tick"}', headers: { [headers.control]: 'tick' } },
      ])
    } catch {
      this.#tickedAtOffset = -1
    }
  }
}
