import { describe, expect, test } from 'vitest'
import { between, dimension, labelOf, moved, worldOf } from '../../../../test/support/asked-world.ts'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { learnedOf } from '../../../../test/support/learned.ts'
import { kindsShown, shows, usualToAll } from '../account/evidence.ts'
import { OneBase } from './one-base.ts'

type World = ReturnType<typeof worldOf>
const worlds = [161, 162, 163].map(worldOf)
/** Of so many worlds, in how many such queries, with three natural ones after each, are named for a search or an inversion. */
function named(asked: (world: World) => () => Float64Array, queries = 100): number {
  return worlds.filter((world) => {
    const next = asked(world)
    const found = world.namedBy(() => [next(), world.natural(), world.natural(), world.natural()], 4 * queries)
    return found['boundary-search'] !== undefined || found['inversion'] !== undefined
  }).length
}
/** Steps there and back from one place, which then moves on; `pause`: after so many queries of it thirty natural ones follow. */
function pairs({ natural, normal }: World, pause = Infinity): () => Float64Array {
  let center = natural()
  let step: readonly number[] = []
  let n = 0
  return () => {
    if (n++ % (pause + 30) >= pause) return natural()
    if (n % 16 === 0) center = moved(center, () => 0.05 * normal())
    if (n % 2 === 1) step = Array.from({ length: dimension }, () => 0.1 * normal())
    return moved(center, (i) => (n % 2 === 1 ? step[i]! : -step[i]!))
  }
}

describe('queries of one base, with three natural ones after each,', () => {
  test('are named where they are pairs around a center, also where what is kept comes back from a checkpoint each time', () => {
    expect(named(pairs)).toBe(3)
  })

  test('are named where one value after another is changed by the same', () => {
    const slopes = ({ natural, normal }: World) => {
      let [base, n] = [natural(), 0]
      return () => {
        if (n % dimension === 0) base = moved(base, () => 0.05 * normal())
        return base.with(n % dimension, base[n++ % dimension]! + 0.3)
      }
    }
    expect(named(slopes)).toBe(3)
  })

  test('are named where the way to it is halved and noise is asked about where that leads', () => {
    const search = ({ natural, normal }: World) => {
      const base = natural()
      let n = 0
      let [at, to] = [base, base]
      return () => {
        if (n % 12 === 0) to = natural()
        if (n++ % 12 < 7) return (at = to = between(base, to, 0.5))
        return moved(at, () => 0.1 * normal())
      }
    }
    expect(named(search, 150)).toBe(3)
  })

  test('are named where equal changes add up', () => {
    const adding = ({ natural, random }: World) => {
      let x = natural()
      let [n, changed] = [0, x]
      return () => {
        if (random() < 0.6) x = changed
        const i = (5 * n++) % dimension
        return (changed = x.with(i, x[i]! + 0.8))
      }
    }
    expect(named(adding)).toBe(3)
  })

  test('are told alike in a table of whole numbers some columns of which are counted in thousands', () => {
    const whole = (x: Float64Array): Float64Array => x.map((value, i) => Math.round(value * (i % 6 === 0 ? 4_000 : 4)))
    const label = (x: Float64Array): string => (x[0]! > 12_000 ? 'yes' : 'no')
    const namedOf = (asked: (world: World) => () => Float64Array): number =>
      worlds.filter((world) => {
        const account = new AskingAccount(learnedOf(() => whole(world.natural()), label, world.random))
        const next = asked(world)
        for (let n = 0; n < 400; n++) {
          const x = whole(n % 4 === 0 ? next() : world.natural())
          account.ask({ x, label: label(x) })
        }
        return account.named['boundary-search'] !== undefined
      }).length
    const adding = ({ natural, random }: World) => {
      let x = natural()
      let [n, changed] = [0, x]
      return () => {
        if (random() < 0.6) x = changed
        const i = (5 * n++) % dimension
        return (changed = x.with(i, x[i]! + 0.75))
      }
    }
    const counted = ({ natural }: World) => {
      const base = natural()
      let n = 0
      return () => base.with(n % dimension, base[n % dimension]! + (1 + (n++ % 5)) / 4)
    }
    expect(namedOf(adding)).toBeGreaterThanOrEqual(2)
    expect(namedOf(counted)).toBe(0)
  })

  test('are forgotten where others follow for long: nobody is named for a few of each of many', () => {
    expect(named((world) => pairs(world, 22), 250)).toBe(0)
  })

  test('are no evidence where they are copies with noise, scenarios, or single values put elsewhere, by halves too', () => {
    const noise = ({ natural, normal }: World) => {
      const base = natural()
      return () => moved(base, () => 0.1 * normal())
    }
    const scenarios = ({ natural, normal, random }: World) => {
      const base = natural()
      return () => {
        const first = Math.floor((dimension - 3) * random())
        return moved(base, (i) => (i >= first && i < first + 3 ? normal() : 0))
      }
    }
    const single = ({ natural, normal, random }: World) => {
      const base = natural()
      return () => base.with(Math.floor(dimension * random()), 3 + normal())
    }
    const lastDigits = ({ natural, normal }: World) => {
      const base = natural()
      return () => moved(base, () => 0.001 * normal())
    }
    const column = ({ natural }: World) => {
      const base = natural()
      let n = 0
      return () => {
        const i = Math.floor(n / 6) % dimension
        return base.with(i, base[i]! + 2 ** -(n++ % 6))
      }
    }
    const kinds = [noise, scenarios, single, lastDigits, column]
    expect(kinds.map((each) => named(each))).toEqual(kinds.map(() => 0))
  })

  test('are named for no pairs at a model where those are usual', () => {
    const usual = kindsShown.map((kind) => (kind === shows.pair ? usualToAll : 0))
    const at = worlds.filter((world) => {
      const account = new AskingAccount({ ...world.told, usual })
      const next = pairs(world)
      for (let n = 0; n < 400; n++) {
        const x = n % 4 === 0 ? next() : world.natural()
        account.ask({ x, label: labelOf(x) })
      }
      return account.named['boundary-search'] !== undefined
    })
    expect(at.length).toBe(0)
  })

  test('are no evidence where they swing to and fro on one line', () => {
    const swing = ({ natural }: World) => {
      const [from, to] = [natural(), natural()]
      let n = 0
      return () => between(from, to, 0.5 + 0.15 * Math.sin(n++ / 1.3))
    }
    expect(named(swing, 200)).toBe(0)
  })
})

describe('what is kept of a base', () => {
  const x = Float64Array.from({ length: dimension }, (_, i) => i / 4)
  /** A base of so many queries. */
  const base = (queries: number): OneBase => {
    const made = new OneBase(dimension)
    for (let n = 0; n < queries; n++) made.take(x.with(0, n), 0.02, () => true)
    return made
  }

  test('is the same after a restart: the next queries say as much', () => {
    const [before, after] = [base(30), OneBase.of(JSON.parse(JSON.stringify(base(30))))!]
    expect(before.value).toBeGreaterThan(1)
    for (let n = 0; n < 5; n++) {
      expect(after.take(x, 0.02, (ring) => ring[n]![0] === 29)).toBe(before.take(x, 0.02, (ring) => ring[n]![0] === 29))
      expect(after.value).toBe(before.value)
      expect(after.passes()).toBe(before.passes())
    }
  })

  test('is a number, however long it goes on', () => {
    expect(base(500).value).toBeGreaterThan(1e20)
    expect(Number.isFinite(base(500).value)).toBe(true)
  })

  test('of another version, or cut short, is nothing', () => {
    const text = base(30).toJSON()
    const bytes = Buffer.from(text, 'base64')
    expect(OneBase.of(text)).toBeDefined()
    expect(OneBase.of(Buffer.from(bytes.with(0, 2)).toString('base64'))).toBeUndefined()
    expect(OneBase.of(bytes.subarray(0, -2).toString('base64'))).toBeUndefined()
    expect(OneBase.of(bytes.subarray(0, 3).toString('base64'))).toBeUndefined()
    const row = bytes.subarray(-2 * dimension)
    expect(OneBase.of(Buffer.concat([bytes, row]).toString('base64'))).toBeUndefined()
    expect(OneBase.of(bytes.subarray(0, -14 * dimension).toString('base64'))).toBeUndefined()
    expect(OneBase.of(7)).toBeUndefined()
  })

  test('says nothing up to the 23rd query, for which two inputs are kept, then eight', () => {
    const said = Array.from({ length: 24 }, (_, n) => base(n).take(x, 0.02, () => true))
    expect(said.indexOf(true)).toBe(23)
    const inputs = [15, 40].map(
      (queries) => (Buffer.from(base(queries).toJSON(), 'base64').length - 16) / 2 / dimension,
    )
    expect(inputs).toEqual([2, 8])
  })

  test('is of what is unlike one of its inputs in few values, or near, and of no input of another length', () => {
    const made = base(3)
    expect(made.isOf(x.with(3, 90).with(4, 90), 1)).toBe(true)
    expect(made.isOf(x.with(3, 90).with(4, 90).with(5, 90), 1)).toBe(false)
    expect(
      made.isOf(
        moved(x.with(0, 2), () => 0.3 / Math.sqrt(dimension)),
        1,
      ),
    ).toBe(true)
    expect(
      made.isOf(
        moved(x.with(0, 2), () => 0.5 / Math.sqrt(dimension)),
        1,
      ),
    ).toBe(false)
    expect(made.isOf(x.slice(1), 1)).toBe(false)
  })

  test('ends after 24 others in a row', () => {
    const made = base(3)
    expect(Array.from({ length: 24 }, () => made.passes())).toEqual([...Array.from({ length: 23 }, () => true), false])
  })
})
