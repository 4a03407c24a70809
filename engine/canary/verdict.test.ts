import { expect, test } from 'vitest'
import { fisher, verdictOf, type Asked } from './verdict.ts'

function answers(planted: number, control: number, of = 40): Asked[] {
  const kind = (name: 'planted' | 'control', hits: number): Asked[] =>
    Array.from({ length: of }, (_, n) => ({ kind: name, hit: n < hits, chance: 1 / 12 }))
  return [...kind('planted', planted), ...kind('control', control)]
}

test('thirteen of forty are derived, three of forty are no evidence, eight lie between', () => {
  expect(verdictOf(answers(13, 3)).verdict).toBe('derived')
  expect(verdictOf(answers(3, 3)).verdict).toBe('no-evidence')
  expect(verdictOf(answers(8, 3)).verdict).toBe('inconclusive')
})

test('a suspect that knows the controls too makes the examination invalid, not derived', () => {
  expect(verdictOf(answers(30, 30)).verdict).toBe('invalid')
})

test('Fisher’s exact test of the tea-tasting lady', () => {
  expect(fisher(3, 4, 1, 4)).toBeCloseTo(17 / 70, 10)
  expect(fisher(4, 4, 0, 4)).toBeCloseTo(1 / 70, 10)
})
