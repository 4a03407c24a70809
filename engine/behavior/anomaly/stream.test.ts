import { expect, test } from 'vitest'
import { newStream, score, type StreamState } from './stream.ts'

/** A day of 48 values with noise, the same for the same seed. */
function wave(count: number, seed = 1): number[] {
  let state = seed
  return Array.from({ length: count }, (_, n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return 100 + 40 * Math.sin((2 * Math.PI * n) / 48) + (5 * state) / 2 ** 31
  })
}

function scores(state: StreamState, values: readonly (number | null)[]): number[] {
  return values.map((value) => score(state, value).score)
}

test('a value that is usual at noon stands out at midnight', () => {
  const values = wave(1_500)
  const at = 1_404 // 12 values into a day is the crest, 36 the trough: 1404 = 29 × 48 + 12
  values[at + 24] = 138
  const found = scores(newStream(48, 1_000), values)
  expect(found[at + 24]).toBeGreaterThan(10)
  expect(Math.max(...found.slice(400, at))).toBeLessThan(10)
})

test('an episode is told once, not with every value of it', () => {
  const values = wave(1_500)
  for (let n = 1_200; n < 1_260; n++) values[n] = 400
  const found = scores(newStream(48, 1_000), values).slice(1_200, 1_300)
  expect(found.filter((each) => each > 10).length).toBeLessThan(10)
})

test.each([
  ['with a value at each place', (): boolean => false],
  ['with nights that have none', (n: number): boolean => n % 48 > 30 + (n % 7)],
])('a stream restored from its state scores as if nothing had happened: %s', (_, isEmpty) => {
  const values = wave(6_500).map((each, n) => (isEmpty(n) ? null : each))
  values[6_200] = 400
  const whole = newStream(48, 1_000)
  const expected = scores(whole, values)
  const first = newStream(48, 1_000)
  scores(first, values.slice(0, 6_000))
  const restored = JSON.parse(JSON.stringify(first)) as StreamState
  const after = scores(restored, values.slice(6_000))
  for (const [n, each] of after.entries()) expect(each).toBeCloseTo(expected[6_000 + n]!, 9)
})

test('what is remembered stays bounded', () => {
  const stream = newStream(48, 1_000)
  scores(stream, wave(20_000))
  expect(stream.values.length).toBeLessThan(1_500)
  expect(stream.peaks.length).toBeLessThanOrEqual(128)
})
