/**
 * When all calls of a kind are looked at as a whole (loads.ts), and what the last look has shown. Pure.
 *
 * Each time that there are a quarter more of them. The n-th look has 1/n(n + 1) of what may be mistaken, so however
 * many there are, any of them passes the line (balance.ts) by chance no more often than one way of looking may.
 */
import { beginnings } from './beginnings.ts'
import { evidenceOfLoads, type Calls } from './loads.ts'

const growth = 0.25
const firstDue = 64
const most = 40
/** Turns, equal loads call by call and as a whole have a third each of what may be mistaken. */
export const ways = Math.log(3)

export interface LooksJson {
  readonly count: number
  /** Calls of members since the last one, and how many there must be. */
  readonly since: number
  readonly due: number
  readonly evidence: number
}

export class Looks {
  #count: number
  #since: number
  #due: number
  #evidence: number

  constructor({ count, since, due, evidence }: LooksJson = { count: 0, since: 0, due: firstDue, evidence: 0 }) {
    this.#count = count
    this.#since = since
    this.#due = due
    this.#evidence = evidence
  }

  get evidence(): number {
    return this.#evidence
  }

  /** One call more: whether it is time for the next look. */
  isDue(): boolean {
    this.#since++
    return this.#since >= this.#due
  }

  look(all: readonly Calls[], shape: number, dealtShape: number): void {
    this.#count++
    // The line has room for as many beginnings.
    const cost = Math.log((this.#count * (this.#count + 1)) / beginnings) + ways
    this.#evidence = Math.min(most, Math.max(0, evidenceOfLoads(all, shape, dealtShape) - cost))
    this.#since = 0
    this.#due = Math.ceil(growth * all.reduce((sum, { calls }) => sum + calls, 0))
  }

  /** Most of those whom it was about have gone. */
  forget(): void {
    this.#evidence = 0
  }

  toJSON(): LooksJson {
    return { count: this.#count, since: this.#since, due: this.#due, evidence: this.#evidence }
  }
}
