import { describe, expect, test } from 'vitest'
import { between, dimension, labelOf, moved, worldOf } from '../../../../test/support/asked-world.ts'
import { surroundingsOf } from '../shapes/geometry.ts'

const { random, normal, natural, namedBy } = worldOf(61)
const worlds = Array.from({ length: 16 }, (_, n) => worldOf(61 + n))
const isSearch = (named: Readonly<Record<string, number>>): boolean =>
  named['boundary-search'] !== undefined || named['inversion'] !== undefined

describe('a customer who asks each record in several variations, whatever is answered, is named for nothing', () => {
  test('where one record becomes another one in equal steps', () => {
    const parts = Array.from({ length: 8 }, (_, n) => n / 8)
    const named = namedBy(() => {
      const [from, to] = [natural(), natural()]
      return parts.map((t) => between(from, to, t))
    })
    expect(named).toEqual({})
  })

  test('where a record is asked with more of everything and with less, by one amount or by ever another', () => {
    const amount = Array.from({ length: dimension }, () => 0.3 * normal())
    for (const by of [() => amount, () => amount.map(() => 0.3 * normal())]) {
      const named = namedBy(() => {
        const [x, each] = [natural(), by()]
        return [x, moved(x, (i) => each[i]!), moved(x, (i) => -each[i]!)]
      })
      expect(named).toEqual({})
    }
  })

  test('where it is asked brighter and darker', () => {
    const named = namedBy(() => {
      const x = natural()
      return [1, 0.8, 0.9, 1.1, 1.2].map((share) => x.map((value) => share * value))
    })
    expect(named).not.toHaveProperty('boundary-search')
    expect(named).not.toHaveProperty('inversion')
  })

  test('where some columns are put elsewhere, ever others, and the next record follows', () => {
    const named = namedBy(() => {
      const x = natural()
      const columns = [0, 4, 8, 12, 16].map((first) => (i: number) => (i >= first && i < first + 3 ? 2 * normal() : 0))
      return [x, ...columns.map((by) => moved(x, by))]
    })
    expect(named).not.toHaveProperty('boundary-search')
    expect(named).not.toHaveProperty('inversion')
  })

  /**
   * In how many of eight worlds a stream of slides is named for a search, each of so many steps; `place`: where the
   * n-th of them lies.
   */
  const sliding = (steps: number, place: (n: number, random: () => number) => number): number =>
    worlds.slice(0, 8).filter(({ random, natural, namedBy }) =>
      isSearch(
        namedBy(() => {
          const [from, to] = [natural(), natural()]
          return Array.from({ length: steps + 1 }, (_, n) => between(from, to, place(n, random)))
        }),
      ),
    ).length

  test('where one becomes another one at ease: slowly at first, or at last, or both', () => {
    expect(sliding(8, (n) => (n / 8) ** 2)).toBe(0)
    expect(sliding(8, (n) => 1 - (1 - n / 8) ** 2)).toBe(0)
    expect(sliding(20, (n) => (n / 20) ** 3)).toBeLessThanOrEqual(1)
    expect(sliding(8, (n) => (n / 8) ** 2 * (3 - n / 4))).toBe(0)
  })

  test('where one becomes another one by hand, in steps that are equal but for two fifths', () => {
    let at = 0
    const named = sliding(8, (n, random) => (n === 0 ? (at = 0) : (at += (1.4 - 0.8 * random()) / 8)))
    expect(named).toBeLessThanOrEqual(1)
  })

  test('where copies with noise of their own are asked of each; with noise half as wide again in all but a quarter of worlds', () => {
    const named = [0.2, 0.3].map((noise) =>
      worlds.filter(({ natural, normal, namedBy }) =>
        isSearch(
          namedBy(() => {
            const x = natural()
            return Array.from({ length: 15 }, () => moved(x, () => noise * normal()))
          }),
        ),
      ),
    )
    expect(named[0]).toHaveLength(0)
    expect(named[1]!.length).toBeLessThanOrEqual(worlds.length / 4)
  })
})

describe('what looks like such variations and goes on from the answers is named as ever', () => {
  test('halving the way between two records', () => {
    const named = namedBy(() => {
      let [low, high] = [natural(), natural()]
      const asked = [low, high]
      for (let n = 0; n < 8; n++) {
        const middle = between(low, high, 0.5)
        asked.push(middle)
        if (random() < 0.5) low = middle
        else high = middle
      }
      return asked
    })
    expect(named['boundary-search']).toBeLessThanOrEqual(12)
  })

  test('walking from one record to another in growing steps, until the class changes', () => {
    const named = namedBy(() => {
      const [from, to] = [natural(), natural()]
      const asked = [from]
      for (let at = 0.05, step = 0.06; at < 1; at += step, step *= 1.2) {
        const x = between(from, to, at)
        asked.push(x)
        if (labelOf(x) !== labelOf(from)) break
      }
      return asked
    })
    expect(named['boundary-search']).toBeLessThanOrEqual(12)
  })

  test('pairs around a center that moves on and is asked itself by none', () => {
    const named = worlds.map(({ natural, normal, namedBy }) => {
      let center = natural()
      const inWorld = namedBy(() => {
        const by = Array.from(center, () => 0.4 * normal())
        const pair = [moved(center, (i) => by[i]!), moved(center, (i) => -by[i]!)]
        center = moved(center, () => 0.05 * normal())
        return pair
      })
      return inWorld['inversion'] ?? Infinity
    })
    expect(named.filter((at) => at <= 20).length).toBeGreaterThanOrEqual(0.75 * worlds.length)
  })

  test('pairs around one record', () => {
    const x = natural()
    let isFirst = true
    const named = namedBy(() => {
      const by = Array.from(x, () => 0.1 * normal())
      const pair = [moved(x, (i) => by[i]!), moved(x, (i) => -by[i]!)]
      const asked = isFirst ? [x, ...pair] : pair
      isFirst = false
      return asked
    })
    expect(named['boundary-search']).toBeLessThanOrEqual(20)
  })

  test('noise about a place that is unlike all records', () => {
    const place = natural().fill(8)
    const named = namedBy(() => [moved(place, () => 0.3 * normal())])
    expect(named['inversion']).toBeLessThanOrEqual(30)
  })

  test('values of one record tried a few at a time, once the record itself was asked long ago', () => {
    const x = natural()
    let isFirst = true
    const named = namedBy(() => {
      const asked = moved(x, () => (random() < 0.125 ? normal() : 0))
      if (!isFirst) return [asked]
      isFirst = false
      return [x, asked]
    })
    expect(named['boundary-search'] ?? Infinity).toBeLessThanOrEqual(60)
  })
})

describe('one change that is made of two records', () => {
  const [one, other] = [natural(), natural()]
  const apart = Math.hypot(...one.map((value, i) => value - other[i]!)) / Math.sqrt(dimension)
  const change = Array.from(one, () => apart * normal())
  const changed = moved(other, (i) => change[i]!)
  const isPair = (isFresh: (n: number) => boolean, ...ring: readonly Float64Array[]): boolean =>
    surroundingsOf(changed, ring, 1, true, isFresh).pair
  const before = [other, moved(one, (i) => change[i]!), one]

  test('is no pair around a center, where these are natural and made of none', () => {
    expect(isPair(() => false, ...before)).toBe(true)
    expect(isPair((n) => n === 0, ...before)).toBe(false)
    expect(isPair((n) => n === 2, ...before)).toBe(false)
  })

  test('is none either where one that is of another record is older than its own', () => {
    const twice = Array.from(one, () => apart * normal())
    const each = [moved(other, (i) => twice[i]!), other, ...[twice, change].map((by) => moved(one, (i) => by[i]!))]
    expect(isPair(() => false, ...each)).toBe(true)
    expect(isPair((n) => n === 1, ...each)).toBe(false)
  })
})

describe('along the ray on which brighter and darker ones of a record lie', () => {
  test('a search that halves the way to black is named', () => {
    const black = natural().fill(0)
    const named = namedBy(() => {
      let [low, high] = [natural(), black]
      const from = low
      const asked = [low, high]
      for (let n = 0; n < 8; n++) {
        const middle = between(low, high, 0.5)
        asked.push(middle)
        if (labelOf(middle) === labelOf(from)) low = middle
        else high = middle
      }
      return asked
    })
    expect(named['boundary-search']).toBeLessThanOrEqual(40)
  })

  test('half as bright and half as much again names nobody for a search', () => {
    const named = namedBy(() => {
      const x = natural()
      return [1, 0.5, 0.75, 1.25, 1.5].map((share) => x.map((value) => share * value))
    })
    expect(named).not.toHaveProperty('boundary-search')
    expect(named).not.toHaveProperty('inversion')
  })
})
