/**
 * What a step knows of time: how far event time is complete, and when the log was last appended to. Kept in the task's
 * state, so that a restart does not change what comes out.
 */
import type { KeyedState } from '../../runtime/stage.ts'

const key = 'clock'

interface Saved {
  /** `null`: no watermark yet. */
  watermarkMs: number | null
  appendedMs: number
}

export class StageClock {
  readonly #state: KeyedState
  readonly #saved: Saved
  #setIn = -1

  constructor(state: KeyedState) {
    this.#state = state
    this.#saved = { ...(state.get<Saved>(key) ?? { watermarkMs: null, appendedMs: 0 }) }
  }

  get watermarkMs(): number {
    return this.#saved.watermarkMs ?? -Infinity
  }

  get appendedMs(): number {
    return this.#saved.appendedMs
  }

  appended(appendedMs: number): void {
    if (appendedMs === this.#saved.appendedMs) return
    this.#saved.appendedMs = appendedMs
    this.#changed()
  }

  /** The end of an input says that nothing more will come of it, not that time has come to an end: it is not kept. */
  complete(watermarkMs: number): void {
    if (!Number.isFinite(watermarkMs)) return
    this.#saved.watermarkMs = watermarkMs
    this.#changed()
  }

  #changed(): void {
    if (this.#setIn === this.#state.generation) return
    this.#setIn = this.#state.generation
    this.#state.set(key, this.#saved)
  }
}
