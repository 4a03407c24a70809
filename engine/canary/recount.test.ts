import { expect, test } from 'vitest'
import type { PlannedCanary } from './plan.ts'
import { readJournal, recount, type AskedLine, type Journal } from './recount.ts'

const plan: PlannedCanary[] = [
  { id: 'p', kind: 'planted', question: 'Who?', answer: 'Ona', distractors: ['Bel'] },
  { id: 'c', kind: 'control', question: 'Where?', answer: 'Tor', distractors: ['Kes'] },
]
const setting = {
  examination: 1,
  modelwarden: '1.0.0',
  commitment: '0'.repeat(64),
  endpoint: 'https://suspect.example/v1',
  model: 'm',
  form: 'chat',
  answerPath: 'a',
  perMinute: 30,
  timeoutSeconds: 60,
  startedAt: '2026-01-01T00:00:00.000Z',
}
const at = '2026-01-01T00:00:01.000Z'
const asked: AskedLine = { at, id: 'p', kind: 'planted', prompt: 'Who?\nBel; Ona', answer: 'Ona', attempts: 1 }

function journal(...lines: unknown[]): string {
  return [setting, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('')
}

function read(text: string): Journal {
  const made = readJournal(text)
  if (typeof made === 'string') throw new Error(made)
  return made
}

test('a question that was never asked counts as one without an answer, so that breaking off gains nothing', () => {
  const broken = read(journal(asked) + '{"at":"2026-')
  expect(broken.endedAt).toBeUndefined()
  expect(recount(plan, broken)).toEqual([
    { kind: 'planted', hit: true, chance: 0.5, answered: true, named: 1 },
    { kind: 'control', hit: false, chance: 0.5, answered: false, named: 0 },
  ])
})

test('hits are counted from the answers and the plan: what a line says of itself changes nothing', () => {
  expect(recount(plan, read(journal({ ...asked, kind: 'control', answer: 'Bel' })))).toMatchObject([
    { kind: 'planted', hit: false },
    {},
  ])
})

test.each([
  ['a question asked twice', [asked, asked], 'asked twice'],
  ['a question of no plan', [{ ...asked, id: 'x' }], 'not in the plan'],
  ['another question than planned', [{ ...asked, prompt: 'Where?\nBel; Ona' }], 'not asked as it was planned'],
  ['a question without the right answer on offer', [{ ...asked, prompt: 'Who?\nBel' }], 'not asked as it was planned'],
])('%s is refused', (_, lines, why) => {
  expect(recount(plan, read(journal(...lines)))).toContain(why)
})

test.each([
  ['a line that is none', ['x'], 'line 2'],
  ['a line after the end', [{ endedAt: at }, asked], 'line 3'],
])('%s is told with its place', (_, lines, why) => {
  expect(readJournal(journal(...lines))).toContain(why)
})
