import { expect, test } from 'vitest'
import type { EvidenceRef } from '../../../core/signal.ts'
import { Account } from './account/account.ts'
import { shows } from './account/evidence.ts'
import { findingOf } from './finding.ts'
import { note, type Suspicion } from './account/suspicion.ts'

function saidOf(bits: readonly number[], bound = 0.01) {
  const account = new Account(2)
  account.open(account.begin(1_000))
  const suspicion: Suspicion = { shown: {}, queries: 0, evidence: [], trail: [] }
  for (const each of bits) note(suspicion, account, () => ({}) as EvidenceRef, each, 1)
  const crossing = {
    threat: 'extraction', value: 1e7, bound, queries: 10_000, timeMs: 2_000, kind: 'features', version: 1, entities: [],
  } as const // prettier-ignore
  return findingOf(['t/u', 'm'], account, suspicion, crossing, undefined)
}

test('a finding says what it rests on, also where no query is as unlike honest ones as the rarest of them', () => {
  const said = saidOf([0, shows.novelty(0), shows.novelty(0), shows.margin(0)])
  expect(said.explanation).toContain(
    't/u asks m as one does who copies it. Of its last 4 different queries: unlike all but 5 % of honest queries (2); answered with a margin that only 5 % of honest queries have (1). ' +
      'The evidence is 10^7.0; the line is 10^6.6, which an honest account crosses with a probability of at most 1 % in 10,000 different queries.',
  )
  expect(said.facts).toMatchObject({ 'queries.odd': 2, 'queries.narrow': 1 })
})

test('a finding says the bound as a percentage without what rounding adds', () => {
  expect(saidOf([shows.novelty(0)], 0.07).explanation).toContain('at most 7 % in')
  expect(saidOf([shows.novelty(0)], 0.0005).explanation).toContain('at most 0.05 % in')
})

test('a finding does not say the less where every query that shows it shows the more', () => {
  const [less, more] = [shows.novelty(0), shows.novelty(0) | shows.novelty(1)]
  expect(saidOf([more, more]).explanation).toContain('queries: unlike all but 1 % of honest queries (2).')
  expect(saidOf([more, less]).explanation).toContain(
    'unlike all but 5 % of honest queries (2); unlike all but 1 % of honest queries (1).',
  )
})

test('a finding says that many of the queries were made of one input, where that is what it rests on', () => {
  expect(saidOf([shows.ofBase, 0]).explanation).toContain(
    'Of its last 2 different queries: one of a pair, of equal changes or of half steps among many queries made of one input,',
  )
})
