import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { askAgain, isDue } from './again.ts'
import { Exemplars, type Voters } from './exemplars.ts'

interface Brought {
  readonly source: string
  readonly count: number
  /** What the records of others that are nearest name, and of how many of its own they name another label. */
  readonly voices: readonly string[]
  readonly contradicted?: number
  readonly against?: readonly string[]
  /** To those records. */
  readonly distance?: number
}

/** Records of label 0, each with one voice of each source that is asked. */
function exemplarsOf(brought: readonly Brought[]): Exemplars {
  const entries = new KeptEntries()
  const exemplars = new Exemplars(entries, 1_024)
  let number = 0
  for (const { source, count, voices, contradicted = 0, against = voices, distance = 1 } of brought) {
    for (let n = 0; n < count; n++) {
      const isWrong = n < contradicted
      const voters: Voters = (isWrong ? against : voices).map((voice) => [voice, isWrong ? '1' : '0', distance])
      exemplars.add(number++, { v: [n], l: '0', s: source }, voters)
    }
  }
  return exemplars
}

const every = 40_000
const broughtOf = (count: number) => (): number => count
const pastOf = (exemplars: Exemplars, named: readonly string[] = [], brought = 1): string[] => [
  ...askAgain(exemplars, named, broughtOf(brought), every).keys(),
]

describe('sources that are asked again about a record', () => {
  const world = (against: readonly string[]): Exemplars =>
    exemplarsOf([
      { source: 'bad', count: 60, voices: ['a', 'b'], contradicted: 20, against },
      ...['a', 'b', 'c', 'd'].map((source) => ({ source, count: 60, voices: ['a', 'b'] })),
    ])

  test('have no voice any more once they were named: what they alone contradict is not contradicted', () => {
    expect(pastOf(world(['c', 'd']))).toEqual(['bad'])
    expect(pastOf(world(['c', 'd']), ['c', 'd'])).toEqual([])
  })

  test('contradict it together, and one of them alone does not', () => {
    expect(pastOf(world(['c']))).toEqual([])
  })

  test('are none of those that pass their own line in the same asking', () => {
    const liars = (source: string): Brought => ({ source, count: 60, voices: ['a', 'b'], contradicted: 50 })
    const exemplars = exemplarsOf([
      { source: 'victim', count: 60, voices: ['a', 'b'], contradicted: 12, against: ['c', 'd'] },
      ...['a', 'b', 'e', 'f', 'g'].map((source) => ({ source, count: 60, voices: ['a', 'b'] })),
      liars('c'),
      liars('d'),
    ])
    expect(pastOf(exemplars).sort()).toEqual(['c', 'd'])
  })
})

describe('how sure it has to be', () => {
  /** Of 400 records, `contradicted`; nobody else has one of 200. */
  const few = (contradicted: number): Exemplars =>
    exemplarsOf([
      { source: 'careless', count: 400, voices: ['a', 'b'], contradicted },
      { source: 'a', count: 200, voices: ['b', 'c'] },
      { source: 'b', count: 200, voices: ['a', 'c'] },
    ])

  test("a few mistakes in a hundred are usual, also where others have none: two are taken for everybody's", () => {
    expect(pastOf(few(16), [], 400)).toEqual([])
    expect(pastOf(few(40), [], 400)).toEqual(['careless'])
  })

  test('the line is the lower the more a source has brought since the last time, as often as it would be judged', () => {
    const past = (brought: number) => askAgain(few(40), [], broughtOf(brought), every).get('careless')?.line
    expect(past(400)).toBeCloseTo(Math.log(100))
    expect(past(0)).toBeCloseTo(Math.log(every))
  })
})

test('all are asked again when the set has grown by a quarter, or by 512 records', () => {
  expect(isDue(149, 120)).toBe(false)
  expect(isDue(150, 120)).toBe(true)
  expect(isDue(4_511, 4_000)).toBe(false)
  expect(isDue(4_512, 4_000)).toBe(true)
})

describe('records that lie far from what others brought', () => {
  /**
   * One source's records are far from those of all others, and every tenth is contradicted; so is every tenth of the
   * few far ones of others.
   */
  const scanners = (far: number): Exemplars =>
    exemplarsOf([
      { source: 'bad scanner', count: 100, voices: ['a', 'b'], contradicted: 12, distance: far },
      ...['a', 'b', 'c', 'd'].flatMap((source) => [
        { source, count: 90, voices: ['a', 'b'] },
        { source, count: 20, voices: ['a', 'b'], contradicted: 2, distance: 3 },
      ]),
    ])

  test('are contradicted as often as others’ that lie as far: who brings many is not named for it', () => {
    expect(pastOf(scanners(3))).toEqual([])
  })

  test('are counted apart, and who has as many that are contradicted among near ones is named', () => {
    expect(pastOf(scanners(1))).toEqual(['bad scanner'])
  })
})
