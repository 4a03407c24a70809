/**
 * Tells a task's watermark to the partitions downstream of it: when there is news of it, and it is time.
 *
 * Stands between a task (stage-task.ts) and its outputs. Pure: time is the append time of the record at hand, so a replay
 * tells the same at the same places.
 */
import type { Control } from '../../core/control.ts'
import type { TaskMeta } from './checkpoints.ts'
import type { WatermarkTracker } from './watermarks.ts'

/**
 * Watermarks are told downstream this often in ms of append time; or, when an old log is worked off and hours pass in a
 * second, whenever event time has come this far: what waits for them downstream must stay small.
 */
const tellEveryMs = 500
const tellEveryEventMs = 5 * 60_000

/** Whose watermark it is. */
type Whose = Pick<Extract<Control, { control: 'watermark' }>, 'upstream' | 'partition' | 'partitions'>

export class WatermarkTelling {
  readonly #whose: Whose
  #told: TaskMeta['told']

  /** `told`: what was told last, as a checkpoint remembers it. */
  constructor(whose: Whose, told: TaskMeta['told'] | undefined) {
    this.#whose = whose
    this.#told = told ?? { eventTimeMs: null, ended: false, appendedMs: 0 }
  }

  get told(): TaskMeta['told'] {
    return this.#told
  }

  /** What is to be told at this append time; undefined: nothing. */
  next({ reachedMs: eventTimeMs, ended }: WatermarkTracker, appendedMs: number): Control | undefined {
    const news = ended !== this.#told.ended || eventTimeMs !== this.#told.eventTimeMs
    if (!news || (eventTimeMs === null && !ended)) return undefined
    const progressMs = (eventTimeMs ?? -Infinity) - (this.#told.eventTimeMs ?? -Infinity)
    if (!ended && appendedMs - this.#told.appendedMs < tellEveryMs && !(progressMs >= tellEveryEventMs))
      return undefined
    this.#told = { eventTimeMs, ended, appendedMs }
    return { control: 'watermark', ...this.#whose, eventTimeMs: ended ? null : eventTimeMs }
  }
}
