/** What an account has taught of a model: its last queries, as they are kept. */
import { dimensionMax } from '../../input/input.ts'
import { oddsMax } from '../../input/odds.ts'
import { unpacked } from '../../input/packed.ts'
import type { Sample } from '../honest/reference.ts'

export interface TaughtSample {
  readonly x: string
  readonly label: string
  readonly margin: number | null
  /** Log-odds; absent where probabilities are not told, and from older versions. */
  readonly odds?: string | undefined
  /** In black and white, of a picture that was reduced to fewer values; absent from older versions. */
  readonly blackAndWhite?: string | undefined
}

/** Characters of an input of `dimensionMax` values. */
const packedLengthMax = 4 * Math.ceil((4 * dimensionMax) / 3)
type Kept = readonly [x: string, label: string, margin: number | null, odds?: string, blackAndWhite?: string]

/** The last queries that an account has taught with, oldest first; unpacked when something is learned of them. */
export class Samples {
  readonly #list: TaughtSample[] = []

  add(sample: TaughtSample): void {
    const { x, odds = '', blackAndWhite = '' } = sample
    if (x.length > packedLengthMax || odds.length > 2 * oddsMax || blackAndWhite.length > packedLengthMax) return
    this.#list.push(sample)
  }

  /** Forgets the oldest beyond so many. */
  keepLast(max: number): void {
    if (this.#list.length > max) this.#list.splice(0, this.#list.length - max)
  }

  get count(): number {
    return this.#list.length
  }

  list(): readonly Sample[] {
    return this.#list.map(({ x, label, margin, odds, blackAndWhite }) => {
      const turned = blackAndWhite === undefined ? undefined : unpacked(blackAndWhite)
      return { x: unpacked(x), label, margin: margin ?? NaN, odds, blackAndWhite: turned }
    })
  }

  /** Without what is absent at the end; absent odds before a picture are an empty text. */
  toJSON(): readonly Kept[] {
    return this.#list.map(({ x, label, margin, odds, blackAndWhite }) => {
      if (blackAndWhite !== undefined) return [x, label, margin, odds ?? '', blackAndWhite]
      return odds === undefined ? [x, label, margin] : [x, label, margin, odds]
    })
  }

  static of(kept: unknown): Samples | undefined {
    if (kept instanceof Samples) return kept
    if (!Array.isArray(kept)) return undefined
    const samples = new Samples()
    for (const [x, label, margin, odds, blackAndWhite] of kept as readonly Kept[]) {
      samples.add({ x, label, margin, ...(odds && { odds }), ...(blackAndWhite && { blackAndWhite }) })
    }
    return samples
  }
}
