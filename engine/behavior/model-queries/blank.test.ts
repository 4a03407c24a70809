import { expect, test } from 'vitest'
import { AskingAccount } from '../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { learnReference } from './honest/reference.ts'

const random = randomOf(71)
const normal = normalOf(random)
const columns = 12
const natural = (): Float64Array => {
  const size = normal()
  return Float64Array.from({ length: columns }, (_, i) => 3 + (i % 5) + size + 0.2 * normal())
}
const labelOf = (x: Float64Array): string => (x[0]! + x[1]! > 7 ? 'yes' : 'no')
const told = learnReference(
  Array.from({ length: 8 }, () =>
    Array.from({ length: 100 }, natural).map((x) => ({ x, label: labelOf(x), margin: 0.1 + random() })),
  ),
)
const namedOf = (broken: () => Float64Array): number => {
  const account = new AskingAccount(told)
  return Array.from({ length: 400 }, (_, n) => (n % 8 === 7 ? broken() : natural())).flatMap((x) =>
    account.ask({ x, label: labelOf(x) }),
  ).length
}

test('an account whose pipeline now and then sends one value in all columns is not named for it, and one that sends random values is', () => {
  expect(namedOf(() => new Float64Array(columns).fill(10 * normal()))).toBe(0)
  expect(namedOf(() => Float64Array.from({ length: columns }, () => 10 * normal()))).toBeGreaterThan(0)
})
