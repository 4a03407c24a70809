import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import type { ToldCover } from './cover-lines.ts'
import { LearnAnswers } from './learn.ts'
import { packedPrompt } from './packed-prompt.ts'
import { HarvestParams, type Taught } from './params.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startMs = Date.parse('2026-03-02T00:00:00.000Z')
const normal = normalOf(randomOf(1))

/** A grouped step, and what accounts teach it: each time four answers and a prompt. */
function begin(): {
  teach(principal: string, sinceMs: number, timeMs: number, count: number, length?: number): void
  /** Of a writer's prompts, on a day with as many as no writer asks. */
  busy(principal: string, sinceMs: number, count: number): void
  suspect(principal: string, timeMs: number): void
  learn(watermarkMs: number): ToldCover | undefined
  names(): string[]
} {
  const step = new LearnAnswers(HarvestParams.parse({ type: 'answer-harvest' }))
  const entries = new KeptEntries()
  const apply = (taught: Taught): unknown => step.apply(['llm'], entries, JSON.parse(JSON.stringify(taught)))
  return {
    teach: (principal, sinceMs, timeMs, count, length = 8) => {
      for (let n = 0; n < count; n++) {
        const x = Array.from({ length }, () => normal() / 4)
        const prompt = { x: packedPrompt(x), tokens: 200 }
        apply({ principal, sinceMs, timeMs, answers: [200, 210, -190, 205], prompt })
      }
    },
    busy: (principal, sinceMs, count) => {
      for (let n = 0; n < count; n++) {
        const prompt = { x: packedPrompt(Array.from({ length: 8 }, () => normal() / 4)), tokens: 900 }
        apply({ principal, sinceMs, timeMs: sinceMs + hourMs, answers: [900, -900, -900, 900], prompt, busy: true })
      }
    },
    suspect: (principal, timeMs) => apply({ principal, sinceMs: startMs, timeMs, answers: [], suspect: true }),
    learn: (watermarkMs) => {
      const { baselines = [] } = step.advance(['llm'], entries, watermarkMs)
      return baselines.find(({ name }) => name === 'llm prompts')?.value as ToldCover | undefined
    },
    names: () => entries.names(),
  }
}

const principals = Array.from({ length: 8 }, (_, n) => `t/a${n}`)

test('cells are told once there are accounts that have been known for a day, and again with half as many prompts more, or after a week', () => {
  const book = begin()
  for (const each of principals) book.teach(each, startMs, startMs + hourMs, 40)
  expect(book.learn(startMs + 2 * hourMs)).toBeUndefined()
  expect(book.learn(startMs + dayMs + hourMs)).toMatchObject({ accounts: 8, samples: 320 })
  for (const each of principals) book.teach(each, startMs, startMs + dayMs, 19)
  expect(book.learn(startMs + dayMs + 2 * hourMs)).toBeUndefined()
  for (const each of principals) book.teach(each, startMs, startMs + dayMs, 1)
  expect(book.learn(startMs + dayMs + 3 * hourMs)).toMatchObject({ samples: 480 })
  expect(book.learn(startMs + 8 * dayMs)).toBeUndefined()
  expect(book.learn(startMs + 8 * dayMs + 3 * hourMs)).toMatchObject({ learnedMs: startMs + 8 * dayMs + 3 * hourMs })
})

test('accounts whose prompts are of another length have no say in the cells, which stay as they are while nobody asks anything new', () => {
  const book = begin()
  for (const each of principals) book.teach(each, startMs, startMs + hourMs, 40)
  for (const each of principals.slice(0, 6)) book.teach(`${each}/other`, startMs, startMs + hourMs, 40, 12)
  expect(book.learn(startMs + dayMs + hourMs)).toMatchObject({ accounts: 8, samples: 320 })
  expect(book.learn(startMs + dayMs + 2 * hourMs)).toBeUndefined()
})

test('an account that now and then sends a prompt of another length has its say by the others', () => {
  const book = begin()
  for (const each of principals) {
    book.teach(each, startMs, startMs + hourMs, 20)
    book.teach(each, startMs, startMs + hourMs, 1, 12)
    book.teach(each, startMs, startMs + hourMs, 20)
  }
  expect(book.learn(startMs + dayMs + hourMs)).toMatchObject({ accounts: 8, samples: 320 })
})

test('after the first week, who has been there for less than three days has no say in what is asked', () => {
  const book = begin()
  for (const each of principals) book.teach(each, startMs, startMs + hourMs, 40)
  expect(book.learn(startMs + dayMs + hourMs)).toBeDefined()
  const newMs = startMs + 6 * dayMs
  for (let n = 0; n < 8; n++) book.teach(`t/new${n}`, newMs, newMs + hourMs, 60)
  expect(book.learn(newMs + 2 * dayMs)).toBeUndefined()
  expect(book.learn(newMs + 3 * dayMs)).toMatchObject({ accounts: 16 })
})

test('an account that comes under suspicion takes its prompts with it, and of one no more than 96 are kept', () => {
  const book = begin()
  for (const each of principals) book.teach(each, startMs, startMs + hourMs, 130)
  book.suspect('t/a3', startMs + hourMs)
  expect(book.names()).not.toContain('prompts/t/a3')
  expect(book.learn(startMs + dayMs + hourMs)).toMatchObject({ accounts: 7, samples: 7 * 96 })
})

test('what those get who ask much is told of them alone: as theirs, where two do; as a habit, where one has done so for days', () => {
  const after = (writers: number, days: number): ToldCover => {
    const book = begin()
    for (const each of principals) book.teach(each, startMs, startMs + hourMs, 40)
    for (let n = 0; n < writers; n++) book.busy(`t/w${n}`, startMs, 40)
    return book.learn(startMs + days * dayMs + hourMs)!
  }
  expect(after(1, 1)).toMatchObject({ much: 0.5, own: [] })
  expect(after(1, 3)).toMatchObject({ much: 0.5, own: ['t/w0'] })
  expect(after(2, 1).much).toBeUndefined()
})
