import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { inBlackAndWhite } from './black-and-white.ts'
import { unpacked } from '../../input/packed.ts'
import { inputOf, isBlackAndWhite, packedInBlackAndWhite } from '../../input/input.ts'
import { openReference, type Sample } from './reference.ts'

test('a picture of black and white is one, also where more values are reduced to fewer', () => {
  const of = (features: number[]) =>
    inputOf({ warden: { principal: 'p', input: { features }, output: { label: 1 } } } as never)!
  const picture = Array.from({ length: 196 }, (_, n) => (n % 3 === 0 ? 1 : 0))
  expect(of(picture).blackAndWhite).toBe(true)
  expect(isBlackAndWhite(of(picture).x)).toBe(false)
  expect(of([...picture, 0.5]).blackAndWhite).toBe(false)
})

describe('pictures in black and white', () => {
  /** Two shapes, more or less bright, with noise, in 16 values. */
  const picture = (random: () => number): { x: Float32Array; label: string } => {
    const shape = Math.floor(random() * 2)
    const lit = (n: number): boolean => (shape === 0 ? n < 8 : n % 4 < 2)
    return {
      x: Float32Array.from({ length: 16 }, (_, n) => (lit(n) ? 0.55 : 0.05) + 0.4 * random()),
      label: String(shape),
    }
  }
  const accounts = (random: () => number, of = picture): Sample[][] =>
    Array.from({ length: 8 }, () => Array.from({ length: 80 }, () => ({ ...of(random), margin: NaN })))

  test('are held against what honest ones would be in black and white: they are not odd, and noise is', () => {
    const random = randomOf(8)
    const told = inBlackAndWhite(accounts(random))!
    const { novelty } = openReference(told)!
    const line = told.lines.novelty[1]!
    for (let n = 0; n < 50; n++) {
      const { x, label } = picture(random)
      expect(
        novelty(
          x.map((value) => (value < 0.5 ? 0 : 1)),
          label,
        ),
      ).toBeLessThanOrEqual(line)
      const noise = Float64Array.from({ length: 16 }, () => Math.floor(random() * 2))
      expect(novelty(noise, label)).toBeGreaterThan(line)
    }
  })

  test('of more values than are kept are held against pictures that were turned before they were reduced', () => {
    const random = randomOf(10)
    const large = (from: number): { values: number[]; label: string } => {
      const shape = Math.floor(random() * 2)
      const lit = (n: number): boolean => (shape === 0 ? n < 98 : n % 14 < 7)
      const grey = Array.from({ length: 196 }, (_, n) => (lit(n) ? 0.45 : 0.05) + 0.5 * random())
      return { values: from > 0 ? grey.map((value) => (value < from ? 0 : 1)) : grey, label: String(shape) }
    }
    const inputFor = (values: number[], label: string) =>
      inputOf({ warden: { principal: 'p', input: { features: values }, output: { label } } } as never)!
    const taught = Array.from({ length: 8 }, () =>
      Array.from({ length: 80 }, (): Sample => {
        const { values, label } = large(0)
        const input = inputFor(values, label)
        const blackAndWhite = unpacked(packedInBlackAndWhite(input)!)
        return { x: Float32Array.from(input.x), label, margin: NaN, blackAndWhite }
      }),
    )
    const told = inBlackAndWhite(taught)!
    const { novelty } = openReference(told)!
    const odd = (values: number[], label: string): boolean =>
      novelty(Float64Array.from(inputFor(values, label).x), label) > told.lines.novelty[0]!
    const oddOf = (make: () => { values: number[]; label: string }): number =>
      Array.from({ length: 100 }, make).filter(({ values, label }) => odd(values, label)).length
    expect(oddOf(() => large(0.42))).toBeLessThan(22)
    expect(oddOf(() => ({ values: Array.from({ length: 196 }, () => Math.round(random())), label: '0' }))).toBe(100)
    const turned = inputFor(large(0.42).values, '0')
    expect([...unpacked(packedInBlackAndWhite(turned)!)]).toEqual([...turned.x])
  })

  test('are told of as well where some customers send them so', () => {
    const grey = accounts(randomOf(11))
    const turned = (samples: Sample[]): Sample[] => samples.map((each) => ({ ...each, x: each.x.map(Math.round) }))
    expect(inBlackAndWhite(grey.map((samples, n) => (n < 3 ? turned(samples) : samples)))).toBeDefined()
  })

  test('say nothing of tables, nor of inputs that all are yes and no', () => {
    const table = accounts(randomOf(9)).map((samples) =>
      samples.map((each) => ({ ...each, x: each.x.map((v) => 3 * v) })),
    )
    const yesAndNo = accounts(randomOf(9)).map((samples) =>
      samples.map((each) => ({ ...each, x: each.x.map(Math.round) })),
    )
    expect(inBlackAndWhite(table)).toBeUndefined()
    expect(inBlackAndWhite(yesAndNo)).toBeUndefined()
    expect(inBlackAndWhite(accounts(randomOf(9)))).toBeDefined()
  })
})
