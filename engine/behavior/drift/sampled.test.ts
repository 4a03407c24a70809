import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { EvidenceRef } from '../../../core/signal.ts'
import { channelNames } from './channels.ts'
import { DriftParams, type Answer } from './params.ts'
import { SampledBlock, samples, type Spelled } from './sampled.ts'
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

const again = (block: SampledBlock): SampledBlock =>
  SampledBlock.of(JSON.parse(JSON.stringify(block)) as readonly Spelled[])

function allOf(block: SampledBlock): Spelled[] {
  samples.open(block)
  return samples.all()
}

test('answers that wait come back as they were, also from a checkpoint', () => {
  const answers = [answerOf(1), answerOf(2, { subgroup: 'ältere 年', right: true }), answerOf(3, { right: false })]
  samples.open(undefined)
  samples.begin('m', 7)
  for (const [n, answer] of answers.entries()) samples.wait(answer, evidenceOf(n))
  const block = samples.putBack(undefined, undefined)
  for (const it of [block, again(block)]) {
    expect(allOf(it)).toEqual([{ model: 'm', span: 7, count: 0, pending: answers, evidence: evidenceOf(2) }])
  }
  samples.open(block)
  samples.find('m')
  samples.handedOn()
  samples.putBack(block, undefined)
  expect(allOf(again(block))).toEqual([{ model: 'm', span: 7, count: 0, pending: [], evidence: undefined }])
})

test('answers of one model wait beside those of others, whatever the models are called and how long the evidence is', () => {
  const names = ['', 'm', 'a model', '模型', 'm'.repeat(512)]
  let block: SampledBlock | undefined
  const kept = new Map<string, Answer[]>()
  const evidence = { ...evidenceOf(1), id: 'é'.repeat(3_000) }
  for (let n = 0; n < 60; n++) {
    const model = names[(n * 7) % names.length]!
    samples.open(block)
    const pending = kept.get(model) ?? []
    expect(samples.find(model)).toBe(kept.has(model))
    if (!kept.has(model)) samples.begin(model, n)
    kept.set(model, pending)
    expect(samples.waiting).toBe(pending.length)
    if (pending.length === 3) {
      expect(samples.answers()).toEqual(pending)
      samples.handedOn()
      pending.length = 0
    } else {
      pending.push(answerOf(n))
      samples.wait(pending.at(-1)!, evidence)
    }
    block = samples.putBack(block, undefined)
    if (n % 10 === 0) block = again(block)
    const expected = [...kept].map(([of, waiting]) => [of, waiting, waiting.length === 0 ? undefined : evidence])
    expect(allOf(block).map((each) => [each.model, each.pending, each.evidence])).toEqual(expected)
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
