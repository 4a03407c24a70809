import { describe, expect, test } from 'vitest'
import { Cell } from './cell.ts'
import { isMember } from './join.ts'
import { Names } from './queries/names.ts'

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

  const day = 86_400_000
  /** Eight of ten are of the crowd and began within ten minutes; the others have brought next to nothing. */
  const bornAt = (
    other: number | undefined,
    observedMs = 7 * day,
    spreadMs = 60_000,
    logs = [0, 0, 0, 400, 0, 0],
  ): Cell => {
    const cell = Cell.of(new Names(), 'c', {
      ...{ kind: 'network', name: 'x', tenants: ['a', 'b'], lastMs: 2_000, sinceMs: 500, sums: many, crossed: true },
      shares: Array.from(
        { length: 10 },
        (_, n) =>
          [`t${n}/x`, `t${n}`, many, n < 8 ? many : logs, n < 8 ? 5 * day + n * spreadMs : (other ?? null)] as const,
      ),
    })
    cell.observedMs = observedMs
    return cell
  }

  test('one who began when those of a crowd did, on next to nothing beside; nobody who began at another time', () => {
    expect(joins(bornAt(5 * day + 100_000))).toBe(true)
    expect(joins(bornAt(4 * day))).toBe(false)
    expect(joins(bornAt(undefined))).toBe(false)
    expect(joins(Cell.of(new Names(), 'c', bornAt(5 * day + 100_000).toJSON()))).toBe(false)
    const restored = Cell.of(new Names(), 'c', JSON.parse(JSON.stringify(bornAt(5 * day + 100_000))) as Cell)
    restored.observedMs = 7 * day
    expect(joins(restored)).toBe(true)
  })

  test('nobody where a crowd began over days, where the model has been seen for hours, or who brought nothing at all', () => {
    expect(joins(bornAt(5 * day + 100_000, 7 * day, day / 8))).toBe(false)
    expect(joins(bornAt(5 * day + 100_000, day / 8))).toBe(false)
    expect(joins(bornAt(5 * day + 100_000, 7 * day, 60_000, [0, 0, 0, 0, 0, 0]))).toBe(false)
    expect(joins(bornAt(5 * day + 100_000, 7 * day, 60_000, [0, 0, 0, -400, 0, 0]))).toBe(false)
  })
})
