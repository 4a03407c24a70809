import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { fitTo, Table } from './fit.ts'
import { scoreAll, scorer } from './score.ts'

const random = randomOf(5)
const accountsOf = (dimension: number, counts: readonly number[], classes = 3) =>
  counts.map((count) =>
    Array.from({ length: count }, () => {
      const label = String(Math.floor(random() * classes))
      return { x: Float32Array.from({ length: dimension }, (_, i) => random() + Number(label) / (i + 1)), label }
    }),
  )

/** As the formulas say it: one query after the other. */
function plain(samples: readonly { readonly x: ArrayLike<number>; readonly label: string }[], d: number) {
  const n = samples.length
  const at = Array.from({ length: d }, (_, i) => i)
  const total = at.map((i) => samples.reduce((sum, { x }) => sum + x[i]! / n, 0))
  const meanOf = (label: string) => {
    const own = samples.filter((each) => each.label === label)
    return at.map((i) => (own.reduce((sum, { x }) => sum + x[i]!, 0) + 5 * total[i]!) / (own.length + 5))
  }
  const means = new Map(samples.map(({ label }) => [label, meanOf(label)]))
  const covariance = at.map((i) =>
    at.map((j) =>
      samples.reduce((sum, { x, label }) => sum + ((x[i]! - means.get(label)![i]!) / n) * (x[j]! - means.get(label)![j]!), 0),
    ),
  ) // prettier-ignore
  const floor = (0.01 * at.reduce((sum, i) => sum + covariance[i]![i]!, 0)) / d
  for (const i of at) covariance[i]![i]! += floor
  return { means, covariance }
}

describe('the covariance that all classes share', () => {
  test.each([1, 2, 3, 5, 8, 17])('of %i values is the one of the formula, and what it whitens has it', (d) => {
    const accounts = accountsOf(d, [7, 0, 12, 6])
    const table = new Table(accounts)
    const { whitening, means, labels } = fitTo(table, table.queriesOf('all'))
    const { covariance, means: known } = plain(accounts.flat(), d)
    const row = (i: number) => Array.from({ length: d }, (_, j) => (j <= i ? whitening[(i * (i + 1)) / 2 + j]! : 0))
    const rows = Array.from({ length: d }, (_, i) => row(i))
    // W Σ Wᵀ is the identity.
    for (const [i, a] of rows.entries()) {
      for (const [j, b] of rows.entries()) {
        const sum = a.reduce((all, x, k) => all + x * b.reduce((s, y, l) => s + covariance[k]![l]! * y, 0), 0)
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 9)
      }
    }
    for (const [n, label] of labels.entries()) {
      for (const [i, a] of rows.entries()) {
        expect(means[n * d + i]).toBeCloseTo(
          a.reduce((sum, x, k) => sum + x * known.get(label)![k]!, 0),
          9,
        )
      }
    }
  })

  test('does not know the means of more than 64 classes, only that over all', () => {
    const accounts = [Array.from({ length: 70 }, (_, n) => ({ x: Float32Array.of(n, n % 7), label: String(n) }))]
    const table = new Table(accounts)
    expect(fitTo(table, table.queriesOf('all')).labels).toHaveLength(64)
  })
})

test.each([1, 2, 3, 4, 5, 9, 64])('queries of %i values have the same distance together as one by one', (d) => {
  const accounts = accountsOf(d, [9, 4, 0, 8, 6])
  const table = new Table(accounts)
  const fit = fitTo(table, table.queriesOf('even'))
  const one = scorer(fit)
  for (const which of ['all', 'even', 'odd'] as const) {
    const scores = new Float64Array(table.count).fill(-1)
    const queries = table.queriesOf(which)
    scoreAll(table, queries, fit, scores)
    const expected = accounts.flat().map(({ x, label }, row) => (queries.includes(row) ? one(x, label) : -1))
    expect([...scores]).toEqual(expected)
  }
  const { whitening, means } = fit
  const { x, label } = accounts.flat()[3]!
  const mean = fit.labels.indexOf(label) * d
  let total = 0
  for (let i = 0, at = 0; i < d; i++) {
    let sum = -means[mean + i]!
    for (let j = 0; j <= i; j++) sum += whitening[at++]! * x[j]!
    total += sum * sum
  }
  expect(one(x, label)).toBe(Math.sqrt(total))
})

test('even and odd accounts are halves of all', () => {
  const table = new Table(accountsOf(2, [2, 3, 0, 1, 2]))
  expect([...table.queriesOf('even')]).toEqual([0, 1, 6, 7])
  expect([...table.queriesOf('odd')]).toEqual([2, 3, 4, 5])
})
