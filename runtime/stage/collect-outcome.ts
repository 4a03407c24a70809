/**
 * Collects what a step puts out, in order. The runner empties it after each record; tests look into it.
 */
import type { DeadLetterCode } from '../../core/dead-letter.ts'
import type { DeadLetterOptions, Outcome, StageOutput } from './stage.ts'

export interface CollectedDeadLetter {
  readonly code: DeadLetterCode
  readonly message: string
  readonly index: number
  readonly hint: string | undefined
  readonly redacted: string | undefined
}

export class CollectedOutcome implements Outcome {
  emitted: StageOutput[] = []
  dropped: { reason: string; count: number }[] = []
  deadLetters: CollectedDeadLetter[] = []
  happenings: { eventTimeMs: number; latenessMs: number }[] = []

  emit(output: StageOutput): void {
    this.emitted.push(output)
  }

  drop(reason: string, count = 1): void {
    this.dropped.push({ reason, count })
  }

  deadLetter(code: DeadLetterCode, message: string, options: DeadLetterOptions = {}): void {
    const { index = 0, hint, redacted } = options
    this.deadLetters.push({ code, message, index, hint, redacted })
  }

  happened(eventTimeMs: number, latenessMs: number): void {
    this.happenings.push({ eventTimeMs, latenessMs })
  }

  clear(): void {
    if (this.emitted.length > 0) this.emitted = []
    if (this.dropped.length > 0) this.dropped = []
    if (this.deadLetters.length > 0) this.deadLetters = []
    if (this.happenings.length > 0) this.happenings = []
  }
}
