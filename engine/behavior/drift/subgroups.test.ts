import { expect, test } from 'vitest'
import { seeded } from '../../../cli/demo/random.ts'
import { countSubgroup, type Subgroup } from './subgroups.ts'

const line = Math.log(1e5)

/** The subgroups that are told of in 8,000 answers; what a subgroup's share of errors is changes half way. */
function told(
  shares: Readonly<Record<string, number>>,
  rateOf: (name: string, changed: boolean) => number,
  seed: number,
): string[] {
  const random = seeded(seed)
  const all: Record<string, Subgroup> = {}
  const names: string[] = []
  for (let n = 0; n < 8_000; n++) {
    let left = random.next()
    const name = Object.keys(shares).find((each) => (left -= shares[each]!) < 0) ?? Object.keys(shares)[0]!
    const right = random.next() >= rateOf(name, n >= 4_000)
    if (countSubgroup(all, name, right, 40, line) !== undefined) names.push(name)
    // Every now and then it comes back from a checkpoint.
    if (n % 997 === 0)
      for (const each of Object.keys(all)) all[each] = JSON.parse(JSON.stringify(all[each])) as Subgroup
  }
  return names
}

const uneven = { most: 0.9, few: 0.1 }

test('a model that has become worse for all subgroups alike wrongs none, also where one asks seldom', () => {
  for (let seed = 1; seed <= 10; seed++) {
    expect(told(uneven, (_, changed) => (changed ? 0.35 : 0.05), seed)).toEqual([])
    expect(told({ a: 0.4, b: 0.3, c: 0.3 }, (_, changed) => (changed ? 0.35 : 0.05), seed)).toEqual([])
  }
})

test.each(['most', 'few'])('a subgroup that alone gets wrong answers is told of: %s', (wronged) => {
  for (let seed = 1; seed <= 5; seed++) {
    expect(told(uneven, (name, changed) => (changed && name === wronged ? 0.4 : 0.05), seed)).toEqual([wronged])
  }
})
