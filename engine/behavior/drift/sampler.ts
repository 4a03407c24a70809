/**
 * The local step of `drift`: takes a bounded number of answers of an account and model in each span, and hands them on a few
 * at a time, so that the second step costs little for each call.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
import type { BehaviorStep, GroupEntries, Shuffled, StepOutcome } from '../types.ts'
import type { Answer, DriftParams } from './params.ts'
import { SampledBlock, samples, type Spelled } from './sampled.ts'

export interface Answers {
  readonly principal: string
  readonly answers: readonly Answer[]
  /** Of the last one. */
  readonly evidence: EvidenceRef
}

export interface AnswerSeen {
  readonly model: string
  readonly timeMs: number
  /** Looked at only where it is sampled. */
  readonly answer: () => Answer
  readonly evidence: () => EvidenceRef
}

const modelsMax = 32
const togetherMax = 4

export class AnswerSampler implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal']
  readonly #params: DriftParams

  constructor(params: DriftParams) {
    this.#params = params
  }

  apply([principal]: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { model, timeMs, answer, evidence } = input as AnswerSeen
    const span = Math.floor(timeMs / this.#params.per)
    const dueMs = (span + 1) * this.#params.per
    const block = blockOf(entries)
    samples.open(block)
    if (!samples.find(model)) {
      if (samples.models >= modelsMax) return { ...quiet, dueMs, dropped: 'overflow' }
      samples.begin(model, span)
    }
    if (samples.span < span) {
      samples.span = span
      samples.count = 0
    }
    if (samples.count >= this.#params.sampled) return { ...quiet, dueMs }
    samples.count++
    const shuffled = takeIn(principal!, model, answer(), evidence())
    entries.set('', samples.putBack(block, entries.room))
    return { findings: nothing, shuffled, dueMs }
  }

  advance([principal]: readonly string[], entries: GroupEntries): StepOutcome {
    samples.open(blockOf(entries))
    const shuffled: Shuffled[] = []
    for (const { model, pending, evidence } of samples.all()) {
      if (evidence !== undefined) shuffled.push(handOn(principal!, model, pending, evidence))
    }
    return { findings: nothing, shuffled, dueMs: Infinity, forget: true }
  }
}

const nothing: readonly never[] = []
const quiet: StepOutcome = { findings: nothing, shuffled: nothing, dueMs: Infinity }

/** Together with those that wait, once they are enough. */
function takeIn(principal: string, model: string, answer: Answer, evidence: EvidenceRef): readonly Shuffled[] {
  if (samples.waiting < togetherMax - 1) {
    samples.wait(answer, evidence)
    return nothing
  }
  const answers = samples.answers()
  samples.handedOn()
  return [handOn(principal, model, [...answers, answer], evidence)]
}

/** Where each model has an entry of its own, under its name, the state is an older one. */
function blockOf(entries: GroupEntries): SampledBlock | undefined {
  const kept = entries.get<SampledBlock | readonly Spelled[]>('')
  if (kept !== undefined) return SampledBlock.of(kept, entries.room)
  const names = entries.names()
  if (names.length === 0) return undefined
  const older = names.map((model) => ({ ...entries.get<Spelled>(model)!, model }))
  for (const model of names) entries.delete(model)
  return SampledBlock.of(older, entries.room)
}

function handOn(principal: string, model: string, answers: readonly Answer[], evidence: EvidenceRef): Shuffled {
  const observation: Answers = { principal, answers, evidence }
  return { group: [model], observation }
}
