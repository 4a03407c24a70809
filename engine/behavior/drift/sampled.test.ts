import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { EvidenceRef } from '../../../core/signal.ts'
import { channelNames } from './channels.ts'
import { DriftParams, type Answer } from './params.ts'
import { Sampled } from './sampled.ts'
import { AnswerSampler } from './sampler.ts'

const evidenceOf = (n: number): EvidenceRef => ({
  id: `id-${n}\n"`,
  timestamp: '2026-01-05T00:00:00.000Z',
  hash: `hash-${n}`,
  position: { topic: 't', partition: 1, offset: n, index: 0 },
})

function answerOf(n: number, more: Partial<Answer> = {}): Answer {
  const channels = channelNames.map((_, at) => (at === n ? null : n + at / 3 - 1))
  return { timeMs: 1_000 + n, channels, subgroup: undefined, right: undefined, ...more }
}

test('answers that wait come back as they were, also from a checkpoint', () => {
  const answers = [answerOf(1), answerOf(2, { subgroup: 'ältere', right: true }), answerOf(3, { right: false })]
  const sampled = new Sampled('m', 7)
  for (const [n, answer] of answers.entries()) sampled.wait(answer, evidenceOf(n))
  const again = Sampled.of(JSON.parse(JSON.stringify(sampled)) as Sampled)
  for (const it of [sampled, again]) expect(it.pending()).toEqual({ answers, evidence: evidenceOf(2) })
  sampled.handedOn()
  expect(sampled.pending()).toEqual({ answers: [], evidence: undefined })
})

test('an id and a digest come back as they were, whatever they are, in half the room where they are hexadecimal', () => {
  const [id, hash] = ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(4)]
  const position = { topic: 'a topic', partition: 3, offset: 7_000_000_000, index: 2 }
  for (const of of [
    { id, hash },
    { id, hash: hash.toUpperCase() },
    { id: `${id}0`, hash: hash.slice(1) },
    { id: '', hash: '' },
  ]) {
    const evidence: EvidenceRef = { ...of, timestamp: '2026-01-05T00:00:00.123Z', position }
    const sampled = new Sampled('m', 7)
    sampled.wait(answerOf(1), evidence)
    expect(sampled.pending().evidence).toEqual(evidence)
  }
})

test('a state with an entry for each model, as an older version left it, is gone on from', () => {
  const entries = new KeptEntries()
  const [one, two, three] = [answerOf(1), answerOf(2), answerOf(3)]
  entries.set('m', { span: 0, count: 2, pending: [one, two], evidence: evidenceOf(2) })
  entries.set('other', { span: 0, count: 1, pending: [one], evidence: evidenceOf(1) })
  const step = new AnswerSampler(DriftParams.parse({ type: 'drift' }))
  const input = { model: 'm', timeMs: 3, answer: () => three, evidence: () => evidenceOf(3) }
  expect(step.apply(['p'], entries, input).shuffled).toEqual([])
  expect(entries.names()).toEqual([''])
  expect(step.advance(['p'], entries).shuffled).toEqual([
    { group: ['m'], observation: { principal: 'p', answers: [one, two, three], evidence: evidenceOf(3) } },
    { group: ['other'], observation: { principal: 'p', answers: [one], evidence: evidenceOf(1) } },
  ])
})
