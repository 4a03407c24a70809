import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { addPiece, bytesAsked, bytesOf, parseRange, type Piece } from './ranges.ts'

describe('a range as it is spelled', () => {
  test.each<[unknown, number | undefined, number, readonly Piece[] | undefined]>([
    ['bytes=0-99', undefined, 100, [[0, 99]]],
    ['Bytes = 100-', 150, 50, [[100, 149]]],
    ['bytes=100-', undefined, 30, [[100, 129]]],
    ['bytes=0-99', undefined, 10, [[0, 9]]],
    ['bytes=0-999999999999999', undefined, 300, [[0, 299]]],
    ['bytes=90-', 100, 300, [[90, 99]]],
    ['bytes=-500', 1_000, 500, [[500, 999]]],
    ['bytes=-500', undefined, 100, [[2 ** 51 - 500, 2 ** 51 - 401]]],
    ['bytes=0-0', undefined, 700, [[0, 0]]],
    ['bytes=0-0', undefined, 5_000, [[0, 4_999]]],
    ['bytes=0-1,7-8', 5_000, 5_000, [[0, 4_999]]],
    [
      'bytes=0-1, 5-6',
      undefined,
      40,
      [
        [0, 1],
        [5, 6],
      ],
    ],
    ['bytes=9-3', undefined, 7, undefined],
    ['bytes=0-1,x', undefined, 2, undefined],
    ['items=0-9', undefined, 10, undefined],
    [7, undefined, 7, undefined],
  ])('%j of an object of %j bytes, %j sent, is %j', (text, size, bytes, pieces) => {
    expect(parseRange(text, size, bytes)).toEqual(pieces)
  })
})

test.each<[unknown, number, number]>([
  [undefined, 1_000, 1_000],
  ['bytes=100-199', 1_000, 100],
  ['bytes=-100', 1_000, 100],
  ['bytes=900-', 1_000, 100],
  ['bytes=900-5000', 1_000, 100],
  ['bytes=2000-5000', 1_000, 0],
  ['bytes=0-9,20-29', 1_000, 20],
  ['bytes=0-999,0-999', 1_000, 1_000],
  ['bytes=9-3', 1_000, 1_000],
])('%j asks of an object of %j bytes for %j', (text, size, bytes) => {
  expect(bytesAsked(text, size)).toBe(bytes)
})

test('pieces that overlap or touch count once, in whatever order they come', () => {
  const pieces: Piece[] = [
    [50, 99],
    [0, 49],
    [90, 120],
    [200, 209],
  ]
  expect(bytesOf(pieces.reduce<readonly Piece[]>(addPiece, []))).toBe(131)
  expect(bytesOf(pieces.reverse().reduce<readonly Piece[]>(addPiece, []))).toBe(131)
})

test('a thousand scattered pieces stay bounded, and what is said to be read is never less than what was', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100_000), fc.nat(300)), { maxLength: 400 }), (parts) => {
      const bytes = new Set<number>()
      let kept: readonly Piece[] = []
      for (const [first, length] of parts) {
        kept = addPiece(kept, [first, first + length])
        for (let at = first; at <= first + length; at++) bytes.add(at)
      }
      expect(kept.length).toBeLessThanOrEqual(64)
      expect(bytesOf(kept)).toBeGreaterThanOrEqual(bytes.size)
    }),
    { numRuns: 50 },
  )
})
