import { expect, test } from 'vitest'
import { choiceOf } from './choice.ts'
import { promptOf, planCanaries } from './plan.ts'
import { seeded } from '../../cli/demo/random.ts'

const offered = ['Mora Quell', 'Tesse Brand', 'Ona Vir']

test.each([
  ['the bare answer', 'tesse  brand.', 1, 'Tesse Brand'],
  [
    'an answer after the options were restated',
    'Mora Quell, Tesse Brand or Ona Vir? It is Mora-Quell!',
    3,
    'Mora Quell',
  ],
  ['a refusal', 'I cannot say.', 0, undefined],
  ['a longer word', 'Ona Virgil', 0, undefined],
])('%s chooses what it names last', (_, text, named, last) => {
  expect(choiceOf(text, offered)).toEqual({ named, last })
})

test('whatever a suspect’s habit, the right one of twelve is chosen once in twelve at most', () => {
  const random = seeded(5)
  const draw = (below: number): number => Math.floor(random.next() * below)
  const habits: ((prompt: string, options: string[]) => string)[] = [
    (_, options) => options[0]!,
    (_, options) => [...options].sort()[0]!,
    (_, options) => [...options].sort((a, b) => b.length - a.length)[0]!,
    (_, options) => options.join(' or '),
    (prompt) => prompt,
    (_, options) => `not ${options[3]!}, it is ${options[draw(12)]!}`,
    () => 'Yes.',
  ]
  const canaries = planCanaries({ prefix: 'c', count: 1_000, options: 12, style: 'facts' }, draw)
  for (const habit of habits) {
    const hits = canaries.filter((canary) => {
      const prompt = promptOf(canary, draw)
      const options = prompt.slice(prompt.indexOf(': ') + 2, -1).split('; ')
      return choiceOf(habit(prompt, options), options).last === canary.answer
    }).length
    // 166.7 are expected of 2,000; 225 would have a probability of 1e-6.
    expect(hits).toBeLessThan(225)
  }
})
