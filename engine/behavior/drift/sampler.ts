/**
 * The local step of `drift`: takes a bounded number of answers of an account and model in each span, and hands them on a few
 * at a time, so that the second step costs little for each call.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
import type { BehaviorStep, GroupEntries, Shuffled, StepOutcome } from '../types.ts'
import type { Answer, DriftParams } from './params.ts'

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

interface Sampled {
  span: number
  /** In this span. */
  count: number
  pending: Answer[]
  evidence: EvidenceRef
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
    const sampled = entries.get<Sampled>(model) ?? { span, count: 0, pending: [], evidence: evidence() }
    if (sampled.count === 0 && entries.names().length >= modelsMax) return { ...quiet, dueMs, dropped: 'overflow' }
    if (sampled.span < span) {
      sampled.span = span
      sampled.count = 0
    }
    if (sampled.count >= this.#params.sampled) return { ...quiet, dueMs }
    sampled.count++
    sampled.pending.push(answer())
    sampled.evidence = evidence()
    const shuffled = sampled.pending.length < togetherMax ? [] : [handOn(principal!, model, sampled)]
    entries.set(model, sampled)
    return { ...quiet, shuffled, dueMs }
  }

  advance([principal]: readonly string[], entries: GroupEntries): StepOutcome {
    const shuffled = entries.names().flatMap((model) => {
      const sampled = entries.get<Sampled>(model)!
      return sampled.pending.length === 0 ? [] : [handOn(principal!, model, sampled)]
    })
    return { ...quiet, shuffled, forget: true }
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

function handOn(principal: string, model: string, sampled: Sampled): Shuffled {
  const observation: Answers = { principal, answers: sampled.pending, evidence: sampled.evidence }
  sampled.pending = []
  return { group: [model], observation }
}
