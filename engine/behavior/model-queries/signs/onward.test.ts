import { describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { learnReference } from '../honest/reference.ts'
import { usualOf } from '../learn/usual.ts'

const random = randomOf(83)
const normal = normalOf(random)
const causes = 5
const labelOf = (x: Float64Array): string => (x[0]! + x[1]! > 1 ? 'yes' : 'no')

/** A table whose columns hang together. */
function tableOf(columns: number) {
  const loads = Array.from({ length: columns }, () =>
    Array.from({ length: causes }, () => normal() / Math.sqrt(causes)),
  )
  const from = (state: readonly number[]): Float64Array =>
    Float64Array.from(
      loads,
      (load) => 0.5 + 0.12 * load.reduce((sum, l, k) => sum + l * state[k]!, 0) + 0.03 * normal(),
    )
  const natural = (): Float64Array => from(Array.from({ length: causes }, normal))
  /** Of so many columns each row has the newest; the others are read later. */
  const sensors = (count: number): (() => Float64Array) => {
    let state = Array.from({ length: causes }, normal)
    let x = from(state)
    return () => {
      state = state.map((value) => 0.99 * value + Math.sqrt(1 - 0.99 ** 2) * normal())
      const now = from(state)
      for (let n = 0; n < count; n++) {
        const i = Math.floor(random() * columns)
        x = x.with(i, now[i]!)
      }
      return x
    }
  }
  return { natural, sensors }
}

/** At which query an account is named for copying a model of these customers. */
function named(customer: () => () => Float64Array, asked: () => Float64Array, queries: number): number | undefined {
  const accounts = Array.from({ length: 12 }, () => {
    const next = customer()
    return Array.from({ length: 120 }, () => {
      const x = next()
      return { x, label: labelOf(x), margin: 0.1 + random() }
    })
  })
  const learned = learnReference(accounts)!
  const told = { ...learned, ...usualOf(learned, accounts, 'features') }
  const account = new AskingAccount(told)
  for (let n = 0; n < queries; n++) {
    const x = asked()
    const findings = account.ask({ x, label: labelOf(x) })
    if (findings.some(({ threat }) => threat === 'extraction')) return n + 1
  }
  return undefined
}

describe('who goes on to other inputs a few values at a time', () => {
  test.each([
    [64, 11],
    [64, 16],
    [13, 2],
    [13, 3],
  ])('copies a model as who draws all anew: of %d values %d at a time', (columns, count) => {
    const { natural } = tableOf(columns)
    let [x, turn] = [natural(), 0]
    const asked = (): Float64Array => {
      for (let n = 0; n < count; n++) x = x.with(turn++ % columns, random())
      return x
    }
    expect(named(() => natural, asked, 60)).toBeLessThan(30)
  })

  test.each([30, 64])('copies nothing where it is sensors that are read one after the other: %d', (columns) => {
    const { natural, sensors } = tableOf(columns)
    const each = (): (() => Float64Array) => sensors(Math.round(columns / 5))
    for (let n = 0; n < 3; n++) expect(named(each, each(), 300)).toBeUndefined()
    // Nor where nobody else's are.
    for (let n = 0; n < 3; n++) expect(named(() => natural, each(), 500)).toBeUndefined()
  })
})
