import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { Evidence, lineOf, queryThreats, restartWeight, shows } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { learnReference, openReference, type Reference } from '../honest/reference.ts'
import { shownBy } from './shown.ts'

const random = randomOf(31)
const normal = normalOf(random)
const dimension = 16
const causes = Array.from({ length: 4 }, () => Array.from({ length: dimension }, () => normal()))
/** Values that hang together, as those of honest inputs do. */
const natural = (): Float64Array => {
  const weights = causes.map(() => normal())
  return Float64Array.from({ length: dimension }, (_, i) =>
    causes.reduce((sum, cause, n) => sum + weights[n]! * cause[i]!, 0.1 * normal()),
  )
}
const noisy = (x: Float64Array, by: number): Float64Array => x.map((value) => value + by * normal())
const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
const told = learnReference(
  Array.from({ length: 10 }, () =>
    Array.from({ length: 100 }, () => {
      const x = natural()
      return { x, label: labelOf(x), margin: 0.1 + random() }
    }),
  ),
)!
const reference: Reference = openReference({ ...told, alike: 0.1 })!

interface Asked {
  readonly x: Float64Array
  readonly member?: boolean
}

/** What each query that repeats none showed and could have shown, and at which each threat was named. */
function run(queries: readonly Asked[], at = reference) {
  const evidence = new Evidence(at.told.lines.share, 0.5)
  const account = new Account(dimension)
  account.open(account.begin(0))
  const totals = new Float64Array(queryThreats.length)
  const named: Record<string, number> = {}
  const each = queries.flatMap(({ x, member = false }, n) => {
    if (!account.ask(keyOfText(x.join()), n)) return []
    const input = { kind: 'features', x, label: labelOf(x), margin: 1, blackAndWhite: false } as const
    const shown = shownBy(account, { input, member }, at, false)
    account.remember(keyOfText(labelOf(x)), shown.notes)
    evidence.take(account.values, shown.bits, shown.counts, totals, restartWeight(account.distinct, 10_000))
    for (const [index, threat] of queryThreats.entries()) {
      if (totals[index]! >= lineOf(0.01, 10_000)) named[threat] ??= account.distinct
    }
    return [shown]
  })
  return { each, named }
}

const times = (count: number, make: () => Float64Array): Asked[] => Array.from({ length: count }, () => ({ x: make() }))

describe('synthetic inputs about one place', () => {
  test('are a search for the boundary where the account asked natural ones before, and inversion alone where it did not', () => {
    const start = natural().map((value) => value + 1.5)
    const search = run([...times(5, natural), ...times(40, () => noisy(start, 0.4))])
    expect(search.named['boundary-search']).toBeLessThanOrEqual(31)
    const grey = natural().fill(2)
    const inversion = run(times(40, () => noisy(grey, 0.4)))
    expect(inversion.named['inversion']).toBeLessThanOrEqual(25)
    expect(inversion.named).not.toHaveProperty('boundary-search')
  })

  test('that lie further apart than a place is wide are inversion as well, if nearly all are of one class and beyond all honest ones', () => {
    const base = natural().fill(2)
    const wide = 0.5 * (told.scale / Math.sqrt(2 * dimension))
    const far = run(times(40, () => noisy(base, 1.3 * wide)))
    expect(far.named['inversion']).toBeLessThanOrEqual(25)
    // A customer one of whose columns is never filled in is as various as others.
    const missing = run(
      times(400, () => {
        const x = natural()
        x[0] = -12
        return x
      }),
    )
    expect(missing.named).not.toHaveProperty('inversion')
    // Of all classes and all places: that is no place.
    const uniform = run(times(60, () => natural().map(() => 6 * (random() - 0.5))))
    expect(uniform.named).not.toHaveProperty('inversion')
  })
})

describe('one value after another changed by the same', () => {
  const slopes = (base: Float64Array, by: number): Asked[] =>
    Array.from(base, (_, i) => ({ x: base.map((value, at) => (at === i ? value + by : value)) }))

  test('and by little estimates slopes: that is named within 25 queries', () => {
    const base = natural()
    const { named } = run([{ x: base }, ...slopes(base, 0.2), ...slopes(base, -0.2)])
    expect(named['boundary-search']).toBeLessThanOrEqual(25)
    expect(named['inversion']).toBeLessThanOrEqual(25)
  })

  test('and by so little that what is kept of inputs hardly tells is named within 25 queries, to both sides and to one', () => {
    const base = natural()
    const both = slopes(base, 1e-4).flatMap((asked, n) => [asked, slopes(base, -1e-4)[n]!])
    for (const attack of [both, slopes(base, 1e-3)]) {
      const { named } = run([...times(20, natural), { x: base }, ...attack])
      expect(named['boundary-search']).toBeLessThanOrEqual(21 + 25)
    }
  })

  test('is named as well with a decoy that hardly moves in every eighth query', () => {
    const base = natural()
    const decoy = (): Asked => ({
      x: base.map((value, at) => (at === 7 ? value + 0.004 * told.scale * (1 + random()) : value)),
    })
    const attack = [...slopes(base, 0.2), ...slopes(base, -0.2)]
    const { named } = run([{ x: base }, ...attack.flatMap((asked, n) => (n % 7 === 3 ? [decoy(), asked] : [asked]))])
    expect(named['boundary-search']).toBeLessThanOrEqual(30)
  })

  test('at five places each, or two of them on a grid, asks for advice: nobody is named for it', () => {
    const places = [-1, -0.5, 0, 0.5, 1]
    const advised = Array.from({ length: 60 }, (_, n) => {
      const base = natural()
      const put = (i: number, to: number, j: number, other: number): Float64Array =>
        base.map((value, at) => (at === i ? to : at === j ? other : value))
      const each = [0, 1, 2, 3].flatMap((i) => places.map((to) => put(i, to, i, to)))
      const grid = places.flatMap((to) => places.map((other) => put(5, to, 6, other)))
      return [base, ...(n % 2 === 0 ? each : grid)].map((x) => ({ x }))
    }).flat()
    const { each, named } = run(advised)
    expect(named).toEqual({})
    expect(each.filter(({ bits }) => (bits & shows.probe) !== 0)).toEqual([])
  })
})

test('values that flicker from one shade to the next, now here, now there, are estimates of no slope', () => {
  const flickering = Array.from({ length: 20 }, () => {
    const base = natural().map((value) => Math.round(value * 8) / 8)
    return times(80, () =>
      base.map((value, i) => (i % 2 === 0 && random() < 0.15 ? value + (value < 0 ? 0.125 : -0.125) : value)),
    )
  }).flat()
  const probed = (queries: readonly Asked[]): number =>
    run(queries).each.filter(({ bits }) => (bits & (shows.probe | shows.even)) !== 0).length / queries.length
  expect(probed(flickering)).toBeLessThan(0.05)
  // Nor is a last digit that comes and goes.
  const digits = Array.from({ length: 20 }, () => {
    const base = natural()
    return times(80, () => base.map((value, i) => (i % 2 === 0 && random() < 0.15 ? value + 0.01 : value)))
  }).flat()
  expect(probed(digits)).toBe(0)
})

describe('sensors whose machine hardly moves', () => {
  /** Readings of one machine by steps of `resolution`, each with an offset of its own. */
  const machine = (count: number, { resolution = 0.1, about = 0, offset = 0, wander = 0, noise = 0.06 }): Asked[] => {
    const [start, offsets] = [natural().map((value) => about + value), natural().map(() => offset * normal())]
    let now = start
    return times(count, () => {
      now = now.map((value, i) => start[i]! + 0.98 * (value - start[i]!) + wander * normal())
      return now.map((value, i) => Math.round((value + noise * normal()) / resolution) * resolution + offsets[i]!)
    })
  }
  const world = (of: Parameters<typeof machine>[1]): Reference => {
    const accounts = Array.from({ length: 10 }, () =>
      machine(150, of).map(({ x }) => ({ x, label: labelOf(x), margin: 0.1 + random() })),
    )
    return openReference({ ...learnReference(accounts)!, alike: 0.1 })!
  }
  const probed = (queries: readonly Asked[], at: Reference): number => {
    const { each, named } = run(queries, at)
    expect(named).not.toHaveProperty('inversion')
    return each.filter(({ bits, counts }) => (bits & counts & shows.probe) !== 0).length / each.length
  }

  test('estimate no slope: not at 45, where what is kept is rounded, and not with offsets', () => {
    const warm = { about: 45, wander: 0.5 }
    expect(probed(machine(2_000, { about: 45 }), world(warm))).toBeLessThan(0.01)
    const tared = { about: 20, resolution: 0.5, offset: 3, noise: 0.2 }
    expect(probed(machine(2_000, tared), world({ ...tared, wander: 1 }))).toBeLessThan(0.01)
  })

  test('nor where one value flickers now and then, between the same readings again and again', () => {
    const tared = { about: 20, offset: 3, wander: 1 }
    const queries = Array.from({ length: 10 }, () => {
      const base = machine(1, tared)[0]!.x
      return times(300, () => base.map((value) => (random() < 0.01 ? value + 0.1 : value)))
    }).flat()
    expect(probed(queries, world(tared))).toBeLessThan(0.02)
  })
})

describe('training records', () => {
  test('and what is made of them count once, and noise around others is no sign that none are asked', () => {
    const record = natural()
    const { each } = run([{ x: record, member: true }, ...times(7, () => noisy(record, 0.5))])
    expect(each.map(({ counts }) => (counts & shows.member) !== 0)).toEqual([true, ...Array(7).fill(false)])
    // More of one record are no second one: an account that has been there for long is not named for that alone.
    const stream = run([...times(2_000, natural), { x: record, member: true }, ...times(60, () => noisy(record, 0.1))])
    expect(stream.named).not.toHaveProperty('membership-inference')
    const other = natural()
    const around = run([{ x: other }, ...times(7, () => noisy(other, 0.5))])
    expect(around.each.map(({ counts }) => (counts & shows.member) !== 0)).toEqual([true, ...Array(7).fill(false)])
    expect(around.each.every(({ bits }) => (bits & shows.member) === 0)).toBe(true)
  })

  test('among the scenes of a camera are as few as these scenes: two that begin with one are no inference', () => {
    const scene = (member: boolean): Asked[] => {
      const x = natural()
      const frames = times(20, () => noisy(x, 0.03))
      // Late in such a scene comes a record again.
      return [{ x, member }, ...frames.map((frame, n) => ({ ...frame, member: member && n === 15 }))]
    }
    const stream = Array.from({ length: 160 }, (_, n) => scene(n === 120 || n === 122)).flat()
    const { each, named } = run(stream)
    expect(named).not.toHaveProperty('membership-inference')
    const bets = each.filter(({ counts }) => (counts & shows.member) !== 0)
    expect(bets.filter(({ bits }) => (bits & shows.member) !== 0)).toHaveLength(2)
    expect(each.filter(({ bits }) => (bits & shows.member) !== 0)).toHaveLength(4)
    expect(bets.length).toBeGreaterThan(120)
  })

  test('asked with ten noisy copies of each candidate, half of which are records, are named within 75 queries', () => {
    const candidates = Array.from({ length: 20 }, (_, n) => ({ x: natural(), member: n % 2 === 1 }))
    const attack = candidates.flatMap((candidate) => [candidate, ...times(10, () => noisy(candidate.x, 0.5))])
    expect(run(attack).named['membership-inference']).toBeLessThanOrEqual(75)
  })
  test('that copies are made of tell once each, by the first copy; copies of others tell the opposite once', () => {
    const some = (member: boolean): Asked[] => {
      const x = natural()
      return [{ x, member }, ...times(10, () => noisy(x, 0.03))]
    }
    const { each } = run(Array.from({ length: 10 }, (_, n) => some(n % 2 === 1)).flat())
    const [shown, counted] = [each.map(({ bits }) => bits), each.map(({ counts }) => counts)].map((list) =>
      list.flatMap((of, n) => ((of & shows.copied) === 0 ? [] : [n])),
    )
    expect(counted).toEqual(Array.from({ length: 10 }, (_, n) => 11 * n + 1))
    expect(shown).toEqual(counted!.filter((_, n) => n % 2 === 1))
  })
})

test('pairs around a synthetic center are inversion also where they lie as far apart as honest inputs do', () => {
  const center = natural().map((value) => value / 4 + 1)
  const pairs = Array.from({ length: 20 }, () => natural().map(() => told.scale * normal())).flatMap((step) =>
    [1, -1].map((sign) => ({ x: center.map((value, i) => value + sign * step[i]!) })),
  )
  const { each, named } = run(pairs)
  expect(named['inversion']).toBeLessThanOrEqual(25)
  expect(each.filter(({ bits }) => (bits & shows.ball) !== 0)).toEqual([])
  // As far apart, with nothing in common; and on a grid of few places.
  const noise = run(times(300, () => natural().map(() => 2 * told.scale * normal())))
  const grid = run(times(300, () => natural().map(() => Math.round(4 * random()))))
  const shown = [noise, grid].map((of) => of.each.filter(({ bits }) => (bits & shows.pair) !== 0).length / 300)
  expect(Math.max(...shown)).toBeLessThan(0.01)
})

test('slopes are estimated also by an account that has asked one query two thousand times before', () => {
  const probes = Array.from({ length: 20 }, () => natural()).flatMap((base) =>
    Array.from({ length: 2 * dimension }, (_, n) => ({
      x: base.with(n >> 1, base[n >> 1]! + (n % 2 === 0 ? 0.1 : -0.1)),
    })),
  )
  const check = natural()
  const { each } = run([...Array.from({ length: 2_000 }, () => ({ x: check })), ...probes])
  // What is asked once and again is none: a hundred and forty queries later it no longer matters.
  const first = each.findIndex(({ bits }) => (bits & shows.probe) !== 0)
  expect(first).toBeGreaterThan(100)
  expect(first).toBeLessThan(160)
})

test('sensors that change slowly, and are unlike honest ones for a while, are on no way that a search takes', () => {
  /** The n-th of steps round a far circle that are `by` times as long as queries are apart. */
  const along = (n: number, by: number): Float64Array =>
    Float64Array.from({ length: dimension }, (_, i) =>
      i < 2 ? 3 * told.scale * Math.sin((by * n) / 3 + (i * Math.PI) / 2) : 0,
    )
  const drifts = (inputs: readonly Float64Array[]): number =>
    run(inputs.map((x) => ({ x }))).each.filter(({ bits }) => (bits & shows.drift) !== 0).length
  // A machine goes on from where it was; a search asks to all sides, and then goes on.
  expect(drifts(Array.from({ length: 60 }, (_, n) => noisy(along(n, 0.16), 0.01)))).toBe(0)
  const search = Array.from({ length: 20 }, (_, n) => [0, 1, 2].map(() => noisy(along(n, 0.2), 0.4))).flat()
  expect(drifts(search)).toBeGreaterThan(5)
})

test('a search that asks again around what was answered as it wants is named though half of its answers are no change', () => {
  let best = natural().with(0, 0.1)
  const search = times(60, () => {
    const next = best.map((value, i) => (i === 0 || random() < 0.3 ? value + 0.25 * normal() : value))
    if (labelOf(next) === 'yes') best = next.with(0, next[0]! / 4)
    return next
  })
  expect(run(search).named['boundary-search']).toBeLessThanOrEqual(30)
})
