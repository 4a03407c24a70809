/**
 * What the parts of correlate share: the books of one task, and how incidents are drawn anew from them.
 */
import type { Outcome } from '../../runtime/stage/stage.ts'
import type { Contribution } from './contribution.ts'
import type { IncidentBook } from './incident-book.ts'
import type { SignalBook } from './signal-book.ts'

/** When, in the log's time, something becomes so. */
export interface Moment {
  readonly appendedMs: number
  readonly arrivedMs: number
}

export interface Correlation {
  readonly signals: SignalBook
  readonly incidents: IncidentBook
  /** Draws anew what is around a signal; `replacement` takes its place first. */
  redraw(seed: Contribution, moment: Moment, out: Outcome, replacement?: Contribution): void
}
