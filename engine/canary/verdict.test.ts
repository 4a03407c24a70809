import { expect, test } from 'vitest'
import { foundOf, verdictOf, type Asked } from './verdict.ts'

function answers(planted: number, control: number, of = 40, answered = of): Asked[] {
  const kind = (name: 'planted' | 'control', hits: number): Asked[] =>
    Array.from({ length: of }, (_, n) => ({
      kind: name,
      hit: n < hits,
      chance: 1 / 12,
      answered: n < answered,
      named: 1,
    }))
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

test('controls that go better than guessing too leave it inconclusive, unless the planted ones go better still', () => {
  // Nine controls of forty have a probability of .005, and fourteen planted ones are not clearly more.
  expect(verdictOf(answers(14, 9))).toMatchObject({ verdict: 'inconclusive', because: 'controls' })
  expect(verdictOf(answers(25, 9)).verdict).toBe('derived')
})

test('what was not answered makes no evidence of innocence where it could have turned the result', () => {
  expect(verdictOf(answers(3, 3, 40, 10))).toMatchObject({ verdict: 'inconclusive', because: 'unanswered' })
  expect(verdictOf(answers(3, 3, 40, 38)).verdict).toBe('no-evidence')
  expect(verdictOf(answers(13, 3, 40, 20)).verdict).toBe('derived')
})

test('how often a model is found that knows a share, as a count over all outcomes comes to', () => {
  expect(foundOf({ count: 40, options: 12 }, 1 / 3)).toBeCloseTo(0.9528, 3)
  expect(foundOf({ count: 40, options: 12 }, 0)).toBeLessThan(1e-3)
  expect(foundOf({ count: 9, options: 2 }, 1)).toBe(0)
})
