/**
 * Watermarks of one task: event time up to which its input is complete.
 *
 * Pure, and a function of the log alone. The first stage derives it from its records and from ticks; later stages take the
 * least over all partitions of all upstream stages, once each has spoken.
 */
import type { Control } from '../../core/control.ts'
import { limits } from '../../core/limits.ts'

export interface SavedWatermark {
  /** The last finite watermark handed to the logic; `null` before the first. */
  readonly reachedMs: number | null
  /** Whether the end of the input has been handed on, and nothing came since. */
  readonly ended: boolean
  /** First stage: the latest event time and the most lateness that a source asked for. */
  readonly latestEventMs: number | null
  readonly latenessMs: number
  /** Later stages: what each upstream partition said last; `null`: it has ended; -1: it has not spoken. */
  readonly upstream: Readonly<Record<string, readonly (number | null)[]>>
}

const unspoken = -1

export class WatermarkTracker {
  readonly #waitsFor: 'records' | readonly string[]
  readonly #upstream = new Map<string, (number | null)[]>()
  #reachedMs: number | null
  #ended: boolean
  #latestEventMs: number | null
  #latenessMs: number
  /** Something was heard since the last `advance`. */
  #news = true
  #happenings = 0

  constructor(waitsFor: 'records' | readonly string[], saved?: SavedWatermark) {
    this.#waitsFor = waitsFor
    this.#reachedMs = saved?.reachedMs ?? null
    this.#ended = saved?.ended ?? false
    this.#latestEventMs = saved?.latestEventMs ?? null
    this.#latenessMs = saved?.latenessMs ?? 0
    for (const [name, partitions] of Object.entries(saved?.upstream ?? {})) this.#upstream.set(name, [...partitions])
  }

  get reachedMs(): number | null {
    return this.#reachedMs
  }

  get ended(): boolean {
    return this.#ended
  }

  /** First stage: how often a record or a tick has told the time, since this began. */
  get happenings(): number {
    return this.#happenings
  }

  save(): SavedWatermark {
    return {
      reachedMs: this.#reachedMs,
      ended: this.#ended,
      latestEventMs: this.#latestEventMs,
      latenessMs: this.#latenessMs,
      upstream: Object.fromEntries(this.#upstream),
    }
  }

  /** First stage: a record happened. */
  happened(eventTimeMs: number, latenessMs: number): void {
    this.#ended = false
    this.#news = true
    this.#happenings++
    if (latenessMs > this.#latenessMs) this.#latenessMs = latenessMs
    if (this.#latestEventMs === null || eventTimeMs > this.#latestEventMs) this.#latestEventMs = eventTimeMs
  }

  /** First stage: the log was silent until then, so no record dated before it is still on its way, but for lateness. */
  ticked(appendedMs: number, latenessMs: number = limits.latenessMs): void {
    if (this.#waitsFor === 'records') this.happened(appendedMs, latenessMs)
  }

  /** First stage: the input is over. */
  inputEnded(): number | undefined {
    if (this.#ended) return undefined
    this.#ended = true
    return Infinity
  }

  /** An upstream task told its watermark. False if this stage doesn't wait for that upstream. */
  told(control: Extract<Control, { control: 'watermark' }>): boolean {
    if (this.#waitsFor === 'records' || !this.#waitsFor.includes(control.upstream)) return false
    let partitions = this.#upstream.get(control.upstream)
    if (partitions?.length !== control.partitions) {
      partitions = new Array<number | null>(control.partitions).fill(unspoken)
      this.#upstream.set(control.upstream, partitions)
    }
    if (control.partition < partitions.length) partitions[control.partition] = control.eventTimeMs
    if (control.eventTimeMs !== null) this.#ended = false
    this.#news = true
    return true
  }

  /** The watermark if it has advanced since the last call: a time, or `Infinity` at the end of the input. */
  advance(): number | undefined {
    if (!this.#news) return undefined
    this.#news = false
    const now = this.#waitsFor === 'records' ? this.#fromRecords() : this.#fromUpstream()
    if (now === Infinity) return this.inputEnded()
    if (now === undefined || (this.#reachedMs !== null && now <= this.#reachedMs)) return undefined
    this.#reachedMs = now
    return now
  }

  #fromRecords(): number | undefined {
    return this.#latestEventMs === null ? undefined : this.#latestEventMs - this.#latenessMs
  }

  #fromUpstream(): number | undefined {
    if (this.#waitsFor.length === 0) return undefined
    let least = Infinity
    for (const name of this.#waitsFor) {
      const partitions = this.#upstream.get(name)
      if (partitions === undefined) return undefined
      for (const time of partitions) {
        if (time === unspoken) return undefined
        if (time !== null && time < least) least = time
      }
    }
    return least
  }
}
