/**
 * Since when a principal is known: the event time of its first event, of any kind.
 *
 * Promises: the least time wins, so the order of events does not matter; at most `principalsMax` are remembered by a task,
 * and one that has been silent for `silentMsMax` is forgotten.
 */
import type { KeyedState } from '../../runtime/stage/stage.ts'

const prefix = 'seen/'
const principalsMax = 100_000
const silentMsMax = 60 * 86_400_000
const dayMs = 86_400_000

/** As JSON. */
type Spelled = readonly [firstMs: number, lastDay: number]

/** Numbers from the start, which are changed in place. */
class Span {
  readonly principal: string
  firstMs = Infinity
  lastDay = 0
  /** It goes into the next checkpoint. */
  isChanged = false

  constructor(principal: string, firstMs: number, lastDay: number) {
    this.principal = principal
    this.firstMs = firstMs
    this.lastDay = lastDay
  }

  get key(): string {
    return prefix + this.principal
  }

  toJSON(): Spelled {
    return [this.firstMs, this.lastDay]
  }
}

export class Presence {
  readonly #state: KeyedState
  /** Found without spelling a key for each event: the state is told before a checkpoint. */
  readonly #spans = new Map<string, Span>()
  #changed: Span[] = []
  #sweptDay = -Infinity

  constructor(state: KeyedState) {
    this.#state = state
    for (const [key, kept] of [...state.entries<Spelled>(prefix)]) {
      const span = new Span(key.slice(prefix.length), ...kept)
      this.#spans.set(span.principal, span)
      state.handOver(key, span)
    }
    const spans = this.#spans
    state.keptBy({
      get size() {
        return spans.size
      },
      *entries() {
        for (const span of spans.values()) yield [span.key, span]
      },
    })
    state.beforeCheckpoint(() => this.#handOn())
  }

  /** Takes note of an event, and says since when its principal is known. */
  seen(principal: string, timeMs: number): number | undefined {
    const day = Math.floor(timeMs / dayMs)
    const span = this.#spans.get(principal)
    if (span === undefined) {
      if (this.#spans.size >= principalsMax) return undefined
      const begun = new Span(principal, timeMs, day)
      this.#spans.set(principal, begun)
      this.#change(begun)
      return timeMs
    }
    if (timeMs >= span.firstMs && day <= span.lastDay) return span.firstMs
    if (timeMs < span.firstMs) span.firstMs = timeMs
    if (day > span.lastDay) span.lastDay = day
    this.#change(span)
    return span.firstMs
  }

  #change(span: Span): void {
    if (span.isChanged) return
    span.isChanged = true
    this.#changed.push(span)
  }

  #handOn(): void {
    for (const span of this.#changed) {
      if (span.isChanged) this.#state.handOn(span.key, span)
      span.isChanged = false
    }
    if (this.#changed.length > 0) this.#changed = []
  }

  complete(watermarkMs: number): void {
    const day = Math.floor(watermarkMs / dayMs)
    if (watermarkMs === Infinity || day <= this.#sweptDay) return
    this.#sweptDay = day
    for (const span of this.#spans.values()) {
      if ((span.lastDay + 1) * dayMs + silentMsMax > watermarkMs) continue
      this.#spans.delete(span.principal)
      span.isChanged = false
      this.#state.handOn(span.key, undefined)
    }
  }
}
