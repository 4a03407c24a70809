/**
 * What is kept of one account at one language model: one text of bytes, below half a kilobyte.
 *
 * `Account` is the form to work in: opened over a block, changed, and put back.
 */

import { betsCount } from './bets.ts'
import { markIn } from '../marks.ts'

/** Prompts whose repetition is recognized, a byte each; of more that fall into one row the last are known. */
const marks = 256
/** Calls that are taught together. */
export const batchSize = 4
const version = 2
const at = {
  version: 0, firstMs: 1, lastMs: 2, gapMs: 3, fresh: 4, sinceMs: 5, withdrawn: 6, day: 7, taught: 8, batch: 9,
  freshBefore: 10, asked: 11, askedBefore: 12,
} as const // prettier-ignore
const logsAt = at.askedBefore + 1
const batchAt = logsAt + betsCount
const headSize = batchAt + batchSize
const size = headSize * 8 + marks

/** A block as it stands in the state. */
export class AccountBlock {
  /** A character for each byte: a text lies in the heap in one piece, where a buffer costs as much again. */
  text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): string {
    return Buffer.from(this.text, 'latin1').toString('base64')
  }

  /** From the state, where it is a text after a restart. Undefined where it is not a block of this version. */
  static of(kept: unknown): AccountBlock | undefined {
    if (kept instanceof AccountBlock) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Buffer.from(kept, 'base64')
    if (bytes.length !== size || bytes.readDoubleLE(0) !== version) return undefined
    return new AccountBlock(bytes.toString('latin1'))
  }
}

export class Account {
  readonly #bytes: Buffer
  readonly #head: Float64Array
  readonly #marks: Uint8Array
  /** Evidence of each bet, as logarithms. */
  readonly logs: Float64Array
  readonly #batch: Float64Array

  constructor() {
    const buffer = new ArrayBuffer(size)
    this.#bytes = Buffer.from(buffer)
    this.#head = new Float64Array(buffer, 0, headSize)
    this.logs = this.#head.subarray(logsAt, batchAt)
    this.#batch = this.#head.subarray(batchAt, headSize)
    this.#marks = new Uint8Array(buffer, headSize * 8, marks)
  }

  open(block: AccountBlock | undefined, timeMs: number): AccountBlock {
    if (block !== undefined) {
      this.#bytes.write(block.text, 0, size, 'latin1')
      return block
    }
    this.#bytes.fill(0)
    this.#head[at.version] = version
    this.#head[at.firstMs] = this.#head[at.lastMs] = this.#head[at.sinceMs] = timeMs
    return new AccountBlock('')
  }

  putBack(block: AccountBlock): void {
    block.text = this.#bytes.toString('latin1')
  }

  /** Takes note of a prompt; false: it was asked before. */
  ask(key: number): boolean {
    if (!markIn(this.#marks, key)) return false
    this.#head[at.fresh]!++
    return true
  }

  /** Takes note of when a call came: whether its interval is as long as the one before, by a factor of less than two. */
  keepsPace(timeMs: number): boolean {
    const head = this.#head
    const gapMs = timeMs - head[at.lastMs]!
    const before = head[at.gapMs]!
    if (gapMs < 0) return false
    head[at.lastMs] = timeMs
    head[at.gapMs] = gapMs
    return gapMs > 0 && before > 0 && gapMs < 2 * before && before < 2 * gapMs
  }

  get firstMs(): number {
    return this.#head[at.firstMs]!
  }

  get lastMs(): number {
    return this.#head[at.lastMs]!
  }

  /** When evidence was last at nothing, or a suspicion that was told ended. */
  get sinceMs(): number {
    return this.#head[at.sinceMs]!
  }

  /** Different prompts since then. */
  get freshSince(): number {
    return this.#head[at.fresh]! - this.#head[at.freshBefore]!
  }

  /** There is no evidence as of now. */
  clear(timeMs: number): void {
    this.#head[at.sinceMs] = timeMs
    this.#head[at.freshBefore] = this.#head[at.fresh]!
  }

  /** What it taught was taken back. */
  get withdrawn(): boolean {
    return this.#head[at.withdrawn] === 1
  }

  set withdrawn(withdrawn: boolean) {
    this.#head[at.withdrawn] = withdrawn ? 1 : 0
    this.#head[at.batch] = 0
  }

  /** Takes note of a prompt that is new, on a day of event time. */
  askOn(day: number): void {
    const head = this.#head
    if (day > head[at.day]!) {
      head[at.askedBefore] = day === head[at.day]! + 1 ? head[at.asked]! : 0
      head[at.asked] = head[at.taught] = 0
      head[at.day] = day
    }
    head[at.asked]!++
  }

  /** Different prompts of the day. */
  get askedToday(): number {
    return this.#head[at.asked]!
  }

  /** Of the day before, as far as it is known. */
  get askedBefore(): number {
    return this.#head[at.askedBefore]!
  }

  /**
   * What is to be taught now, if anything is: by `batchSize`, and at most `most` in a day. Where the day before had more
   * different prompts, it is a sample of the whole day, by the prompts.
   */
  teach(answer: number, key: number, most: number): readonly number[] | undefined {
    const head = this.#head
    const isChosen = (Math.imul(key ^ (key >>> 13), 0x5bd1e995) >>> 0) * head[at.askedBefore]! < most * 2 ** 32
    if (head[at.taught]! >= most || !isChosen) return undefined
    head[at.taught]!++
    this.#batch[head[at.batch]!++] = answer
    if (head[at.batch]! < batchSize) return undefined
    head[at.batch] = 0
    return [...this.#batch]
  }
}
