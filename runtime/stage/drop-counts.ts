/**
 * Counts what a task drops, by reason, and tells it in one go: where much is dropped, telling each would cost more than
 * dropping it.
 */
import type { Telemetry } from '../telemetry.ts'

export class DropCounts {
  readonly #stage: string
  readonly #telemetry: Pick<Telemetry, 'dropped'>
  readonly #untold = new Map<string, number>()

  constructor(stage: string, telemetry: Pick<Telemetry, 'dropped'>) {
    this.#stage = stage
    this.#telemetry = telemetry
  }

  add(reason: string, count = 1): void {
    this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + count)
  }

  /** Tells what has come since the last time. */
  tell(): void {
    for (const [reason, count] of this.#untold) this.#telemetry.dropped(this.#stage, reason, count)
    this.#untold.clear()
  }
}
