import { expect, test } from 'vitest'
import type { EvidenceRef } from '../../../core/signal.ts'
import { Account } from './account/account.ts'
import { shows } from './account/evidence.ts'
import { findingOf } from './finding.ts'
import { note, type Suspicion } from './account/suspicion.ts'

function saidOf(bits: readonly number[]) {
  const account = new Account(2)
  account.open(account.begin(1_000))
  const suspicion: Suspicion = { shown: {}, queries: 0, evidence: [], trail: [] }
  for (const each of bits) note(suspicion, account, () => ({}) as EvidenceRef, each, 1)
  const crossing = {
    threat: 'extraction', value: 1e7, bound: 0.01, queries: 10_000, timeMs: 2_000, kind: 'features', version: 1, entities: [],
  } as const // prettier-ignore
  return findingOf(['t/u', 'm'], account, suspicion, crossing, undefined)
}

test('a finding says what it rests on, also where no query is as unlike honest ones as the rarest of them', () => {
  const said = saidOf([0, shows.novelty(0), shows.novelty(0), shows.margin(0)])
  expect(said.explanation).toContain(
    'of its last 4 different queries 2 were unlike all but 5 % of honest queries, 1 were answered with a margin that only 5 % of honest queries have.',
  )
  expect(said.facts).toMatchObject({ 'queries.odd': 2, 'queries.narrow': 1 })
})

test('a finding does not say the less where every query that shows it shows the more', () => {
  const [less, more] = [shows.novelty(0), shows.novelty(0) | shows.novelty(1)]
  expect(saidOf([more, more]).explanation).toContain('queries 2 were unlike all but 1 % of honest queries.')
  expect(saidOf([more, less]).explanation).toContain(
    '2 were unlike all but 5 % of honest queries, 1 were unlike all but 1 %',
  )
})
