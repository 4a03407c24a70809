import { describe, expect, test } from 'vitest'
import { Cell } from './cell.ts'
import { isMember } from './join.ts'
import { Names } from './names.ts'

describe('who joins', () => {
  const one = [0, 0, 0, 3_200, 0, 0]
  const many = [0, 0, 0, 6_000, 0, 0]
  const cellOf = (kind: 'network' | 'agent', strong: number, crossed = true): Cell =>
    Cell.of(new Names(), 'c', {
      ...{ kind, name: 'x', tenants: ['a', 'b'], lastMs: 2_000, sinceMs: 500, sums: many, crossed },
      shares: Array.from({ length: 10 }, (_, n) => [`t${n}/x`, `t${n}`, many, n < strong ? many : one] as const),
    })
  const joins = (cell: Cell): boolean => isMember(cell, 't9/x')

  test('one who shares its network with a crowd, where all others there are of it, at a lower line', () => {
    expect(joins(cellOf('network', 9))).toBe(true)
    expect(joins(cellOf('network', 8))).toBe(true)
  })

  test('where half of them are not, or it shares a program alone, or nobody was told yet, nobody does', () => {
    expect(joins(cellOf('network', 5))).toBe(false)
    expect(joins(cellOf('agent', 9))).toBe(false)
    expect(joins(cellOf('network', 9, false))).toBe(false)
  })

  test('each of them brings evidence all the same', () => {
    expect(isMember(cellOf('network', 9), 't10/x')).toBe(false)
    const cell = cellOf('network', 9)
    cell.shares.get('t9/x')!.logs.fill(0)
    expect(joins(cell)).toBe(false)
  })

  test('one who has what the crowd was told by, and less of all else', () => {
    const cell = cellOf('network', 9)
    cell.by = [3]
    cell.shares.get('t9/x')!.logs.splice(0, 3, -9_000, -2_000, -3_000)
    expect(joins(cell)).toBe(true)
    cell.by = undefined
    expect(joins(cell)).toBe(false)
  })
})
