/**
 * A small world of tables: rows of few columns (measures, whole numbers, yes and no) as scaled feature vectors, customers who
 * ask for rows of theirs, and hands that spread an augmentation over accounts. Repeatable by its seed.
 */
import { normalOf, randomOf } from '../random.ts'

export type Row = readonly number[]

export type Column = 'measure' | 'whole' | 'yes-no'

export interface TableWorld {
  readonly columns: readonly Column[]
  readonly random: () => number
  readonly normal: () => number
  row(): number[]
  /** The same thing some time later: measures and counts have changed a little. */
  later(row: Row): number[]
  /** The sign of the model's gradient at a row, for its label. */
  slope(row: Row): number[]
}

export interface TableOptions {
  readonly seed: number
  readonly measures: number
  readonly wholes: number
  readonly yesNos: number
}

/** Whole numbers go up to about this, and are scaled by it. */
const wholeMax = 20

export function tableOf({ seed, measures, wholes, yesNos }: TableOptions): TableWorld {
  const random = randomOf(seed)
  const normal = normalOf(random)
  const columns: Column[] = [
    ...Array.from({ length: measures }, (): Column => 'measure'),
    ...Array.from({ length: wholes }, (): Column => 'whole'),
    ...Array.from({ length: yesNos }, (): Column => 'yes-no'),
  ]
  const loadings = columns.map(() => [0, 1, 2].map(() => 0.6 * normal()))
  const places = columns.map(() => 0.8 * normal())
  const spreads = columns.map(() => 0.6 + 0.8 * random())
  const weights = columns.map(() => normal())
  const hidden = Array.from({ length: 12 }, () => ({ w: columns.map(() => 1.5 * normal()), v: normal(), b: normal() }))
  const written = (value: number, k: number): number => {
    const column = columns[k]!
    if (column === 'yes-no') return value > 0 ? 1 : 0
    const squashed = 1 / (1 + Math.exp(-value))
    return column === 'whole' ? Math.round(squashed * wholeMax) / wholeMax : Math.round(squashed * 1e4) / 1e4
  }
  return {
    columns,
    random,
    normal,
    row() {
      const causes = [normal(), normal(), normal()]
      return columns.map((_, k) => {
        const caused = loadings[k]!.reduce((sum, loading, j) => sum + loading * causes[j]!, 0)
        return written(places[k]! + spreads[k]! * (caused + 0.5 * normal()), k)
      })
    },
    later(row) {
      return row.map((value, k) => {
        if (columns[k] === 'yes-no') return random() < 0.02 ? 1 - value : value
        if (columns[k] === 'whole')
          return Math.min(1, Math.max(0, value + (random() < 0.3 ? (random() < 0.5 ? 1 : -1) : 0) / wholeMax))
        return Math.min(1, Math.max(0, Math.round(1e4 * (value + 0.02 * normal())) / 1e4))
      })
    },
    slope(row) {
      const gradient = weights.map((weight) => 0.5 * weight)
      for (const { w, v, b } of hidden) {
        const h = Math.tanh(w.reduce((sum, weight, k) => sum + weight * (row[k]! - 0.5), b))
        for (const [k, weight] of w.entries()) gradient[k]! += v * (1 - h * h) * weight
      }
      return gradient.map(Math.sign)
    },
  }
}

/** What of a row a step may change: every value; or values stay such as the column has them. */
export type Keeps = 'nothing' | 'yes-no' | 'kinds'

/**
 * Papernot et al. 2017 on a table: natural rows, then rounds in which each known row is asked again with a step along the
 * sign of the gradient. Steps of whole numbers are one, and of yes and no none, where values stay such as the column has them.
 */
export function* augmentation(table: TableWorld, seeds: number, step: number, keeps: Keeps): Generator<Row, never> {
  const known: Row[] = Array.from({ length: seeds }, () => table.row())
  yield* known
  for (;;) {
    for (const row of [...known]) {
      // The copy whose gradient it is is another in each round.
      const slope = table.slope(row).map((sign) => (table.random() < 0.2 ? -sign : sign))
      const next = row.map((value, k) => {
        const column = table.columns[k]!
        if (column === 'yes-no' && keeps !== 'nothing') return value
        const size = column === 'whole' && keeps === 'kinds' ? 1 / wholeMax : step
        return Math.round(1e4 * Math.min(1, Math.max(0, value + size * slope[k]!))) / 1e4
      })
      known.push(next)
      yield next
    }
    if (known.length > 4_000) known.length = seeds
  }
}
