/**
 * Which sealed control records one task has taken: what was sealed once counts once.
 *
 * A seal (control-seal.ts) holds for a day, and who may read a raw topic can write a sealed record there again:
 * `content` would bring the sources of this morning back, `end` complete the time of everything. A `tick` told again
 * says no more than any record of its time, and is not kept here. A function of the log alone: it stands in the
 * checkpoint.
 */
import type { BusRecord } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import { sealAgeMsMax, sealedAtMs } from '../control-seal.ts'

/** Of one partition; the oldest are forgotten first. */
const takenMax = 1_000
/** Append times of one partition may go back by as much as its leaders' clocks differ. */
const slackMs = 3_600_000

export class TakenSeals {
  readonly #taken: Set<string>

  constructor(saved: readonly string[] = []) {
    this.#taken = new Set(saved)
  }

  /** Whether a record with this seal was taken before. False of records that need no seal. */
  repeats({ headers: told }: BusRecord): boolean {
    return this.#taken.has(told[headers.seal] ?? '')
  }

  take({ headers: told, appendedMs }: BusRecord): void {
    const seal = told[headers.seal]
    if (seal === undefined || this.#taken.has(seal)) return
    for (const each of this.#taken) {
      const isOver = appendedMs - (sealedAtMs(each) ?? 0) > sealAgeMsMax + slackMs
      if (isOver || this.#taken.size >= takenMax) this.#taken.delete(each)
    }
    this.#taken.add(seal)
  }

  save(): { readonly seals?: string[] } {
    return this.#taken.size === 0 ? {} : { seals: [...this.#taken] }
  }
}
