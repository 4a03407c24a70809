import { beforeEach, describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { BehaviorFinding } from '../../types.ts'
import { learnReference, type Sample } from '../honest/reference.ts'

let random = randomOf(51)
let normal = normalOf(random)
beforeEach(() => {
  random = randomOf(52)
  normal = normalOf(random)
})
type Values = Float64Array<ArrayBuffer>
const dimension = 12
const times = <T>(n: number, one: (n: number) => T): T[] => Array.from({ length: n }, (_, m) => one(m))
/** The second half follows the first. */
function natural(): Values {
  const first = times(dimension / 2, () => normal())
  return Float64Array.from([...first, ...first.map((value) => value + 0.1 * normal())])
}
/** A tree's answer: of 16 leaves by four values. */
const leafOf = (x: Values): number => [0, 3, 7, 10].reduce((leaf, i, n) => leaf + (x[i]! > 0.3 ? 2 ** n : 0), 0)
const labelOf = (x: Values): string => (leafOf(x) % 2 === 0 ? 'no' : 'yes')
const told = learnReference(
  times(10, () =>
    times(120, (): Sample => {
      const x = natural()
      return { x: Float32Array.from(x), label: labelOf(x), margin: 0.1 + random() }
    }),
  ),
)!
/** From anywhere between the ends of what honest inputs have. */
const anywhere = (): Values => Float64Array.from({ length: dimension }, () => 6 * random() - 3)
const ends = times(dimension, () => [-3 + random(), 3 - random()] as const)
const put = (x: Values, i: number, value: number): Values => x.map((own, n) => (n === i ? value : own))

/** Both ends of each value in turn, and where the answers there differ the middle between the last two that do. */
function paths(x: Values): Values[] {
  const asked = [x]
  const ask = (i: number, value: number): unknown => {
    asked.push(put(x, i, value))
    return leafOf(put(x, i, value))
  }
  const halve = (i: number, from: number, to: number, atFrom: unknown, atTo: unknown): void => {
    if (atFrom === atTo || to - from < 0.12) return
    const middle = (from + to) / 2
    const at = ask(i, middle)
    halve(i, from, middle, atFrom, at)
    halve(i, middle, to, at, atTo)
  }
  for (let i = 0; i < dimension; i++) {
    const [low, high] = ends[i]!
    const [atLow, atHigh] = [ask(i, low), ask(i, high)]
    halve(i, low, x[i]!, atLow, leafOf(x))
    halve(i, x[i]!, high, leafOf(x), atHigh)
  }
  return asked
}

/** The findings, and at which query each threat was first named. */
function run(
  inputs: readonly Values[],
  reference: object = told,
): Pick<AskingAccount, 'named'> & { found: BehaviorFinding[] } {
  const account = new AskingAccount(reference)
  const found = inputs.flatMap((x) => account.ask({ x, label: labelOf(x) }))
  return { named: account.named, found }
}

describe('one value after another halved to where the answer changes', () => {
  test('of inputs that are unlike honest ones copies a tree', () => {
    const { named, found } = run([...paths(anywhere()), ...paths(anywhere())])
    expect(named['extraction']).toBeLessThanOrEqual(50)
    expect(found.map(({ explanation }) => explanation).join()).toContain('halfway between two earlier ones')
    const by = times(dimension, (n) => ([0, 3, 7, 10].includes(n) ? 1_024 : 1))
    const units = { from: times(dimension, () => 0), by }
    const wide = [...paths(anywhere()), ...paths(anywhere())].map((x) => x.map((value, i) => value * by[i]!))
    expect(run(wide, { ...told, units }).named['extraction']).toBeLessThanOrEqual(60)
  })

  test('of an honest input is advice, as are places on a grid in any order, or by eye', () => {
    const advised = times(8, () => [...paths(natural()), ...times(5, natural)]).flat()
    expect(run(advised).named).toEqual({})
    const grid = times(9, (n) => -3 + (6 * n) / 8)
    const mixed = (): number[] => grid.map((value) => [random(), value] as const).toSorted(([a], [b]) => a - b).map(([, value]) => value) // prettier-ignore
    const onGrid = times(1, () => {
      const x = anywhere()
      return [x, ...times(dimension, (i) => mixed().map((value) => put(x, i, value))).flat(), ...times(9, natural)]
    }).flat()
    expect(run([...times(40, natural), ...onGrid]).named).toEqual({})
    // So many places that most come to lie halfway between two that were tried.
    const fine = times(17, (n) => -3 + (6 * n) / 16)
    const onFineGrid = times(3, () => {
      const x = anywhere()
      const order = (): number[] => fine.map((value) => [random(), value] as const).toSorted(([a], [b]) => a - b).map(([, value]) => value) // prettier-ignore
      return [x, ...times(dimension, (i) => order().map((value) => put(x, i, value))).flat()]
    }).flat()
    expect(run([...times(40, natural), ...onFineGrid]).named).toEqual({})
    const byEye = times(1, () => {
      const x = anywhere()
      const values = (i: number): Values[] => {
        let [low, high] = [-3, 3]
        return times(6, () => {
          const value = low + (high - low) * (0.3 + 0.4 * random())
          if (labelOf(put(x, i, value)) === labelOf(put(x, i, low))) low = value
          else high = value
          return put(x, i, value)
        })
      }
      return [x, ...times(dimension, values).flat(), ...times(9, natural)]
    }).flat()
    expect(run([...times(40, natural), ...byEye]).named).toEqual({})
  })
})

describe('one value after another halved after the boundary was met between two inputs', () => {
  /**
   * The way between two inputs of either class, then from where it ends along single values, ever further, and back by
   * halves.
   */
  function weights(values: number, halves = 4): Values[] {
    const w = times(dimension, () => normal())
    const answer = (x: Values): boolean => x.reduce((sum, value, i) => sum + w[i]! * value, 0) > 0
    const of = (side: boolean): Values => {
      for (;;) {
        const x = natural()
        if (answer(x) === side) return x
      }
    }
    let [a, b] = [of(false), of(true)]
    const asked = [a, b]
    for (let n = 0; n < 11; n++) {
      const middle = a.map((value, i) => (value + b[i]!) / 2)
      asked.push(middle)
      if (answer(middle)) b = middle
      else a = middle
    }
    for (let i = 0; i < values; i++) {
      const way = Math.sign(w[i]!)
      let [low, high] = [0, 0.01]
      for (;;) {
        const x = put(a, i, a[i]! + way * high)
        asked.push(x)
        if (answer(x) || high > 2) break
        ;[low, high] = [high, 2 * high]
      }
      for (let n = 0; n < halves; n++) {
        const middle = (low + high) / 2
        asked.push(put(a, i, a[i]! + way * middle))
        if (answer(put(a, i, a[i]! + way * middle))) high = middle
        else low = middle
      }
    }
    return asked
  }

  test('copies a linear model: it is named for that besides', () => {
    const { named } = run(weights(6))
    expect(named['boundary-search']).toBeLessThanOrEqual(11)
    expect(named['extraction']).toBeLessThanOrEqual(60)
  })

  test('of two values is a search around one input, and ever longer steps are too, with or without one between the last two', () => {
    expect(run(weights(2)).named['extraction']).toBeUndefined()
    expect(run(weights(6, 0)).named['extraction']).toBeUndefined()
    expect(run(weights(6, 1)).named['extraction']).toBeUndefined()
  })
})
