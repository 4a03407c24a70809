import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../test/support/random.ts'
import { packed } from '../model-queries/packed.ts'
import { blockQueries, isRepetition, placeOf, Recent, recentMax, type Seen } from './recent.ts'

const neighborsMax = 96
const all = { neighbors: true, closest: true }

function worldOf(seed: number) {
  const random = randomOf(seed)
  const list: Seen[] = []
  const blocks: Seen[][] = []
  let recent = new Recent(0)
  const next = (spelledOut: boolean): Seen => {
    const account = Math.floor(random() * 300)
    const x = Array.from({ length: random() < 0.9 ? 12 : 5 }, () => Math.round(random() * 1e4) / 1e4)
    const names = {
      principal: `p${account}`,
      tenant: `t${account % 17}`,
      network: `n${account % 40}`,
      agent: `a${account % 3}`,
    }
    return { ...names, x: spelledOut ? x : packed(Float32Array.from(x)) }
  }
  return {
    random,
    next,
    keep(seen: Seen): void {
      recent.add(seen, placeOf(seen.x))
      const block = Math.floor(list.length / blockQueries) % (recentMax / blockQueries)
      if (list.length % blockQueries === 0) blocks[block] = []
      blocks[block]!.push(seen)
      list.push(seen)
    },
    /** As after a restart. */
    restore(): void {
      const kept = JSON.parse(JSON.stringify(blocks)) as Seen[][]
      recent = Recent.of(list.length, (number) => kept[number] ?? [])
    },
    look(tenant: string, x: Float64Array) {
      const { closest, least, neighbors, slots, distances } = recent.around(tenant, x, all)
      return {
        closest: closest < 0 ? undefined : recent.at(closest).principal,
        least,
        neighbors: Array.from({ length: neighbors }, (_, n) => [recent.at(slots[n]!).principal, distances[n]!]),
      }
    },
    /** The same, by looking at all that is kept. */
    plainly(tenant: string, x: Float64Array) {
      // A new block takes the place of the oldest.
      const count =
        list.length % blockQueries === 0 ? recentMax : recentMax - blockQueries + (list.length % blockQueries)
      const others = list
        .slice(-count)
        .reverse()
        .filter((seen) => seen.tenant !== tenant && placeOf(seen.x).length === x.length)
      const measured = others.map((seen): [string, number] => [seen.principal, distance(x, placeOf(seen.x))])
      const closest = measured.reduce((a, b) => (b[1] < a[1] ? b : a), ['', Infinity])
      const first = measured.filter(([name], at) => measured.findIndex(([other]) => other === name) === at)
      return { closest: closest[0], least: closest[1], neighbors: first.slice(0, neighborsMax) }
    },
  }
}

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0)
}

function rounded(of: ReturnType<ReturnType<typeof worldOf>['plainly']>) {
  const round = (value: number): number => Math.round(value * 1e9) / 1e9
  return { ...of, least: round(of.least), neighbors: of.neighbors.map(([name, away]) => [name, round(away)]) }
}

describe('the last queries of all accounts', () => {
  test('are told as looking at each of them tells, before and after a restart, whichever version wrote them', () => {
    const world = worldOf(7)
    for (let n = 0; n < 700; n++) {
      if (world.random() < 0.02) world.restore()
      const seen = world.next(n < 300 && n % 2 === 0)
      if (n > 20 && n % 3 === 0) {
        const x = placeOf(seen.x)
        const found = world.look(seen.tenant, x) as ReturnType<typeof world.plainly>
        expect(rounded(found), `query ${n}`).toEqual(rounded(world.plainly(seen.tenant, x)))
      }
      world.keep(seen)
    }
  })

  test('a query that another tenant has asked is a repetition, though nobody asks for the closest', () => {
    const recent = new Recent(0)
    const seen = { principal: 'a/x', tenant: 'a', network: 'n', agent: 'g', x: [0.1, 0.2, 0.3] }
    recent.add(seen, placeOf(seen.x))
    const nothing = { neighbors: false, closest: false }
    expect(isRepetition(recent.around('b', placeOf(seen.x), nothing))).toBe(true)
    expect(isRepetition(recent.around('a', placeOf(seen.x), nothing))).toBe(false)
    expect(isRepetition(recent.around('b', placeOf([0.1, 0.2, 0.4]), nothing))).toBe(false)
  })
})
