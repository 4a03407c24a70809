import { describe, expect, test } from 'vitest'
import { Cell } from './cell.ts'
import { Names } from './queries/names.ts'

const byName = {
  kind: 'agent',
  name: 'aiohttp',
  tenants: ['a', 'b'],
  turns: {
    tenants: [
      ['a', 1_000],
      ['b', 2_000],
    ],
    intervals: [900, 1_100],
    logReturn: 6.9,
  },
  relay: [{ principal: 'a/x', tenant: 'a', firstMs: 0, lastMs: 1_000, queries: 7 }],
  lastMs: 2_000,
  logs: { turns: 3.25, all: 1.5 },
  sinceMs: 500,
  shares: {
    'a/x': { tenant: 'a', counted: { turns: 2 }, logs: { turns: 2, novel: -0.5 }, queries: 7 },
    __proto__x: { tenant: 'b', counted: {}, logs: { turns: 1.25 }, queries: 3 },
  },
  crossed: true,
  relayed: true,
} as const

describe('what accounts share', () => {
  test('is read as an earlier version wrote it', () => {
    const cell = Cell.of(new Names(), 'c/agent/aiohttp', byName)
    expect(cell.sums).toEqual([3_250, 0, 0, 0, 0, 1_500])
    expect([...cell.shares.keys()]).toEqual(['a/x', '__proto__x'])
    expect(cell.shares.get('a/x')).toEqual({
      tenant: 'a',
      counted: [2_000, 0, 0, 0, 0, 0],
      logs: [2_000, 0, 0, -500, 0, 0],
    })
    expect(cell.relay?.toJSON()).toEqual(byName.relay)
    expect([cell.crossed, cell.relayed, cell.restarts]).toEqual([true, true, 0])
  })

  test('comes back from a checkpoint as it was, and goes on alike', () => {
    const names = new Names()
    const cell = Cell.of(names, 'c/agent/aiohttp', byName)
    const again = Cell.of(new Names(), 'c/agent/aiohttp', JSON.parse(JSON.stringify(cell)) as Cell)
    expect(JSON.stringify(again)).toBe(JSON.stringify(cell))
  })
})
