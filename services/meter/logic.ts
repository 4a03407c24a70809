/**
 * Adds up what is used of models, for invoices.
 *
 * Stands beside detect on `warden.events`, and writes `warden.usage`. Pure: time arrives in the record, the runtime keeps
 * the state. What the pipeline delivers twice is dropped by the runtime's marks, what a source sends twice by id within the
 * window of `RecentIds`.
 *
 * Promises: the same log gives the same records, ids and versions included; a period is settled once event time is complete
 * up to its end, and its record never changes afterwards (see meters.ts); running totals are told every
 * `publishIntervalMs`.
 */
import { isEvent } from '../../core/event.ts'
import type { LicenseRecord } from '../../core/license.ts'
import { topics } from '../../core/topics.ts'
import type { UsageRecord } from '../../core/usage.ts'
import { RecentIds } from '../../runtime/stage/recent-ids.ts'
import type { Outcome, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'
import { ToldLicenses } from '../../runtime/told-licenses.ts'
import { Meters, type MeterLimits } from './meters.ts'
import { useOf, type Account } from './use.ts'

export interface MeterOptions extends MeterLimits {
  /** Running totals are told again when so much time has passed, append time or event time. */
  readonly publishIntervalMs: number
}

/** What an operator sees of it. */
export interface MeterReport {
  open(partition: number, meters: number): void
  coarse(): void
  corrections(count: number): void
}

interface Clock {
  /** `null`: no watermark yet. */
  completeMs: number | null
  /** When running totals were told last. */
  toldAppendedMs: number
  toldCompleteMs: number
}

export class MeterLogic implements StageLogic {
  readonly #recent: RecentIds
  readonly #licenses: ToldLicenses
  readonly #meters: Meters
  readonly #options: MeterOptions
  readonly #report: MeterReport
  readonly #partition: number
  readonly #clock: Clock
  #moved = false

  constructor({ state, at }: Pick<TaskContext, 'state' | 'at'>, options: MeterOptions, report: MeterReport) {
    this.#recent = new RecentIds(state)
    this.#licenses = new ToldLicenses(state, 'credentials')
    this.#meters = new Meters(state, at.partition, options)
    this.#options = options
    this.#report = report
    this.#partition = at.partition
    this.#clock = { ...(state.get<Clock>('clock') ?? { completeMs: null, toldAppendedMs: 0, toldCompleteMs: 0 }) }
    state.beforeCheckpoint(() => {
      if (this.#moved) state.set('clock', this.#clock)
      this.#moved = false
    })
  }

  beginsAt(appendedMs: number): void {
    this.#meters.beginsAt(appendedMs)
  }

  licenses(records: readonly LicenseRecord[], out: Outcome): void {
    for (const record of records) if (this.#licenses.take(record) === 'full') out.drop('too-many-credentials')
  }

  record(record: StageRecord, out: Outcome): void {
    const event = parsed(record.value)
    if (!isEvent(event)) return out.deadLetter('NOT_AN_EVENT', 'The record is not an event.')
    const timeMs = Date.parse(event['@timestamp'])
    if (!Number.isFinite(timeMs)) return out.deadLetter('NOT_AN_EVENT', 'The event has no valid time.')
    if (event.warden.synthetic === true) return out.drop('synthetic')
    const use = useOf(event, (credentialId) => this.#licenses.licenseOf(credentialId))
    if (use === undefined) return out.drop('not-metered')
    const checked = this.#recent.remembers(timeMs) && this.#wasNamedThen(use.account, timeMs)
    if (!this.#recent.admits(event.event.id, timeMs)) return out.drop('duplicate')
    const coarse = this.#meters.add(
      use,
      { timeMs, offset: record.offset, checked },
      this.#clock.completeMs ?? -Infinity,
    )
    if (coarse) this.#report.coarse()
    if (record.appendedMs - this.#clock.toldAppendedMs >= this.#options.publishIntervalMs) {
      this.#clock.toldAppendedMs = record.appendedMs
      this.#moved = true
      this.#emit(this.#meters.publish(), out)
    }
  }

  /**
   * Whether the event's principal is what a copy of it would have had before. A call from before its credential was
   * registered may have come under the credential's own name first, which another partition has counted.
   */
  #wasNamedThen({ credentialId }: Account, timeMs: number): boolean {
    return credentialId === undefined || timeMs >= this.#licenses.ownedSinceMs(credentialId)
  }

  watermark(eventTimeMs: number, out: Outcome): void {
    // The end of an input says that nothing more will come of it, not that the hour is over.
    if (eventTimeMs === Infinity) return this.#emit(this.#meters.publish(), out)
    this.#recent.complete(eventTimeMs)
    this.#emit(this.#meters.settle(eventTimeMs), out)
    this.#clock.completeMs = eventTimeMs
    this.#moved = true
    if (eventTimeMs - this.#clock.toldCompleteMs < this.#options.publishIntervalMs) return
    this.#clock.toldCompleteMs = eventTimeMs
    this.#emit(this.#meters.publish(), out)
  }

  #emit(records: readonly UsageRecord[], out: Outcome): void {
    for (const value of records) out.emit({ topic: topics.usage, key: value.id, value })
    const corrections = records.reduce((sum, { kind }) => sum + (kind === 'correction' ? 1 : 0), 0)
    if (corrections > 0) this.#report.corrections(corrections)
    this.#report.open(this.#partition, this.#meters.size)
  }
}

/** What normalize has written needs no second look at its numbers and its depth. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
