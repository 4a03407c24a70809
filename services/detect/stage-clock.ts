/**
 * What a step knows of time: how far event time is complete, and when the log was last appended to. Kept in the task's
 * state, so that a restart does not change what comes out.
 */
import type { KeyedState } from '../../runtime/stage/stage.ts'

const key = 'clock'

interface Saved {
  /** `null`: no watermark yet. */
  watermarkMs: number | null
  appendedMs: number
}

export class StageClock {
  readonly #state: KeyedState
  readonly #saved: Saved
  #moved = false

  constructor(state: KeyedState) {
    this.#state = state
    state.beforeCheckpoint(() => this.#settle())
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
    this.#moved = true
  }

  /** The end of an input says that nothing more will come of it, not that time has come to an end: it is not kept. */
  complete(watermarkMs: number): void {
    if (!Number.isFinite(watermarkMs)) return
    this.#saved.watermarkMs = watermarkMs
    this.#moved = true
  }

  #settle(): void {
    if (this.#moved) this.#state.set(key, this.#saved)
    this.#moved = false
  }
}
