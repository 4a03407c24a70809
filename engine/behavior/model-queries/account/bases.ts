/**
 * The last pictures of an account that were made of none of its others, so that what is made of one by moving it is
 * known as such (moved.ts). Kept only of accounts that ask training records. Two kilobytes.
 */
import { keepable } from '../../input/rows.ts'
import { movedFromWhich, pixels } from '../shapes/moved.ts'

const basesMax = 16
const from = { asked: 4, values: 4 + 4 * basesMax, notes: 4 + 4 * basesMax + 2 * pixels * basesMax } as const
const length = from.notes + basesMax
/**
 * Bits: a training record; whether it is one was told of what is made of it; the account's first record, before which
 * nothing was kept.
 */
const noted = { record: 1, told: 2, first: 4 } as const

interface Notes {
  readonly isRecord: boolean
  readonly isFirst: boolean
}

/** As they are compared, by their places. */
const opened = Array.from({ length: basesMax }, () => new Float64Array(pixels))

export class Bases {
  readonly #bytes: Buffer
  readonly #count: Uint32Array
  /** When each was asked: how many the account's ring had taken before. */
  readonly #asked: Uint32Array
  readonly #values: Float16Array
  readonly #notes: Uint8Array

  constructor() {
    const buffer = new ArrayBuffer(length)
    this.#bytes = Buffer.from(buffer)
    this.#count = new Uint32Array(buffer, 0, 1)
    this.#asked = new Uint32Array(buffer, from.asked, basesMax)
    this.#values = new Float16Array(buffer, from.values, basesMax * pixels)
    this.#notes = new Uint8Array(buffer, from.notes, basesMax)
  }

  /** From the state, where it is a text after a restart. */
  static of(kept: unknown): Bases | undefined {
    if (kept instanceof Bases) return kept
    const bytes = typeof kept === 'string' ? Buffer.from(kept, 'base64') : Buffer.alloc(0)
    if (bytes.length !== length) return undefined
    const bases = new Bases()
    bytes.copy(bases.#bytes)
    return bases
  }

  toJSON(): string {
    return this.#bytes.toString('base64')
  }

  keep(picture: Float64Array, asked: number, { isRecord, isFirst }: Notes): void {
    const place = this.#count[0]!++ % basesMax
    for (let n = 0; n < pixels; n++) this.#values[place * pixels + n] = keepable(picture[n]!)
    this.#asked[place] = asked
    this.#notes[place] = (isRecord ? noted.record : 0) | (isFirst ? noted.first : 0)
  }

  /** The places of those that the picture is nearer to than `near` when they are moved. */
  movedTo(picture: Float64Array, near: number): readonly number[] {
    const count = Math.min(basesMax, this.#count[0]!)
    for (let place = 0; place < count; place++) {
      opened[place]!.set(this.#values.subarray(place * pixels, (place + 1) * pixels))
    }
    return movedFromWhich(picture, opened.slice(0, count), near)
  }

  isRecord(place: number): boolean {
    return (this.#notes[place]! & noted.record) !== 0
  }

  isTold(place: number): boolean {
    return (this.#notes[place]! & noted.told) !== 0
  }

  isFirst(place: number): boolean {
    return (this.#notes[place]! & noted.first) !== 0
  }

  tell(place: number): void {
    this.#notes[place]! |= noted.told
  }

  /** Those that were asked when these were, which are the last of `asked` (a bit each, from the newest on). */
  among(ring: number, asked: number): number[] {
    const places: number[] = []
    for (let place = 0; place < Math.min(basesMax, this.#count[0]!); place++) {
      const ago = asked - 1 - this.#asked[place]!
      if (ago >= 0 && ago < 32 && (ring & (1 << ago)) !== 0) places.push(place)
    }
    return places
  }
}
