/**
 * Since when a principal is known: the event time of its first event, of any kind.
 *
 * Promises: the least time wins, so the order of events does not matter; at most `principalsMax` are remembered by a task,
 * and one that has been silent for `silentMsMax` is forgotten.
 */
import type { KeyedState } from '../../runtime/stage.ts'

const prefix = 'seen/'
const principalsMax = 100_000
const silentMsMax = 60 * 86_400_000
const dayMs = 86_400_000

type Span = readonly [firstMs: number, lastDay: number]

export class Presence {
  readonly #state: KeyedState
  #count = 0
  #sweptDay = -Infinity

  constructor(state: KeyedState) {
    this.#state = state
    for (const _ of state.entries(prefix)) this.#count++
  }

  /** Takes note of an event, and says since when its principal is known. */
  seen(principal: string, timeMs: number): number | undefined {
    const key = prefix + principal
    const span = this.#state.get<Span>(key)
    const day = Math.floor(timeMs / dayMs)
    if (span === undefined) {
      if (this.#count >= principalsMax) return undefined
      this.#count++
      this.#state.set(key, [timeMs, day])
      return timeMs
    }
    const [firstMs, lastDay] = span
    if (timeMs < firstMs || day > lastDay) this.#state.set(key, [Math.min(firstMs, timeMs), Math.max(lastDay, day)])
    return Math.min(firstMs, timeMs)
  }

  complete(watermarkMs: number): void {
    const day = Math.floor(watermarkMs / dayMs)
    if (watermarkMs === Infinity || day <= this.#sweptDay) return
    this.#sweptDay = day
    const silent: string[] = []
    for (const [key, [, lastDay]] of this.#state.entries<Span>(prefix)) {
      if ((lastDay + 1) * dayMs + silentMsMax <= watermarkMs) silent.push(key)
    }
    for (const key of silent) this.#state.delete(key)
    this.#count -= silent.length
  }
}
