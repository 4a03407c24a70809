import { beforeEach, describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { learnReference, openReference, type Sample } from '../honest/reference.ts'
import type { QueryInput } from '../../input/input.ts'
import { withHalving } from './halving.ts'
import { arePaths, withGap, type Answer, type Gap } from './paths.ts'

let random = randomOf(61)
let normal = normalOf(random)
beforeEach(() => {
  random = randomOf(62)
  normal = normalOf(random)
})
type Values = Float64Array<ArrayBuffer>
type Model = (x: Values) => Answer
const dimension = 12
const times = <T>(n: number, one: (n: number) => T): T[] => Array.from({ length: n }, (_, m) => one(m))
const natural = (): Values => Float64Array.from({ length: dimension }, () => normal())
/** Where trees split, and for which class each leaf votes. */
const splits = times(60, (n) => ({ i: n % dimension, at: 2.4 * random() - 1.2, up: random() < 0.5 }))
const forest: Model = (x) => {
  const votes = splits.filter(({ i, at, up }) => x[i]! > at === up).length
  return [1 - votes / 60, votes / 60]
}
const smooth: Model = (x) => {
  const p = 1 / (1 + Math.exp(-0.4 * x.reduce((sum, value, i) => sum + (i % 3 === 0 ? -value : value), 0)))
  return [1 - p, p]
}
const labelOf = (answer: Answer): string => String(answer.indexOf(Math.max(...answer)))
const told = learnReference(
  times(10, () =>
    times(120, (): Sample => {
      const x = natural()
      return { x: Float32Array.from(x), label: labelOf(forest(x)), margin: 0.1 + random() }
    }),
  ),
)!
const put = (x: Values, i: number, value: number): Values => x.map((own, n) => (n === i ? value : own))
const isOther = (one: Answer, other: Answer): boolean => one.join() !== other.join()

/** Of each value both ways to its ends, halved (the first ones by eye) to where the answer is another as `differs` has it. */
function halved(
  model: Model,
  differs: (answer: Answer, own: Answer) => boolean,
  { values = dimension, records = 3, byEye = 0 } = {},
): { x: Values; answer: Answer }[] {
  const asked: { x: Values; answer: Answer }[] = []
  const ask = (x: Values): Answer => {
    asked.push({ x, answer: model(x) })
    return model(x)
  }
  for (let n = 0; n < records; n++) {
    const x = natural()
    const own = ask(x)
    for (let i = 0; i < values; i++) {
      for (const end of [-3, 3]) {
        if (!differs(ask(put(x, i, end)), own)) continue
        let [near, far] = [x[i]!, end]
        for (let step = 0; step < 7; step++) {
          const middle = near + (far - near) * (i < byEye ? 0.3 + 0.15 * random() : 0.5)
          if (differs(ask(put(x, i, middle)), own)) far = middle
          else near = middle
        }
      }
    }
  }
  return asked
}

function named(asked: readonly { x: Values; answer: Answer }[]): AskingAccount['named'] {
  const account = new AskingAccount(told)
  for (const { x, answer } of asked) account.ask({ x, label: labelOf(answer), probabilities: answer })
  return account.named
}

describe('single values of honest inputs, halved', () => {
  test('wherever the answer is another at all copy a forest', () => {
    expect(named(halved(forest, isOther))['extraction']).toBeLessThanOrEqual(75)
  })

  test('to where a score is passed, or the class is another, are advice', () => {
    for (const line of [0.3, 0.42, 0.6]) {
      expect(named(halved(forest, (answer, own) => answer[1]! > line !== own[1]! > line))).toEqual({})
    }
    expect(named(halved(forest, (answer, own) => labelOf(answer) !== labelOf(own)))).toEqual({})
  })

  test('of three columns are advice, wherever the answer is another', () => {
    expect(named(halved(forest, isOther, { values: 3, records: 8 }))).toEqual({})
  })

  test('of three columns are advice, though others were tried by eye', () => {
    expect(named(halved(forest, isOther, { byEye: dimension - 3, records: 4 }))).toEqual({})
  })

  test('at a model whose answers are nowhere equal find no paths', () => {
    expect(named(halved(smooth, isOther))).toEqual({})
  })

  test('at a model of more than four classes are not told from advice', () => {
    const fine: Model = (x) => [...forest(x), 0, 0, 0]
    expect(named(halved(fine, isOther))).toEqual({})
  })
})

describe('gaps between answers', () => {
  const gapsOf = (between: readonly (readonly [number, number])[]): readonly Gap[] => {
    const answer = (p: number): Answer => [p, 1 - p]
    return between.reduce<readonly Gap[]>(
      (gaps, [low, high], n) => withGap(gaps, n, answer(low), answer(low), answer(high)),
      [],
    )
  }

  test('that one line or two explain are no paths, unless the second only parts what is more and less than one answer', () => {
    const one = [[0.6, 0.7], [0.65, 0.9], [0.61, 0.66], [0.5, 0.8]] as const // prettier-ignore
    const two = [
      [0.6, 0.7],
      [0.65, 0.9],
      [0.8, 0.85],
      [0.79, 0.9],
    ] as const
    const upAndDown = [[0.6, 0.7], [0.7, 0.9], [0.65, 0.7], [0.7, 0.8]] as const // prettier-ignore
    const many = [[0.6, 0.7], [0.75, 0.8], [0.85, 0.9], [0.6, 0.9]] as const // prettier-ignore
    expect([one, two, upAndDown, many].map((each) => arePaths(gapsOf(each)))).toEqual([false, false, true, true])
    expect(arePaths(gapsOf(many.slice(0, 3)))).toBe(false)
  })

  test('that one line explains in one of three classes are none', () => {
    const gaps = [0, 0.06, 0.12, 0.18].reduce<readonly Gap[]>((kept, more, n) => {
      const low = [0.5, 0.2 + more, 0.3 - more]
      return withGap(kept, n, low, low, [0.6, 0.15 + more, 0.25 - more])
    }, [])
    expect(arePaths(gaps)).toBe(false)
    const inOthers = gaps.map(({ value, from, to }) => ({ value, from: from.slice(1), to: to.slice(1) }))
    expect(arePaths(inOthers)).toBe(true)
  })

  test('of answers that tell of now more classes and now fewer are not compared', () => {
    const [two, three, more] = [[0.6, 0.4], [0.6, 0.3, 0.1], [0.7, 0.2, 0.1]] as const // prettier-ignore
    expect(withGap([], 1, two, three, more)).toEqual([])
    expect(withGap([], 1, three, three, two)).toEqual([])
    const gaps = withGap(withGap([], 1, two, two, [0.7, 0.3]), 2, three, three, more)
    expect(gaps.map(({ value }) => value)).toEqual([2])
  })

  test('between two classes, or with an answer of its own between them, are none, and no more is known from older versions', () => {
    const [low, high, other] = [[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]] as const // prettier-ignore
    expect(withGap([], 1, low, low, other)).toEqual([])
    expect(withGap([], 1, [0.7, 0.3], low, high)).toEqual([])
    expect(withGap([], 1, high, low, high)).toHaveLength(1)
    const entries = new KeptEntries()
    const places = [-2, 2].map((at) => ({ at, isHalfway: false }))
    entries.set('halved', { value: 1, base: -2, places, isBase: true, values: [] })
    const x = natural().fill(0)
    const input = { x, label: '0', probabilities: low } as unknown as QueryInput
    const change = { value: 1, base: -2 }
    withHalving(entries, input, openReference(told), { bits: 0, counts: 0, notes: 0, change })
    expect(entries.get('halved')).toMatchObject({
      places: [...places, { at: 0, isHalfway: true, answer: low }],
      gaps: [],
    })
  })

  test('of a value that is halved on are one, the last, and eight are kept', () => {
    const [low, high] = [[0.6, 0.4], [0.9, 0.1]] as const // prettier-ignore
    const on = withGap(withGap([], 5, low, low, high), 5, low, low, [0.7, 0.3])
    expect(on).toEqual([{ value: 5, from: [0.6, 0.3], to: [0.7, 0.4] }])
    const kept = times(20, (n) => n).reduce<readonly Gap[]>((gaps, n) => withGap(gaps, n, low, low, high), [])
    expect(kept.map(({ value }) => value)).toEqual(times(8, (n) => 12 + n))
  })
})
