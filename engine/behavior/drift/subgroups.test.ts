import { describe, expect, test } from 'vitest'
import { seeded } from '../../../cli/demo/random.ts'
import { countSubgroup, type Subgroup, type SubgroupVerdict } from './subgroups.ts'

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

describe('a subgroup with wrong answers alone', () => {
  /** Both have given their first answers, all of them right. */
  const begun = (): ((name: string, right: boolean, count: number) => SubgroupVerdict[]) => {
    const all: Record<string, Subgroup> = {}
    const answer = (name: string, right: boolean, count: number): SubgroupVerdict[] =>
      Array.from({ length: count }, () => countSubgroup(all, name, right, 40, line) ?? []).flat()
    answer('rest', true, 41)
    answer('few', true, 41)
    return answer
  }

  test('is told of once the rest has had ten answers in the same time', () => {
    const answer = begun()
    answer('few', false, 100)
    answer('rest', true, 9)
    expect(answer('few', false, 1)).toEqual([])
    answer('rest', true, 1)
    expect(answer('few', false, 1)).toMatchObject([{ name: 'few', restRate: 0 }])
  })

  test('is held against none of the rest’s answers from before it was right again', () => {
    const answer = begun()
    answer('few', false, 1)
    answer('rest', false, 5)
    answer('few', true, 200)
    answer('few', false, 100)
    answer('rest', true, 10)
    expect(answer('few', false, 1)).toMatchObject([{ name: 'few', restRate: 0 }])
  })
})
