import { expect, test } from 'vitest'
import { blobsOf, drawn, type Move } from '../../../../test/support/pictures.ts'
import { randomOf } from '../../../../test/support/random.ts'
import { movedFromWhich, pictureOf, pixels } from './moved.ts'

const random = randomOf(7)
const scenes = Array.from({ length: 40 }, () => blobsOf(random))
const draw = (n: number, move?: Move): Float64Array => drawn(scenes[n]!, 8, move)
const apart = (a: Float64Array, b: Float64Array): number => Math.hypot(...a.map((value, i) => value - b[i]!))
const usual = scenes.map((_, n) => apart(draw(n), draw((n + 1) % 40))).sort((a, b) => a - b)[20]!
const near = 0.15 * usual
const isMoved = (x: Float64Array, from: Float64Array): boolean => movedFromWhich(x, [from], near).length > 0
const share = (of: readonly boolean[]): number => of.filter((is) => is).length / of.length

test('a picture that is an earlier one moved, turned and made brighter is known as that one', () => {
  const by = (most: number): number => (2 * random() - 1) * most
  const moves = scenes.map((_, n) => isMoved(draw(n, { down: by(1), right: by(1) }), draw(n)))
  const turns = scenes.map((_, n) =>
    isMoved(
      draw(n, { turn: by(0.2), down: by(0.3), grow: by(0.1) }).map((value) => 1.2 * value),
      draw(n),
    ),
  )
  expect(share(moves)).toBeGreaterThan(0.9)
  expect(share(turns)).toBeGreaterThan(0.8)
})

test('another picture is not, however it is moved', () => {
  const others = scenes.flatMap((_, n) => [1, 2, 3, 5, 7].map((step) => isMoved(draw((n + step) % 40), draw(n))))
  expect(share(others)).toBeLessThan(0.02)
})

test('of what fits no better than it looks only so much is compared, so that no picture costs more than others by much', () => {
  const x = draw(0, { down: 0.9, right: 0.6 })
  // Nearer by whole pixels than the one that it is, and none of it however it is moved.
  const decoy = (n: number): Float64Array =>
    x.map((value, i) => value + (1.5 / 8) * near * Math.sign(Math.sin(40 * i + n)))
  expect(movedFromWhich(x, [decoy(1), draw(0)], near)).toEqual([1])
  expect(movedFromWhich(x, [decoy(1), decoy(2), decoy(3), draw(0)], near)).toEqual([])
})

test('of earlier ones that are all alike only the first few are found', () => {
  expect(
    movedFromWhich(
      draw(0),
      Array.from({ length: 16 }, () => draw(0)),
      near,
    ),
  ).toHaveLength(4)
})

test('larger pictures and those of color, side by side or one after the other, are looked at as one of eight by eight; no table is', () => {
  const small = new Float64Array(pixels)
  const large = drawn(scenes[0]!, 32)
  expect(pictureOf(large, small)).toBe(4)
  const gray = Float64Array.from(small)
  expect(isMoved(gray, draw(0))).toBe(true)
  const mixed = Array.from({ length: 3 * large.length }, (_, i) => large[Math.floor(i / 3)]! * [0.5, 1, 1.5][i % 3]!)
  const planes = [0.5, 1, 1.5].flatMap((by) => Array.from(large, (value) => by * value))
  for (const colors of [mixed, planes]) {
    expect(pictureOf(colors, small)).toBeCloseTo(4 * Math.sqrt(3))
    expect(apart(small, gray)).toBeLessThan(1e-9)
  }
  for (const length of [13, 30, 49, 63]) expect(pictureOf(new Float64Array(length), small)).toBe(0)
})
