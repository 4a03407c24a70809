/**
 * What is remembered of one account and model: one block of bytes, below two kilobytes; in a checkpoint one text.
 *
 * An `Account` is the form to work in: it is opened over a block, changed, and put back, so that of a million accounts each
 * costs its bytes and little else.
 */
import { betCount, queryThreats } from './evidence.ts'
import { ringSize } from './geometry.ts'

/** Inputs whose repetition is recognized. */
const seenSize = 96
const version = 2
/** Of the numbers at the beginning of a block. */
const at = {
  version: 0, dimension: 1, firstMs: 2, lastMs: 3, queries: 4, distinct: 5, taught: 6, taughtEpoch: 7, withdrawn: 8,
  ringCount: 9, told: 10, since: 10 + queryThreats.length,
} as const // prettier-ignore
const headSize = at.since + queryThreats.length

/** All numbers of 16 bits, by their bits: looking one up costs a fifth of converting it. */
const float16s = Float32Array.from(new Float16Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer))

/** A block as it stands in the state. */
export class AccountBlock {
  readonly bytes: Uint8Array
  readonly dimension: number

  constructor(bytes: Uint8Array, dimension: number) {
    this.bytes = bytes
    this.dimension = dimension
  }

  toJSON(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength).toString('base64')
  }

  /** From the state, where it is a text after a restart. Undefined where it is not a block of this version. */
  static of(kept: unknown): AccountBlock | undefined {
    if (kept instanceof AccountBlock) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Uint8Array.from(Buffer.from(kept, 'base64'))
    if (bytes.length < headSize * 8) return undefined
    const head = new Float64Array(bytes.buffer, 0, 2)
    const dimension = head[at.dimension]!
    const fits = Number.isInteger(dimension) && dimension > 0 && dimension <= 64 && bytes.length === sizeOf(dimension)
    return head[at.version] === version && fits ? new AccountBlock(bytes, dimension) : undefined
  }

  /** Event time of the last query. */
  get lastMs(): number {
    return new Float64Array(this.bytes.buffer, this.bytes.byteOffset, headSize)[at.lastMs]!
  }
}

function sizeOf(dimension: number): number {
  const bytes = headSize * 8 + (betCount + seenSize + ringSize) * 4 + ringSize * dimension * 2 + ringSize
  return Math.ceil(bytes / 8) * 8
}

export class Account {
  readonly dimension: number
  /** For each threat: distinct queries when it was first told (0: it was not), and since when evidence adds up. */
  readonly told: Float64Array
  readonly since: Float64Array
  readonly values: Float32Array
  readonly #bytes: Uint8Array
  readonly #head: Float64Array
  readonly #seen: Uint32Array
  /** Hashes of the labels of what is in the ring, and whether it was a training record. */
  readonly #labels: Uint32Array
  readonly #ring: Float16Array
  /** The same memory. */
  readonly #ringBits: Uint16Array
  readonly #members: Uint8Array
  readonly #opened: Float64Array[]
  readonly #rounding: Float16Array
  readonly #roundingBits: Uint16Array
  readonly #rounded: Float64Array

  constructor(dimension: number) {
    const buffer = new ArrayBuffer(sizeOf(dimension))
    let offset = headSize * 8
    const next = (bytes: number): number => (offset += bytes) - bytes
    this.dimension = dimension
    this.#bytes = new Uint8Array(buffer)
    this.#head = new Float64Array(buffer, 0, headSize)
    this.told = this.#head.subarray(at.told, at.told + queryThreats.length)
    this.since = this.#head.subarray(at.since, at.since + queryThreats.length)
    this.values = new Float32Array(buffer, next(betCount * 4), betCount)
    this.#seen = new Uint32Array(buffer, next(seenSize * 4), seenSize)
    this.#labels = new Uint32Array(buffer, next(ringSize * 4), ringSize)
    this.#ring = new Float16Array(buffer, next(ringSize * dimension * 2), ringSize * dimension)
    this.#ringBits = new Uint16Array(buffer, this.#ring.byteOffset, this.#ring.length)
    this.#members = new Uint8Array(buffer, next(ringSize), ringSize)
    this.#rounding = new Float16Array(dimension)
    this.#roundingBits = new Uint16Array(this.#rounding.buffer)
    this.#rounded = new Float64Array(dimension)
    this.#opened = Array.from({ length: ringSize }, () => new Float64Array(dimension))
  }

  /** Of an account that was never seen. */
  begin(timeMs: number): AccountBlock {
    this.#bytes.fill(0)
    this.#head[at.version] = version
    this.#head[at.dimension] = this.dimension
    this.#head[at.firstMs] = timeMs
    this.since.fill(timeMs)
    return new AccountBlock(this.#bytes.slice(), this.dimension)
  }

  open(block: AccountBlock): void {
    this.#bytes.set(block.bytes)
  }

  putBack(block: AccountBlock): void {
    block.bytes.set(this.#bytes)
  }

  get queries(): number {
    return this.#head[at.queries]!
  }

  /** Queries that repeat none of the last ones. */
  get distinct(): number {
    return this.#head[at.distinct]!
  }

  get lastMs(): number {
    return this.#head[at.lastMs]!
  }

  /** It is under suspicion, and what it taught was taken back. */
  get withdrawn(): boolean {
    return this.#head[at.withdrawn] === 1
  }

  set withdrawn(is: boolean) {
    this.#head[at.withdrawn] = is ? 1 : 0
  }

  /** Takes note of a query; false: it repeats one of the last. */
  ask(key: number, timeMs: number): boolean {
    this.#head[at.queries]!++
    if (timeMs > this.lastMs) this.#head[at.lastMs] = timeMs
    const slot = key % seenSize
    const value = key === 0 ? 1 : key
    if (this.#seen[slot] === value) return false
    this.#seen[slot] = value
    this.#head[at.distinct]!++
    return true
  }

  /** Whether one more query may teach in this epoch; it is counted. */
  teaches(epoch: number, max: number): boolean {
    if (this.#head[at.taughtEpoch] !== epoch) {
      this.#head[at.taughtEpoch] = epoch
      this.#head[at.taught] = 0
    }
    return this.#head[at.taught]!++ < max
  }

  /** The last inputs, newest first; good until the next call. */
  ring(): readonly Float64Array[] {
    const d = this.dimension
    const count = this.#head[at.ringCount]!
    const kept = Math.min(ringSize, count)
    for (let n = 0; n < kept; n++) {
      const from = ((count - 1 - n) % ringSize) * d
      const opened = this.#opened[n]!
      for (let i = 0; i < d; i++) opened[i] = float16s[this.#ringBits[from + i]!]!
    }
    return kept === ringSize ? this.#opened : this.#opened.slice(0, kept)
  }

  /** Of the n-th newest. */
  labelOf(n: number): number {
    return this.#labels[(this.#head[at.ringCount]! - 1 - n) % ringSize]!
  }

  wasMember(n: number): boolean {
    return this.#members[(this.#head[at.ringCount]! - 1 - n) % ringSize] === 1
  }

  /** An input as the ring keeps it; good until the next call. */
  rounded(x: Float64Array): Float64Array {
    this.#rounding.set(x)
    for (let i = 0; i < this.dimension; i++) this.#rounded[i] = float16s[this.#roundingBits[i]!]!
    return this.#rounded
  }

  /** Puts the input that was rounded last into the ring. */
  remember(label: number, member: boolean): void {
    const place = this.#head[at.ringCount]!++ % ringSize
    this.#ring.set(this.#rounding, place * this.dimension)
    this.#labels[place] = label
    this.#members[place] = member ? 1 : 0
  }
}
