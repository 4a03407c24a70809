import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { alikeMates } from './alike.ts'
import { Names } from './names.ts'
import { Room } from './grid.ts'
import { Recent } from './recent.ts'

/** Ten accounts with each of two programs; those with the second ask something else, and may be found to be a crowd. */
function worldOf(seed: number) {
  const normal = normalOf(randomOf(seed))
  const names = new Names()
  const recent = new Recent(0, names)
  const input = (middle: number): number[] => Array.from({ length: 20 }, () => middle + normal())
  const keep = (n: number, agent: string, middle: number, crowd?: string, odd?: true): void => {
    const x = input(middle)
    const seen = {
      principal: `${agent}${n}`,
      tenant: `t-${agent}${n}`,
      network: `n${n}`,
      agent,
      x,
      ...(odd && { odd }),
    }
    recent.add(seen, new Room().put(x), { crowd })
  }
  const ask = (middle: number): number => {
    recent.look(names.of('t-new'), new Room().put(input(middle)))
    return alikeMates(recent, { of: 'agent', number: names.of('one') })
  }
  return { keep, ask, recent, names }
}

describe('who asks like those with the same program', () => {
  test('brings evidence where others ask something else, and against it where not', () => {
    const { keep, ask } = worldOf(1)
    for (let n = 0; n < 10; n++) {
      keep(n, 'one', 0)
      keep(n, 'two', 5)
    }
    expect(ask(0)).toBeGreaterThan(0.3)
    expect(ask(5)).toBeLessThan(-0.3)
  })

  test('brings none where all others are of a crowd: beside thieves all honest accounts are alike', () => {
    const { keep, ask, recent, names } = worldOf(2)
    for (let n = 0; n < 10; n++) {
      keep(n, 'one', 0)
      keep(n, 'two', 5, 'found')
    }
    expect(ask(0)).toBe(0)
    // The crowd itself is still compared with others.
    expect(alikeMates(recent, { of: 'agent', number: names.of('two') })).not.toBe(0)
  })

  test('brings none where all others ask what is unlike honest inputs, found or not', () => {
    const { keep, ask } = worldOf(5)
    for (let n = 0; n < 10; n++) {
      keep(n, 'one', 0)
      keep(n, 'two', 5, undefined, true)
    }
    expect(ask(0)).toBe(0)
    for (let n = 0; n < 10; n++) keep(n, 'three', 0)
    expect(Math.abs(ask(0))).toBeGreaterThan(0)
  })

  test('brings none where too few are there to compare with', () => {
    const { keep, ask } = worldOf(3)
    for (let n = 0; n < 10; n++) keep(n, 'one', 0)
    for (let n = 0; n < 7; n++) keep(n, 'two', 5)
    expect(ask(0)).toBe(0)
  })

  test('is one of the mates no more often than the line allows where programs say nothing', () => {
    const { keep, ask } = worldOf(4)
    let log = 0
    for (let n = 0; n < 400; n++) {
      keep(n % 40, n % 3 === 0 ? 'one' : 'two', 0)
      if (n > 100) log += ask(0)
    }
    expect(log).toBeLessThan(0)
  })
})
