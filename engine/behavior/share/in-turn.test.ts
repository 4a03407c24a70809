import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../test/support/random.ts'
import { pieceOf, takeInTurn, type InTurn, type Turn } from './in-turn.ts'

const line = Math.log(1e4)
const name = (number: number): string => `s3://w/m/shard-${String(number).padStart(3, '0')}.safetensors`

/** `days`: the numbers of the pieces taken on each. The pieces, new ones, that were taken when it was first told. */
function take(
  days: readonly (readonly number[])[],
  objects: number | ((taken: number) => number),
  before: readonly number[] = [],
): number | undefined {
  const taken = new Set(before.map(name))
  let turn: Turn | undefined
  let fresh = 0
  for (const [day, numbers] of days.entries()) {
    for (const number of numbers) {
      if (taken.has(name(number))) continue
      fresh++
      const had = taken.size
      let found: InTurn | undefined
      const all = typeof objects === 'number' ? objects : objects(had)
      ;({ turn, found } = takeInTurn(turn, pieceOf(name(number))!, day, all, had, (each) => taken.has(each), line))
      turn = JSON.parse(JSON.stringify(turn)) as Turn
      taken.add(name(number))
      if (found !== undefined) return fresh
    }
  }
  return undefined
}

describe('pieces of an artifact', () => {
  test('that somebody takes in turn, two or three a day, are told by the tenth', () => {
    expect(take([[0, 1], [2, 3], [6, 5, 4], [7, 9, 8], [11, 10]], 64)).toBeLessThanOrEqual(10) // prettier-ignore
    expect(take([[1, 0], [2], [3, 4], [7, 6, 5], [8, 9]], 200, [42, 15])).toBeLessThanOrEqual(10) // prettier-ignore
  })

  test('that are taken in turn beside others from anywhere are told by the fourteenth', () => {
    const random = randomOf(7)
    const days = Array.from({ length: 12 }, (_, day) => [2 * day, 40 + Math.floor(24 * random()), 2 * day + 1])
    const first = take(days, 64)
    expect(first! - Math.floor(first! / 3)).toBeLessThanOrEqual(14)
  })

  test('that are loaded in order within two days, over and over, are not', () => {
    const all = Array.from({ length: 64 }, (_, n) => n)
    expect(take([all.slice(0, 40), all.slice(40)], 64)).toBeUndefined()
    expect(take([all, all, all], 64)).toBeUndefined()
  })

  test('that are taken at random or are always the newest are not, however long it goes on', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = randomOf(seed)
      const days = Array.from({ length: 60 }, () =>
        Array.from({ length: Math.floor(random() * 4) }, () => Math.floor(random() * 64)),
      )
      expect(take(days, 64)).toBeUndefined()
    }
    const newest = Array.from({ length: 100 }, (_, n) => [n])
    expect(take(newest, (taken) => taken + 1)).toBeUndefined()
  })

  test.each([
    [name(7), 7, name(8)],
    ['s3://w/model-00009-of-00030.safetensors', 9, 's3://w/model-00008-of-00030.safetensors'],
    ['hdfs://c/part-9.snappy.parquet', 9, 'hdfs://c/part-10.snappy.parquet'],
  ])('%s is number %i of its family', (object, number, neighbor) => {
    const piece = pieceOf(object)!
    expect(piece.number).toBe(number)
    expect([piece.nameOf(number - 1), piece.nameOf(number + 1)]).toContain(neighbor)
  })

  test('without a number have no order', () => {
    expect(pieceOf('s3://w/v2/model.safetensors')).toBeUndefined()
  })
})
