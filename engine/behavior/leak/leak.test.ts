import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { worldOf } from '../../../test/support/traffic/world.ts'
import { keyOfText } from '../input/input.ts'
import { learn, tryCopies } from './copies.ts'
import { estimateOf, greater, wilson } from './estimate.ts'
import { HoldingsBlock, layoutOf } from './holdings-block.ts'
import { Holdings } from './holdings.ts'
import { chooseLandmarks, openLandmarks, placeOf, type Taught } from './landmarks.ts'

const world = worldOf({ seed: 3, dimension: 12, classes: 4 })
const answered = (x: readonly number[]) => ({ x: Float64Array.from(x), label: String(world.answer(x).label) })
const taught: Taught[] = Array.from({ length: 8 }, (_, n) => ({
  principal: `t/h${n}`,
  samples: Array.from({ length: 60 }, () => answered(world.honest())),
}))
const landmarks = openLandmarks(JSON.parse(JSON.stringify(chooseLandmarks(taught, [], 1_000))))!

/** An account that asked these inputs, and its block as a checkpoint brings it back after each tenth. */
function holdingsOf(inputs: readonly (readonly number[])[]): Holdings {
  let block = HoldingsBlock.begin(0)
  const begun = new Holdings(block.layout)
  begun.open(block)
  block = begun.moved(layoutOf(landmarks), landmarks.key)
  const holdings = new Holdings(block.layout)
  for (const [n, x] of inputs.entries()) {
    if (n % 10 === 0) block = HoldingsBlock.of(JSON.parse(JSON.stringify(block)))!
    holdings.open(block)
    const { label } = answered(x)
    if (holdings.ask(keyOfText(JSON.stringify(x)), n)) learn(holdings, landmarks, Float64Array.from(x), label)
    holdings.putBack(block)
  }
  return holdings
}

describe('what an account holds', () => {
  test('is told apart by different inputs, however often each was asked', () => {
    for (const different of [1, 30, 150, 3_000]) {
      const block = HoldingsBlock.begin(0)
      const holdings = new Holdings(block.layout)
      holdings.open(block)
      for (let n = 0; n < 4 * different; n++) holdings.ask(keyOfText(`i${n % different}`), n)
      expect(holdings.queries).toBe(4 * different)
      expect(Math.abs(holdings.distinct - different)).toBeLessThanOrEqual(Math.max(1, 0.2 * different))
    }
  })

  test('fits into a kilobyte and a quarter for images of ten classes, into half of one before copies are begun', () => {
    const largest = new Holdings({ count: 128, places: 17, classes: 10 })
    const block = HoldingsBlock.begin(0)
    const begun = new Holdings(block.layout)
    begun.open(block)
    expect(block.length).toBeLessThan(512)
    expect(begun.moved(largest.layout, 1).length).toBeLessThanOrEqual(1_280)
  })

  test('of version 1 is read: what was counted stays, copies begin anew, and what they had reached is kept', () => {
    const layout = { count: 2, places: 3, classes: 2 }
    const begun = new Holdings(HoldingsBlock.begin(7).layout)
    begun.open(HoldingsBlock.begin(7))
    for (let n = 0; n < 40; n++) begun.ask(keyOfText(`i${n}`), 8)
    begun.estimate = { coverage: 0.7, fidelity: 0.9, low: 0.8, high: 0.95 }
    const block = begun.moved(layout, 5)
    const bytes = Buffer.from(block.toJSON() as string, 'base64')
    bytes.writeDoubleLE(1, 0)
    const restored = HoldingsBlock.of(bytes.toString('base64'))!
    const holdings = new Holdings(restored.layout)
    holdings.open(restored)
    expect(holdings).toMatchObject({
      queries: 40,
      fresh: 40,
      firstMs: 7,
      landmarks: 0,
      trained: 0,
      distinct: begun.distinct,
    })
    expect(holdings.floor.fidelity).toBe(0.9)
    expect(holdings.ask(keyOfText('i39'), 9)).toBe(false)
  })

  test('learns from the first queries one by one, and from a quarter of later ones, whichever order they come in', () => {
    const keys = Array.from({ length: 4_000 }, (_, n) => keyOfText(`i${n}`))
    const block = HoldingsBlock.begin(0)
    const holdings = new Holdings(block.layout)
    holdings.open(block)
    expect(keys.every((key) => holdings.samples(key))).toBe(true)
    for (let n = 0; n < 64; n++) holdings.learned()
    const share = keys.filter((key) => holdings.samples(key)).length / keys.length
    expect(share).toBeGreaterThan(0.22)
    expect(share).toBeLessThan(0.28)
  })

  test('that comes back as something else is begun anew', () => {
    const text = HoldingsBlock.begin(0).toJSON() as string
    for (const broken of ['', 'x', text.slice(8), `AAAA${text}`, 3, null]) {
      expect(HoldingsBlock.of(broken)).toBeUndefined()
    }
  })

  test('keeps what copies had reached when landmarks change', () => {
    const holdings = holdingsOf(Array.from({ length: 200 }, () => world.honest()))
    holdings.estimate = { coverage: 0.7, fidelity: 0.9, low: 0.8, high: 0.95 }
    const moved = new Holdings(holdings.layout)
    moved.open(holdings.moved(holdings.layout, 7))
    expect(moved).toMatchObject({ trained: 0, landmarks: 7, queries: 200 })
    expect(moved.floor).toEqual({ coverage: 0.7, fidelity: 0.9, low: 0.8, high: 0.95 })
    const anew = { coverage: 0.1, fidelity: 0.3, low: 0.2, high: 0.4 }
    expect(greater(anew, moved.floor)).toEqual({ coverage: 0.7, fidelity: 0.9, low: 0.8, high: 0.95 })
  })
})

describe('landmarks', () => {
  test('come from all accounts evenly, and nobody is tried on its own queries', () => {
    expect(new Set(landmarks.owners).size).toBe(8)
    const inputs = taught[0]!.samples.map(({ x }) => [...x])
    const own = tryCopies(holdingsOf(inputs), landmarks, keyOfText('t/h0'))
    const others = tryCopies(holdingsOf(inputs), landmarks, keyOfText('t/stranger'))
    expect(own.landmarks).toBe(112)
    expect(others.landmarks).toBe(128)
    expect(others.near - own.near).toBe(16)
  })

  test('stand in for the inputs that are registered, where any are', () => {
    const reference = Array.from({ length: 80 }, () => Float64Array.from(world.honest(2)))
    const told = chooseLandmarks(taught, reference, 1)!
    expect(told.registered).toBe(true)
    const shareOf2 = told.answers.filter((answer) => told.labels[answer] === '2').length / told.answers.length
    expect(shareOf2).toBeGreaterThan(0.8)
  })

  test('are none where too little is known', () => {
    expect(chooseLandmarks(taught.slice(0, 1), [], 1)).toBeDefined()
    expect(chooseLandmarks([{ principal: 'a', samples: taught[0]!.samples.slice(0, 59) }], [], 1)).toBeUndefined()
    expect(chooseLandmarks([], [], 1)).toBeUndefined()
    expect(openLandmarks({ version: 2 })).toBeUndefined()
  })
})

describe('places', () => {
  test('are no further apart than the inputs are, and tell what lies where natural inputs never do', () => {
    const wide = worldOf({ seed: 4, dimension: 64, classes: 4 })
    const samples = Array.from({ length: 200 }, () => ({ x: Float64Array.from(wide.honest()), label: 'a' }))
    const of = openLandmarks(chooseLandmarks([{ principal: 'p', samples }], [], 1))!
    const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
      return Math.hypot(...Array.from({ length: a.length }, (_, i) => a[i]! - b[i]!))
    }
    const put = (x: ArrayLike<number>): Float64Array => {
      const place = new Float64Array(of.places)
      placeOf(x, of, place, 0)
      return place
    }
    expect(of.places).toBe(17)
    // Sixteen of them, each of length 1: none was lost on the way.
    expect(of.axes.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(16, 6)
    for (let n = 1; n < 100; n++) {
      const [a, b] = [samples[n]!.x, samples[n - 1]!.x]
      expect(apart(put(a), put(b))).toBeLessThanOrEqual(apart(a, b) + 1e-6)
    }
    const noise = Float64Array.from({ length: 64 }, () => 5 * wide.normal())
    expect(apart(put(noise), put(samples[0]!.x))).toBeGreaterThan(0.7 * apart(noise, samples[0]!.x))
  })
})

describe('copies', () => {
  test('get better with what is asked, and cover what is near', () => {
    const inputs = Array.from({ length: 800 }, () => world.honest())
    const trials = [20, 100, 800].map((n) => tryCopies(holdingsOf(inputs.slice(0, n)), landmarks, 0))
    for (const of of ['near', 'nearest', 'linear'] as const) {
      expect(trials[2]![of]).toBeGreaterThan(trials[0]![of])
    }
    expect(trials[2]!.linear / trials[2]!.landmarks).toBeGreaterThan(0.8)
    expect(trials[2]!.near / trials[2]!.landmarks).toBeGreaterThan(0.8)
  })

  test('learn nothing of natural inputs from answers to noise', () => {
    const normal = normalOf(randomOf(9))
    const noise = Array.from({ length: 300 }, () => Array.from({ length: 12 }, () => 5 + normal()))
    expect(tryCopies(holdingsOf(noise), landmarks, 0).near).toBe(0)
  })
})

describe('an interval', () => {
  const trial = { landmarks: 160, near: 160, nearest: 100, linear: 110 }
  const known = { answered: true, registered: true, answers: 100, hidden: false }

  test('reaches from below the worse copy to above the better one, and further where less is covered', () => {
    const covered = estimateOf(trial, known)
    const bare = estimateOf({ ...trial, near: 0 }, known)
    const unknown = estimateOf({ ...trial, near: 0 }, { ...known, registered: false })
    expect(covered.fidelity).toBe(110 / 160)
    expect(covered.low).toBeLessThan(100 / 160)
    expect(covered.high).toBeGreaterThan(110 / 160)
    expect([bare.low, unknown.low]).toEqual([expect.closeTo(covered.low - 0.05), expect.closeTo(covered.low - 0.07)])
    expect([bare.high, unknown.high]).toEqual([
      expect.closeTo(covered.high + 0.75 * 0.15),
      expect.closeTo(covered.high + 0.75 * 0.17),
    ])
  })

  test('reaches at least half of the way from where the model is known after so many answers to all of it', () => {
    const curve = { at: [25, 100], linear: [0.3, 0.8], nearest: [0.5, 0.7], tried: 240, odds: true }
    const high = (answers: number, hidden: boolean): number => {
      return estimateOf({ ...trial, nearest: 20, linear: 20 }, { ...known, answers, curve, hidden }).high
    }
    expect(high(25, false)).toBeCloseTo(1 - 0.5 * (1 - wilson(0.5, 240, 1)))
    expect(high(100, false)).toBeCloseTo(1 - 0.5 * (1 - wilson(0.8, 240, 1)))
    expect(high(100, true)).toBeCloseTo(1 - 0.25 * 0.5 * (1 - wilson(0.8, 240, 1)))
    expect(high(25, true)).toBeCloseTo(1 - 0.25 * (1 - wilson(0.5, 240, 1)))
    expect(high(90_000, false)).toBe(1)
  })

  test('says nothing of fidelity where answers are not told', () => {
    expect(estimateOf({ landmarks: 160, near: 80, nearest: 0, linear: 0 }, { ...known, answered: false })).toEqual({
      coverage: 0.5,
      fidelity: Number.NaN,
      low: Number.NaN,
      high: Number.NaN,
    })
  })

  test('of a share is that of Wilson', () => {
    // 81 of 263 at 90 %: computed by statsmodels' proportion_confint(method="wilson").
    expect(wilson(81 / 263, 263, -1)).toBeCloseTo(0.2633, 3)
    expect(wilson(81 / 263, 263, 1)).toBeCloseTo(0.3568, 3)
  })
})
