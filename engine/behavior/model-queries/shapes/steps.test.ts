import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { Event } from '../../../../core/event.ts'
import { AccountBlock } from '../account/account-block.ts'
import { Account, noted } from '../account/account.ts'
import { Evidence, lineOf, queryThreats, restartWeight, shows } from '../account/evidence.ts'
import { inputOf } from '../../input/input.ts'
import { learnReference, openReference, type Reference, type Sample } from '../honest/reference.ts'
import { shownBy } from '../signs/shown.ts'
import { evennessOf, isStep, roomFor, valuesLookedAt } from './steps.ts'
import { alikeOf } from '../learn/usual.ts'

const random = randomOf(21)
const normal = normalOf(random)
const dimension = 12
const natural = (): Float64Array => Float64Array.from({ length: dimension }, () => normal())
const stepped = (x: Float64Array, by: number): Float64Array => x.map((value) => value + (random() < 0.5 ? by : -by))
const stepOf = (x: Float64Array, earlier: readonly Float64Array[], alike = 0.1): boolean => {
  let [closest, least] = [x, Infinity]
  for (const other of earlier) {
    let square = 0
    for (let n = 0; n < x.length; n++) square += (x[n]! - other[n]!) ** 2
    if (square < least) [closest, least] = [other, square]
  }
  const even = evennessOf(x, closest)
  return even !== undefined && isStep(even, alike)
}

describe('a step from an earlier input', () => {
  test('is known among others, one step away or several', () => {
    for (let n = 0; n < 100; n++) {
      const seed = natural()
      expect(stepOf(stepped(seed, 0.2), [natural(), seed, natural()])).toBe(true)
    }
    const seed = natural()
    const twice = seed.map((value, i) => value + (i % 4 === 0 ? 0 : i % 2 === 0 ? 0.4 : -0.4))
    expect(stepOf(twice, [natural(), seed])).toBe(true)
  })

  test('is known where it was cut off at the ends of what is allowed', () => {
    const seed = Float64Array.from({ length: 24 }, (_, n) => (n % 3 === 0 ? 0.03 : 0.3 + 0.02 * n))
    const cut = seed.map((value, n) => Math.min(1, Math.max(0, value + (n % 2 === 0 ? -0.1 : 0.1))))
    expect(stepOf(cut, [seed])).toBe(true)
  })

  test('is known of pictures with sixteen shades, unless it is a few of these', () => {
    const grey = Float64Array.from({ length: 32 }, () => Math.floor(random() * 17) / 16)
    for (const by of [0.07, 0.157, 0.2]) {
      const cut = stepped(grey, by).map((value) => Math.min(1, Math.max(0, value)))
      expect(stepOf(cut, [grey])).toBe(true)
    }
    expect(stepOf(stepped(grey, 2 / 16), [grey])).toBe(false)
  })

  test('is nothing natural: not another input, not noise, not one made brighter, not a few values put elsewhere', () => {
    let found = 0
    for (let n = 0; n < 2_000; n++) {
      const earlier = Array.from({ length: 20 }, natural)
      const near = earlier[3]!
      for (const x of [
        natural(),
        near.map((value) => value + normal() / 10),
        near.map((value) => value + 0.2),
        near.map((value, i) => (i < 4 ? value + 0.5 : value)),
      ])
        if (stepOf(x, earlier)) found++
    }
    expect(found).toBe(0)
  })

  test('is none where values change by the least that they can: shades of grey, whole numbers', () => {
    const grey = Float64Array.from({ length: 32 }, () => Math.floor(random() * 14 + 1) / 16)
    const flicker = grey.map((value) => value + (random() < 0.5 ? 1 : -1) / 16)
    expect(stepOf(flicker, [grey])).toBe(false)
    const shifted = [grey, flicker].map((x) => x.map((value) => (value - 0.13) / 0.31))
    expect(stepOf(shifted[1]!, [shifted[0]!])).toBe(false)
    const rounded = Float64Array.from({ length: 32 }, () => Math.round(random() * 20) / 20)
    expect(
      stepOf(
        rounded.map((value) => value + (random() < 0.5 ? 0.1 : -0.1)),
        [rounded],
      ),
    ).toBe(false)
    const four = Float64Array.from({ length: 32 }, () => Math.floor(random() * 4) / 4)
    expect(
      stepOf(
        four.map((value) => (value < 0.5 ? value + 0.5 : value - 0.5)),
        [four],
      ),
    ).toBe(false)
  })

  test('must be the more even, the more often natural differences are equal', () => {
    const even = { differ: 12, equal: 8, chance: 0.03, isStep: true }
    expect(isStep(even, 0.1)).toBe(true)
    expect(isStep(even, 0.4)).toBe(false)
    expect(isStep({ ...even, chance: 0.4 }, 0.1)).toBe(false)
  })
})

const side = 20
/** A bright bar across a grey picture, somewhere. */
const picture = (): number[] => {
  const [at, slope] = [4 + 12 * random(), 2 * random() - 1]
  return Array.from({ length: side * side }, (_, n) => {
    const off = (n % side) - at - slope * (Math.floor(n / side) - side / 2)
    return Math.max(0, Math.min(1, 0.2 + 0.6 * Math.exp(-off * off * 0.1) + 0.02 * normal()))
  })
}
const sampleOf = (values: readonly number[]) => {
  const { x, label } = inputOf({
    warden: { input: { features: values }, output: { label: 'bar' } },
  } as unknown as Event)!
  return { x: Float64Array.from(x), label, margin: 1 } satisfies Sample
}
const pictures = Array.from({ length: 8 }, () => Array.from({ length: 60 }, picture))

const customers: Sample[][] = Array.from({ length: 10 }, () =>
  Array.from({ length: 100 }, () => {
    const x = natural()
    return { x, label: x[0]! > 0 ? 'yes' : 'no', margin: 0.1 + random() }
  }),
)
const told = { ...learnReference(customers)!, alike: alikeOf(customers) }

/** Queries to the first finding of a threat; undefined: none. */
function foundAt(threat: 'extraction' | 'boundary-search', queries: readonly Float64Array[]): number | undefined {
  const reference: Reference = openReference(told)!
  const evidence = new Evidence(told.lines.share, 0.5)
  const account = new Account(dimension)
  account.open(account.begin(0))
  const totals = new Float64Array(queryThreats.length)
  const at = queries.findIndex((x, n) => {
    const input = { kind: 'features', x, label: x[0]! > 0 ? 'yes' : 'no', margin: 1, blackAndWhite: false } as const
    const { bits, counts, notes } = shownBy(account, { input, member: false }, reference, false)
    account.remember(1, notes)
    evidence.take(account.values, bits, counts, totals, restartWeight(n + 1, 10_000))
    return totals[queryThreats.indexOf(threat)]! >= lineOf(0.01, 10_000)
  })
  return at < 0 ? undefined : at + 1
}

describe('an account', () => {
  test('that asks each input in full and rounded, or what moves hardly, shows no step', () => {
    const reference = openReference(told)!
    const account = new Account(dimension)
    account.open(account.begin(0))
    const rounded = (x: Float64Array, by: number): Float64Array => x.map((value) => Math.round(value * by) / by)
    let now = natural()
    let shown = 0
    for (let n = 0; n < 2_000; n++) {
      const x = natural()
      now = now.map((value) => value + 0.008 * normal())
      for (const asked of [x, rounded(x, 100), rounded(x, 10), now]) {
        const input = { kind: 'features', x: asked, label: 'yes', margin: 1, blackAndWhite: false } as const
        const { bits, notes } = shownBy(account, { input, member: false }, reference, false)
        account.remember(1, notes)
        if ((bits & (shows.step | shows.stepAbout)) !== 0) shown++
      }
    }
    // Half of what the bound allows.
    expect(shown).toBeLessThanOrEqual(4)
  })

  test('that augments forty natural inputs by steps is named for extraction, also with three natural queries around each', () => {
    const seeds = Array.from({ length: 40 }, natural)
    const attack = [...seeds]
    for (let round = 0; round < 3; round++) for (const x of [...attack]) attack.push(stepped(x, 0.15))
    expect(foundAt('extraction', attack)).toBeLessThan(60)
    const blended = attack.flatMap((x) => [natural(), x, natural(), natural()])
    expect(foundAt('extraction', blended)).toBeLessThan(300)
  })

  test('that was honest for a thousand queries and then augments is named as well', () => {
    const attack = Array.from({ length: 20 }, natural)
    for (let round = 0; round < 3; round++) for (const x of [...attack]) attack.push(stepped(x, 0.15))
    const at = foundAt('extraction', [...Array.from({ length: 1_000 }, natural), ...attack])
    expect(at).toBeGreaterThan(1_020)
    expect(at).toBeLessThan(1_080)
  })

  test('that searches by steps from one input is named for that, and not for extraction', () => {
    const start = natural()
    let best = stepped(start, 0.1)
    const search = [start, best]
    for (let n = 0; n < 30; n++) {
      const side = 3 * Math.floor((random() * dimension) / 3)
      const sign = random() < 0.5 ? 0.1 : -0.1
      best = best.map((value, i) => (i >= side && i < side + 3 ? start[i]! + sign : value))
      search.push(best)
    }
    expect(foundAt('boundary-search', search)).toBeLessThan(12)
    expect(foundAt('extraction', search)).toBeUndefined()
  })

  test('that is honest shows no step in ten thousand queries', () => {
    const reference = openReference(told)!
    const account = new Account(dimension)
    account.open(account.begin(0))
    let shown = 0
    for (let n = 0; n < 10_000; n++) {
      const input = { kind: 'features', x: natural(), label: 'yes', margin: 1, blackAndWhite: false } as const
      const { bits, notes } = shownBy(account, { input, member: false }, reference, false)
      account.remember(1, notes)
      if ((bits & (shows.step | shows.stepAbout)) !== 0) shown++
    }
    // A tenth of what the bound allows.
    expect(shown).toBeLessThanOrEqual(1)
  })

  test('that augments large pictures is known by their own values, of what was asked first and of what was asked last', () => {
    const reference = openReference(learnReference(pictures.map((each) => each.map((values) => sampleOf(values))))!)!
    const account = new Account(64)
    account.open(account.begin(0))
    const ask = (values: readonly number[]): number => {
      const { x, label } = sampleOf(values)
      const input = { kind: 'features', x, values, label, margin: 1, blackAndWhite: false } as const
      const of = { ...reference, told: { ...reference.told, alike: 0.1 } }
      const { bits, notes } = shownBy(account, { input, member: false }, of, false)
      account.remember(1, notes)
      return bits & (shows.step | shows.stepAbout)
    }
    const moved = (values: readonly number[]): number[] =>
      values.map((value) => Math.min(1, Math.max(0, value + (random() < 0.5 ? 0.1 : -0.1))))
    const seeds = Array.from({ length: 12 }, picture)
    expect(seeds.map(ask).every((bits) => bits === 0)).toBe(true)
    expect(seeds.map((seed) => ask(moved(seed))).every((bits) => bits !== 0)).toBe(true)
    for (let n = 0; n < 300; n++) expect(ask(picture())).toBe(0)
    // Those that steps were made from are kept longer, and what is asked now is there at once.
    const last = picture()
    ask(last)
    expect(ask(moved(last))).toBe(shows.stepAbout)
    expect(ask(moved(moved(last)))).not.toBe(0)
  })

  test('that is a camera before what stands still shows none, however its pictures are normalized', () => {
    const [deep, std] = [3, [0.229, 0.224, 0.225]]
    const average = Array.from({ length: deep * side * side }, () => 255 * random())
    const ways: ((shade: number, n: number) => number)[] = [
      (shade) => (shade / 255 - 0.1307) / 0.3081,
      (shade) => shade / 127.5 - 1,
      (shade, n) => (shade / 255 - 0.45) / std[n % deep]!,
      // By a mean of each value's own: these are no shades any more.
      (shade, n) => (shade - average[n]!) / 64,
    ]
    for (const [n, way] of ways.entries()) {
      const scene = (contrast: number): number[] =>
        picture()
          .concat(picture(), picture())
          .map((value) => 30 + contrast * value + 3 * normal())
      const shot = (of: readonly number[], noise: number): number[] =>
        of.map((shade, at) => way(Math.round(Math.min(255, Math.max(0, shade + noise * normal()))), at))
      // The gap of shades is most of what little there is to see.
      for (const contrast of n < 3 ? [200, 20] : [200]) {
        const taught = Array.from({ length: 8 }, () =>
          Array.from({ length: 30 }, () => sampleOf(shot(scene(contrast), 1))),
        )
        const reference = openReference({ ...learnReference(taught)!, alike: 0.1 })!
        for (const noise of [0.4, 0.6, 1]) {
          const account = new Account(64)
          account.open(account.begin(0))
          const still = scene(contrast)
          const steps = Array.from({ length: 40 }, () => {
            const values = shot(still, noise)
            const input = { kind: 'features', ...sampleOf(values), values, blackAndWhite: false } as const
            const { bits, notes } = shownBy(account, { input, member: false }, reference, false)
            account.remember(1, notes)
            return bits & (shows.step | shows.stepAbout)
          })
          expect(steps.filter((bits) => bits !== 0)).toEqual([])
        }
      }
    }
  })

  test('keeps earlier inputs for long in a kilobyte', () => {
    for (const length of [2, 12, 26, 64]) {
      const { rows, every } = roomFor(length)
      expect(rows * valuesLookedAt(length).length * 2).toBeLessThanOrEqual(1_024)
      expect(rows * every).toBeGreaterThan(200)
      const account = new Account(length)
      const block = account.begin(0)
      account.open(block)
      const asked = Array.from({ length: 600 }, () => Float64Array.from({ length }, () => normal()))
      for (const x of asked) {
        account.rounded(x)
        account.remember(1, 0)
      }
      account.putBack(block)
      expect(Buffer.from(block.toJSON() as string, 'base64').length).toBeLessThan(3_200)
      const other = new Account(length)
      other.open(AccountBlock.of(block.toJSON())!)
      // Looks for each of them again, a little changed: what is found is near.
      const found = asked.filter((x) => {
        other.rounded(x.map((value) => value + 0.01))
        other.ring()
        const looked = other.lookedAt()
        return Math.hypot(...looked.map((value, i) => value - other.closest()!.values[i]!)) < 0.1
      })
      if (length > 2) expect(found).toHaveLength(rows + 8)
      expect(asked.indexOf(found[0]!)).toBeLessThan(600 - 200)
    }
  })

  test('keeps of an account that has asked for long more of its last inputs, and whatever steps are made from', () => {
    const [length, account] = [64, new Account(64)]
    const input = (): Float64Array => Float64Array.from({ length }, () => normal())
    const ask = (x: Float64Array): boolean => {
      account.rounded(x)
      account.ring()
      const looked = account.lookedAt()
      const earlier = account.closest()
      const isNear = earlier !== undefined && Math.hypot(...looked.map((value, i) => value - earlier.values[i]!)) < 1
      if (isNear) account.renew(earlier)
      account.remember(1, isNear ? noted.step : 0)
      return isNear
    }
    const moved = (x: Float64Array): Float64Array => x.map((value) => value + (random() < 0.5 ? 0.1 : -0.1))
    account.open(account.begin(0))
    for (let n = 0; n < 2_000; n++) ask(input())
    const seeds = Array.from({ length: 32 }, input)
    for (const seed of seeds) ask(seed)
    const known = seeds.filter((seed) => ask(moved(seed)))
    expect(known.length).toBeGreaterThanOrEqual(6)
    const base = known.findLast((seed) => seeds.indexOf(seed) < 24)!
    for (let n = 0; n < 10; n++) {
      for (let between = 0; between < 30; between++) ask(input())
      expect(ask(moved(base))).toBe(true)
    }
  })
})
