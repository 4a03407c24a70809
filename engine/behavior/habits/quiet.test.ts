import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Habits } from './known.ts'
import type { KeyUse } from './params.ts'
import { QuietHabits } from './quiet.ts'

const place = {
  network: '203.0.113',
  agent: 'curl',
  country: 'DE',
  firstMs: 1_767_571_200_001,
  lastMs: 1_767_571_260_002,
  calls: 9,
}
const habits: Habits = {
  credential: 'hmac-1',
  firstMs: 1_767_571_200_001,
  lastMs: 1_767_571_260_002,
  calls: 9,
  places: [place],
  logs: [],
  changes: 0,
  changed: false,
  fastestKmh: 0,
  paceMs: 6_000.25,
  trail: undefined,
}
const use = {
  timeMs: 1_767_571_270_003,
  credential: 'hmac-1',
  network: '203.0.113',
  agent: 'curl',
  country: 'DE',
} as KeyUse
const spelled = (of: unknown): unknown => JSON.parse(JSON.stringify(of))
const pace = (): number => 7

test('habits that show nothing are the same after they were packed, and are spelled as others are', () => {
  // Texts of characters that take one to four bytes, many about as long as there is room for.
  const fill = fc.tuple(
    fc.constantFrom('a', 'é', '€', '😀', '\u007f', '\u0080', '\ud800'),
    fc.integer({ min: 252, max: 257 }),
  )
  const atLimit = fc
    .tuple(fc.constantFrom('', 'a', 'é', '€', '😀'), fill)
    .map(([first, [of, length]]) => first + of.repeat(length - first.length))
  const text = fc.oneof(
    { weight: 16, arbitrary: fc.string({ maxLength: 260 }) },
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary', maxLength: 260, size: 'max' }),
    { weight: 2, arbitrary: atLimit },
  )
  const time = fc.integer({ min: 0, max: 4e12 })
  const places = fc.tuple(
    fc.record({ network: text, agent: text, country: text, firstMs: time, lastMs: time, calls: fc.nat() }),
  )
  const paceMs = fc.double({ min: 0, max: 1e8, noNaN: true })
  const numbers = { firstMs: time, lastMs: time, calls: fc.nat(), changes: fc.nat(), fastestKmh: fc.nat(), paceMs }
  fc.assert(
    fc.property(fc.record({ credential: text, ...numbers, places }), (of) => {
      const all: Habits = { ...habits, ...of }
      const block = QuietHabits.of([all])
      QuietHabits.of([habits])
      if (block !== undefined) {
        expect(block.open()).toEqual([all])
        expect(spelled(block)).toEqual(spelled([all]))
        return
      }
      const { network, agent, country } = all.places[0]!
      const fits = (each: string): boolean => each.length <= 255 && Buffer.byteLength(each) === each.length
      expect([all.credential, network, agent, country].every(fits)).toBe(false)
    }),
  )
})

test.each<[string, Partial<Habits>]>([
  ['that are bet against', { logs: [0.5, 0, 0] }],
  ['that have just changed', { changed: true }],
  ['with a newcomer', { newcomer: { network: 'n', sinceMs: 1, calls: 1, callsBefore: 1, newCountry: false } }],
  ['with a trail', { trail: { sinceMs: 1, entities: [], evidence: [] } }],
  ['of two places', { places: [place, { ...place, network: 'n' }] }],
  ['with a name of other characters', { credential: 'aä' }],
  ['with a name that has no room', { credential: 'a'.repeat(256) }],
  ['with a name whose first character takes two bytes', { credential: `é${'a'.repeat(254)}` }],
  ['with a name of two bytes each', { credential: `a${'é'.repeat(254)}` }],
  ['with a name of three bytes each', { credential: '€'.repeat(255) }],
])('habits %s are not packed', (_, but) => {
  expect(QuietHabits.of([{ ...habits, ...but }])).toBeUndefined()
})

test('two keys are not packed', () => {
  expect(QuietHabits.of([habits, habits])).toBeUndefined()
})

test('a use of the key at its one place changes numbers alone', () => {
  const block = QuietHabits.of([habits])!
  expect(block.repeat(use, pace)).toBe(use.timeMs)
  const after = {
    ...habits,
    calls: 10,
    lastMs: use.timeMs,
    paceMs: 7,
    places: [{ ...place, calls: 10, lastMs: use.timeMs }],
  }
  expect(block.open()).toEqual([after])
  expect(block.repeat({ ...use, timeMs: 5 }, pace)).toBe(use.timeMs)
  expect(block.open()[0].calls).toBe(11)
})

test.each<[string, Partial<KeyUse>]>([
  ['another key', { credential: 'hmac-2' }],
  ['another network', { network: '203.0.11' }],
  ['another program', { agent: 'curls' }],
  ['another country', { country: '' }],
])('%s is looked at in full', (_, but) => {
  const block = QuietHabits.of([habits])!
  expect(block.repeat({ ...use, ...but }, pace)).toBeUndefined()
  expect(block.open()).toEqual([habits])
})
