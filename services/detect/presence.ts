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
  /** The same as in the state, found without spelling a key for each event. */
  readonly #spans = new Map<string, Span>()
  #sweptDay = -Infinity

  constructor(state: KeyedState) {
    this.#state = state
    for (const [key, span] of state.entries<Span>(prefix)) this.#spans.set(key.slice(prefix.length), span)
  }

  /** Takes note of an event, and says since when its principal is known. */
  seen(principal: string, timeMs: number): number | undefined {
    const span = this.#spans.get(principal)
    const day = Math.floor(timeMs / dayMs)
    if (span === undefined) {
      if (this.#spans.size >= principalsMax) return undefined
      this.#keep(principal, [timeMs, day])
      return timeMs
    }
    const firstMs = span[0]
    const lastDay = span[1]
    if (timeMs >= firstMs && day <= lastDay) return firstMs
    this.#keep(principal, [Math.min(firstMs, timeMs), Math.max(lastDay, day)])
    return Math.min(firstMs, timeMs)
  }

  #keep(principal: string, span: Span): void {
    this.#spans.set(principal, span)
    this.#state.set(prefix + principal, span)
  }

  complete(watermarkMs: number): void {
    const day = Math.floor(watermarkMs / dayMs)
    if (watermarkMs === Infinity || day <= this.#sweptDay) return
    this.#sweptDay = day
    for (const [principal, [, lastDay]] of this.#spans) {
      if ((lastDay + 1) * dayMs + silentMsMax > watermarkMs) continue
      this.#spans.delete(principal)
      this.#state.delete(prefix + principal)
    }
  }
}
