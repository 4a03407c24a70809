import { expect, test } from 'vitest'
import { isMoved, type Moved, type Vote } from './labels.ts'

const vote = (most: string): Vote => ({ strength: 7, most, against: true, contradicts: true })

test('the way in which a source relabels is the first that it went twice', () => {
  const moved: Moved = { seen: {} }
  expect(['a', 'b', 'b', 'a', 'b'].map((most) => isMoved(moved, vote(most), 'c'))).toEqual([
    false,
    false,
    false,
    false,
    true,
  ])
  expect(isMoved(moved, { ...vote('b'), contradicts: false }, 'c')).toBe(true)
  expect(isMoved(moved, vote('b'), 'd')).toBe(false)
})

test('what is kept of a source whose labels go against everybody has a bound', () => {
  const moved: Moved = { seen: {} }
  for (let n = 0; n < 1_000; n++) expect(isMoved(moved, vote(`${n}`), 'c')).toBe(false)
  expect(Object.keys(moved.seen)).toHaveLength(64)
  isMoved(moved, vote('7'), 'c')
  expect(isMoved(moved, vote('7'), 'c')).toBe(true)
})
