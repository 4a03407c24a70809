import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { packed } from '../../input/packed.ts'
import { Names } from './names.ts'
import { Room } from './grid.ts'
import { blockQueries, nearestMax, Recent, recentMax, type Seen } from './recent.ts'

const neighborsMax = 96

function worldOf(seed: number) {
  const random = randomOf(seed)
  const list: Seen[] = []
  const blocks: Seen[][] = []
  let names = new Names()
  let recent = new Recent(0, names)
  const next = (spelledOut: boolean): Seen => {
    const account = Math.floor(random() * 300)
    const x = Array.from({ length: random() < 0.9 ? 12 : 5 }, () => Math.round(random() * 1e4) / 1e4)
    const who = {
      principal: `p${account}`,
      tenant: `t${account % 17}`,
      network: `n${account % 40}`,
      agent: `a${account % 3}`,
    }
    return { ...who, x: spelledOut ? x : packed(Float32Array.from(x)) }
  }
  return {
    random,
    next,
    keep(seen: Seen): void {
      recent.add(seen, new Room().put(seen.x), undefined)
      const block = Math.floor(list.length / blockQueries) % (recentMax / blockQueries)
      if (list.length % blockQueries === 0) blocks[block] = []
      blocks[block]!.push(seen)
      list.push(seen)
    },
    /** As after a restart. */
    restore(): void {
      const kept = JSON.parse(JSON.stringify(blocks)) as Seen[][]
      names = new Names()
      recent = Recent.of(
        list.length,
        names,
        (number) => kept[number] ?? [],
        () => undefined,
      )
    },
    look(tenant: string, x: Float64Array) {
      const repeats = recent.look(names.of(tenant), x)
      const closest = recent.closest()
      return {
        repeats,
        closest: closest < 0 ? undefined : recent.at(closest).principal,
        neighbors: Array.from({ length: recent.neighbors() }, (_, n) => recent.at(recent.slots[n]!).principal),
        nearest: Array.from({ length: recent.nearest() }, (_, n) => recent.at(recent.near(n)).principal),
      }
    },
    /** The same, by looking at all that is kept. */
    plainly(tenant: string, x: Float64Array) {
      // A new block takes the place of the oldest.
      const count =
        list.length % blockQueries === 0 ? recentMax : recentMax - blockQueries + (list.length % blockQueries)
      const last = list
        .slice(-count)
        .reverse()
        .filter((seen) => new Room().put(seen.x).length === x.length)
      const measure = (seen: Seen): [string, number] => [seen.principal, distance(x, new Room().put(seen.x))]
      const closest = last.map(measure).reduce((a, b) => (b[1] < a[1] ? b : a), ['', Infinity])[0]
      const measured = last.filter((seen) => seen.tenant !== tenant).map(measure)
      const repeats = measured.some(([, away]) => away < 1e-9)
      const first = measured.filter(([name], at) => measured.findIndex(([other]) => other === name) === at)
      const neighbors = first.slice(0, neighborsMax)
      const nearest = [...neighbors].sort((a, b) => a[1] - b[1]).slice(0, nearestMax)
      const namesOf = (of: readonly [string, number][]): string[] => of.map(([name]) => name)
      return { repeats, closest, neighbors: namesOf(neighbors), nearest: namesOf(nearest) }
    },
  }
}

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0)
}

describe('the last queries of all accounts', () => {
  test('are told as looking at each of them tells, before and after a restart, whichever version wrote them', () => {
    const world = worldOf(7)
    for (let n = 0; n < 700; n++) {
      if (world.random() < 0.02) world.restore()
      const seen = world.next(n < 300 && n % 2 === 0)
      if (n > 20 && n % 3 === 0) {
        const x = new Room().put(seen.x)
        expect(world.look(seen.tenant, x), `query ${n}`).toEqual(world.plainly(seen.tenant, x))
      }
      world.keep(seen)
    }
  })

  test('a query that another tenant has asked is a repetition', () => {
    const names = new Names()
    const recent = new Recent(0, names)
    const seen = { principal: 'a/x', tenant: 'a', network: 'n', agent: 'g', x: [0.1, 0.2, 0.3] }
    recent.add(seen, new Room().put(seen.x), undefined)
    expect(recent.look(names.of('b'), new Room().put(seen.x))).toBe(true)
    expect(recent.look(names.of('a'), new Room().put(seen.x))).toBe(false)
    expect(recent.look(names.of('b'), new Room().put([0.1, 0.2, 0.4]))).toBe(false)
  })

  test('whose input is a step from a query of 64 values is found among 250 that are as natural', () => {
    const random = randomOf(3)
    const names = new Names()
    const recent = new Recent(0, names)
    const natural = (): number[] => Array.from({ length: 64 }, () => random() * random())
    const inputs = Array.from({ length: 250 }, natural)
    for (const [n, x] of inputs.entries()) {
      recent.add({ principal: `p${n}`, tenant: `t${n}`, network: 'n', agent: 'g', x }, new Room().put(x), undefined)
    }
    for (const [n, x] of inputs.entries()) {
      const stepped = x.map((value) => value + (random() < 0.5 ? 0.1 : -0.1))
      recent.look(names.of('other'), new Room().put(stepped))
      expect(recent.at(recent.closest()).principal).toBe(`p${n}`)
    }
  })
})
