import { expect, test } from 'vitest'
import { GramCounts } from './gram-counts.ts'

test('a text that many others have within them is told to be common, one that stands alone is not', () => {
  const counts = new GramCounts()
  for (let n = 0; n < 40; n++) counts.add(`\\users\\person-${n}\\`)
  for (const text of ['users', 'zebra', 'abc']) counts.add(text)
  expect(counts.shareWith('users')).toBeGreaterThan(0.5)
  expect(counts.shareWith('zebra')).toBe(0)
  expect(counts.shareWith('abc')).toBe(0)
})

test('among few texts, nothing is common', () => {
  const counts = new GramCounts()
  for (const text of ['users', '\\users\\']) counts.add(text)
  expect(counts.shareWith('users')).toBeLessThan(0.05)
})
