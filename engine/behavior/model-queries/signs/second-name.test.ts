import { expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { BehaviorFinding } from '../../types.ts'
import { learnReference } from '../honest/reference.ts'

const random = randomOf(53)
const normal = normalOf(random)
const dimension = 64
const natural = (): Float64Array => {
  const shade = normal()
  return Float64Array.from({ length: dimension }, () => 0.5 + 0.2 * shade + 0.1 * normal())
}
const labelOf = (x: Float64Array): string => (x[0]! + x[1]! > 1 ? 'yes' : 'no')
const told = learnReference(
  Array.from({ length: 10 }, () =>
    Array.from({ length: 100 }, () => natural()).map((x) => ({ x, label: labelOf(x), margin: 0.1 + random() })),
  ),
)

function findingsOf(inputs: readonly Float64Array[]): BehaviorFinding[] {
  const account = new AskingAccount(told)
  return inputs.flatMap((x) => account.ask({ x, label: labelOf(x) }))
}

test('an account that is named for one threat is named for another at a line of its own, which the finding tells', () => {
  // The way to another class is halved, and around where it changes it is asked to both sides.
  const [from, to] = [natural(), natural().map((value) => value + 0.6)]
  const on = (share: number): Float64Array => from.map((value, i) => value + share * (to[i]! - value))
  const halved = Array.from({ length: 6 }, (_, n) => on(0.5 + 0.5 ** (n + 2)))
  const sides = Array.from({ length: 30 }, () => natural().map((value) => 0.15 * (value - 0.5))).flatMap((by) =>
    [1, -1].map((sign) => on(0.5).map((value, i) => value + sign * by[i]!)),
  )
  const search = [from, to, ...halved, ...sides]
  const [first, second] = findingsOf(search).filter(({ version }) => version === 1)
  expect(first!.facts).toMatchObject({ lineLog10: 6.6, falseAlarmBound: 0.01, falseAlarmQueries: 10_000 })
  expect(second!.facts).toMatchObject({ lineLog10: 4.9, falseAlarmBound: 0.05, falseAlarmQueries: 1_000 })
  expect(second!.threat).not.toBe(first!.threat)
  expect(second!.facts['evidenceLog10']).toBeLessThan(6.6)
  expect(second!.explanation).toContain('at most 5 % in 1,000 different queries')
})

test('pieces of inputs that are masked to explain their answers name nobody', () => {
  const explained = Array.from({ length: 8 }, () => {
    const x = natural()
    const block = (i: number): number => 4 * (i >> 4) + ((i % 8) >> 1)
    const one = Array.from({ length: 16 }, (_, n) => x.map((value, i) => (block(i) === n ? 0 : value)))
    const half = Array.from({ length: 40 }, () => {
      const off = Array.from({ length: 16 }, () => random() < 0.5)
      return x.map((value, i) => (off[block(i)] ? 0 : value))
    })
    return [x, ...one, ...half, ...Array.from({ length: 6 }, natural)]
  }).flat()
  expect(findingsOf(explained)).toEqual([])
})
