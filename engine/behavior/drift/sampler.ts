/**
 * The local step of `drift`: takes a bounded number of answers of an account and model in each span, and hands them on a few
 * at a time, so that the second step costs little for each call.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
import type { BehaviorStep, GroupEntries, Shuffled, StepOutcome } from '../types.ts'
import type { Answer, DriftParams } from './params.ts'
import { Sampled, type Spelled } from './sampled.ts'

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
    const models = modelsOf(entries)
    let sampled = sampledOf(models, model)
    if (sampled === undefined) {
      if (models.length >= modelsMax) return { ...quiet, dueMs, dropped: 'overflow' }
      sampled = new Sampled(model, span)
    }
    if (sampled.span < span) {
      sampled.span = span
      sampled.count = 0
    }
    if (sampled.count >= this.#params.sampled) return { ...quiet, dueMs }
    sampled.count++
    const shuffled = this.#sample(principal!, sampled, answer(), evidence())
    entries.set('', models.includes(sampled) ? models : models.concat(sampled))
    return { findings: nothing, shuffled, dueMs }
  }

  /** Together with those that wait, once they are enough. */
  #sample(principal: string, sampled: Sampled, answer: Answer, evidence: EvidenceRef): readonly Shuffled[] {
    if (sampled.waiting < togetherMax - 1) {
      sampled.wait(answer, evidence)
      return nothing
    }
    const answers = sampled.answers()
    sampled.handedOn()
    return [handOn(principal, sampled.model, [...answers, answer], evidence)]
  }

  advance([principal]: readonly string[], entries: GroupEntries): StepOutcome {
    const models = modelsOf(entries)
    const waiting = models.every(waits) ? models : models.filter(waits)
    const shuffled = waiting.map((sampled) => {
      const { answers, evidence } = sampled.pending()
      return handOn(principal!, sampled.model, answers, evidence!)
    })
    return { findings: nothing, shuffled, dueMs: Infinity, forget: true }
  }
}

const nothing: readonly never[] = []
const quiet: StepOutcome = { findings: nothing, shuffled: nothing, dueMs: Infinity }

/** Where each model has an entry of its own, under its name, the state is an older one. */
function modelsOf(entries: GroupEntries): readonly Sampled[] {
  const kept = entries.get<readonly (Sampled | Spelled)[]>('')
  if (kept !== undefined) return areOpen(kept) ? kept : kept.map((each) => Sampled.of(each))
  return entries.names().map((model) => {
    const { span, count, pending, evidence } = entries.get<Spelled>(model)!
    entries.delete(model)
    return Sampled.of({ model, span, count, pending, evidence })
  })
}

function areOpen(kept: readonly (Sampled | Spelled)[]): kept is readonly Sampled[] {
  for (const each of kept) if (!(each instanceof Sampled)) return false
  return true
}

function waits({ waiting }: Sampled): boolean {
  return waiting > 0
}

function sampledOf(models: readonly Sampled[], model: string): Sampled | undefined {
  for (const each of models) if (each.model === model) return each
  return undefined
}

function handOn(principal: string, model: string, answers: readonly Answer[], evidence: EvidenceRef): Shuffled {
  const observation: Answers = { principal, answers, evidence }
  return { group: [model], observation }
}
