/**
 * What is remembered of one account and model: packed, about two kilobytes.
 *
 * In memory typed arrays; in a checkpoint one text. Values that came back from a checkpoint are texts until they are asked for.
 */
import { betCount, queryThreats } from './evidence.ts'
import { ringSize } from './geometry.ts'

/** Inputs whose repetition is recognized. */
const seenSize = 96
/** Named numbers, in the order in which they are packed. */
const numbers = [
  'firstMs',
  'lastMs',
  'queries',
  'distinct',
  'taught',
  'taughtEpoch',
  'withdrawn',
  'ringCount',
  'dimension',
] as const
type Numbers = Record<(typeof numbers)[number], number>

const version = 1

export class Account implements Numbers {
  firstMs = 0
  lastMs = 0
  queries = 0
  /** Queries that repeat none of the last ones. */
  distinct = 0
  /** Queries that went on to teach, in this epoch. */
  taught = 0
  taughtEpoch = 0
  /** 1: it is under suspicion, and what it taught was taken back. */
  withdrawn = 0
  /** Inputs ever put into the ring. */
  ringCount = 0
  dimension: number
  /** For each threat: distinct queries when it was first told (0: it was not), and since when evidence adds up. */
  readonly told: Float64Array
  readonly since: Float64Array
  readonly values: Float32Array
  readonly #seen: Uint32Array
  readonly #ring: Float16Array
  /** Hashes of the labels of what is in the ring, and whether it was a training record. */
  readonly #labels: Uint32Array
  readonly #members: Uint8Array

  constructor(dimension: number) {
    this.dimension = dimension
    this.told = new Float64Array(queryThreats.length)
    this.since = new Float64Array(queryThreats.length)
    this.values = new Float32Array(betCount)
    this.#seen = new Uint32Array(seenSize)
    this.#ring = new Float16Array(ringSize * dimension)
    this.#labels = new Uint32Array(ringSize)
    this.#members = new Uint8Array(ringSize)
  }

  /** Whether one of the last inputs had this key; from now on it has. */
  repeats(key: number): boolean {
    const at = key % seenSize
    const value = key === 0 ? 1 : key
    if (this.#seen[at] === value) return true
    this.#seen[at] = value
    return false
  }

  /** The last inputs, newest first. */
  ring(): Float64Array[] {
    const { dimension: d, ringCount } = this
    const inputs: Float64Array[] = []
    for (let n = 1; n <= Math.min(ringSize, ringCount); n++) {
      const at = ((ringCount - n) % ringSize) * d
      inputs.push(Float64Array.from(this.#ring.subarray(at, at + d)))
    }
    return inputs
  }

  /** Of the n-th newest. */
  labelOf(n: number): number {
    return this.#labels[(this.ringCount - 1 - n) % ringSize]!
  }

  wasMember(n: number): boolean {
    return this.#members[(this.ringCount - 1 - n) % ringSize] === 1
  }

  remember(x: Float64Array, label: number, member: boolean): void {
    const at = this.ringCount++ % ringSize
    this.#ring.set(x, at * this.dimension)
    this.#labels[at] = label
    this.#members[at] = member ? 1 : 0
  }

  toJSON(): string {
    const head = Float64Array.from([version, ...numbers.map((name) => this[name]), ...this.told, ...this.since])
    const parts = [head, this.values, this.#seen, this.#ring, this.#labels, this.#members]
    return Buffer.concat(parts.map((part) => Buffer.from(part.buffer))).toString('base64')
  }

  /** Undefined where it is not the text of one of this version. */
  static of(kept: unknown): Account | undefined {
    if (kept instanceof Account) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Uint8Array.from(Buffer.from(kept, 'base64'))
    const headSize = 1 + numbers.length + 2 * queryThreats.length
    if (bytes.length < headSize * 8) return undefined
    const head = new Float64Array(bytes.buffer, 0, headSize)
    const account = new Account(head[numbers.length]!)
    if (head[0] !== version || bytes.length !== headSize * 8 + account.#size) return undefined
    for (const [n, name] of numbers.entries()) account[name] = head[n + 1]!
    account.told.set(head.subarray(1 + numbers.length, 1 + numbers.length + queryThreats.length))
    account.since.set(head.subarray(1 + numbers.length + queryThreats.length))
    let at = headSize * 8
    for (const part of [account.values, account.#seen, account.#ring, account.#labels, account.#members]) {
      new Uint8Array(part.buffer).set(bytes.subarray(at, at + part.byteLength))
      at += part.byteLength
    }
    return account
  }

  get #size(): number {
    const { values } = this
    return [values, this.#seen, this.#ring, this.#labels, this.#members].reduce((sum, part) => sum + part.byteLength, 0)
  }
}
