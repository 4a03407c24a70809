import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { Evidence, lineOf, queryThreats, restartWeight, shows } from '../account/evidence.ts'
import { surroundingsOf } from '../shapes/geometry.ts'
import { ringSize } from '../../input/input.ts'
import { keyOfText } from '../../input/input.ts'
import { learnReference, openReference } from '../honest/reference.ts'
import { shownBy } from './shown.ts'

const random = randomOf(47)
const normal = normalOf(random)
const dimension = 16
const natural = (): Float64Array => Float64Array.from({ length: dimension }, () => normal())
const noisy = (x: Float64Array, by: number): Float64Array => x.map((value) => value + by * normal())
const isYes = (x: Float64Array): boolean => x[0]! > 0
const labelOf = (x: Float64Array): string => (isYes(x) ? 'yes' : 'no')
const reference = openReference(
  learnReference(
    Array.from({ length: 10 }, () =>
      Array.from({ length: 100 }, () => {
        const x = natural()
        return { x, label: labelOf(x), margin: 0.1 + random() }
      }),
    ),
  )!,
)!
/** A scene that lies between the classes. */
const between = (): Float64Array => natural().map((value, i) => (i === 0 ? 0 : value))
const times = (count: number, make: () => Float64Array): Float64Array[] => Array.from({ length: count }, make)

/** The share of the queries that have another class than those about them, and at which each threat was named. */
function run(queries: readonly Float64Array[]) {
  const evidence = new Evidence(reference.told.lines.share, 0.5)
  const account = new Account(dimension)
  account.open(account.begin(0))
  const totals = new Float64Array(queryThreats.length)
  const named: Record<string, number> = {}
  let turned = 0
  for (const [n, x] of queries.entries()) {
    account.ask(keyOfText(x.join()), n)
    const input = { kind: 'features', x, label: labelOf(x), margin: 1, blackAndWhite: false } as const
    const shown = shownBy(account, { input, member: false }, reference, false)
    account.remember(keyOfText(input.label), shown.notes)
    evidence.take(account.values, shown.bits, shown.counts, totals, restartWeight(account.distinct, 10_000))
    if ((shown.bits & (shows.flip | shows.turn)) !== 0) turned++
    for (const [index, threat] of queryThreats.entries()) {
      if (totals[index]! >= lineOf(0.01, 10_000)) named[threat] ??= account.distinct
    }
  }
  return { turned: turned / queries.length, named }
}

describe('a scene that lies between two classes', () => {
  test('gets the one or the other by the noise of a camera, which is no search and no copying, whether noise is strong or weak', () => {
    for (const by of [0.01, 0.05, 0.1, 0.2]) {
      const { turned, named } = run(times(12, between).flatMap((scene) => times(58, () => noisy(scene, by))))
      expect(turned).toBeLessThan(0.03)
      expect(named).toEqual({})
    }
  })

  test('is none either where two cameras take turns', () => {
    const [one, other] = [between(), between()]
    const { turned, named } = run(times(200, () => noisy(one, 0.1)).flatMap((x) => [x, noisy(other, 0.1)]))
    expect(turned).toBeLessThan(0.03)
    expect(named).toEqual({})
  })

  test('was searched for where the way to it was halved: noise around what that led to counts, as long as it goes on', () => {
    let [yes, no] = [times(99, natural).find(isYes)!, times(99, natural).find((x) => !isYes(x))!]
    const halved = times(8, () => {
      const middle = yes.map((value, i) => (value + no[i]!) / 2)
      if (isYes(middle)) yes = middle
      else no = middle
      return middle
    })
    const around = times(60, () => noisy(yes, 0.1))
    expect(run([yes, no, ...halved, ...around]).named['boundary-search']).toBeLessThanOrEqual(25)
    expect(run([yes, no, ...halved, ...around]).turned).toBeGreaterThan(0.25)
    expect(run(around).turned).toBe(0)
  })

  test('is searched for by noise as well where what it led to is gone on from', () => {
    let x = between()
    const walk = times(120, () => (x = noisy(x, 0.06).map((value, i) => (i === 0 ? 0.06 * normal() : value))))
    expect(run(walk).turned).toBeGreaterThan(0.1)
  })
})

describe('noise', () => {
  test('is known by distances that are alike, of a dozen values as of many, not of fewer', () => {
    for (const length of [12, 16, 64]) {
      const scene = Float64Array.from({ length }, () => normal())
      const known = Array.from({ length: 500 }, () => {
        const [x, ...ring] = times(1 + ringSize, () => noisy(scene, 0.1))
        return surroundingsOf(x!, ring, 5).noise
      })
      expect(known.filter((is) => is).length).toBeGreaterThan(480)
    }
    // In a narrow table neighbors by chance are as far apart.
    const narrow = natural().slice(0, 11)
    expect(surroundingsOf(noisy(narrow, 0.1), [narrow], 5).noise).toBe(false)
  })

  test('is none where a walk leaves the oldest behind, nor where few values change, nor where nothing is about there', () => {
    const known = (ring: Float64Array[], scale: number) => surroundingsOf(ring[0]!, ring.slice(1), scale).noise
    const walks = Array.from({ length: 200 }, () => {
      let x: Float64Array = Float64Array.from({ length: 64 }, () => normal())
      return known(times(1 + ringSize, () => (x = noisy(x, 0.1))).reverse(), 20)
    })
    expect(walks.filter((is) => is).length).toBeLessThan(10)
    const base = natural()
    const few = times(1 + ringSize, () => base.map((value, i) => (i < 4 ? value + 0.1 * normal() : value)))
    expect(known(few, 20)).toBe(false)
    expect(known(times(1 + ringSize, natural), 1)).toBe(false)
  })
})
