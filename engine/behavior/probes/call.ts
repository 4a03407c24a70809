/** What `call-probes` reads of a call: no text, only what gateways log of it. */
import type { Event } from '../../../core/event.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import { inputOf, keyOfText } from '../input/input.ts'

export interface Call {
  readonly timeMs: number
  readonly model: string
  /** 32 bits: equal prompts have equal ones. */
  readonly prompt: number
  /** A vector of length 1, where the event has an embedding or a similarity-preserving hash of the prompt. */
  readonly place: Float64Array | undefined
  /** Undefined where none were counted: not a language model. */
  readonly inTokens: number | undefined
  readonly outTokens: number | undefined
  /** Undefined where no limit was asked for. */
  readonly maxTokens: number | undefined
  /** It ended because the limit was reached. */
  readonly cutOff: boolean
  /** Log-probabilities or a bias were asked for. */
  readonly logits: boolean
  /** 32 bits of the answer; undefined where the gateway makes no digest of it. */
  readonly answer: number | undefined
  readonly latencyMs: number
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

/** No call has so many tokens: they are added up. */
const countMax = 1e9

/** Undefined where equal prompts can't be told. */
export function readCall(event: Event): Call | undefined {
  const { warden, gen_ai: ai } = event
  const hash = warden.input?.hash
  const model = warden.model?.id ?? ai?.request?.model
  if (typeof hash !== 'string' || hash === '' || model === undefined || model === '') return undefined
  const outTokens = countOf(ai?.usage?.output_tokens)
  const maxTokens = countOf(ai?.request?.max_tokens)
  const bias = ai?.request?.['logit_bias']
  const answer = warden.output?.['hash']
  const latency = warden['latency_ms']
  return {
    timeMs: timeOf(event),
    model,
    prompt: keyOfText(hash),
    place: placeOf(event),
    inTokens: countOf(ai?.usage?.input_tokens),
    outTokens,
    maxTokens,
    cutOff: isCutOff(ai?.response?.['finish_reasons'], outTokens, maxTokens),
    logits:
      (ai?.request?.top_logprobs ?? 0) > 0 ||
      (typeof bias === 'object' && bias !== null && Object.keys(bias).length > 0),
    answer: typeof answer === 'string' && answer !== '' ? keyOfText(answer) : undefined,
    latencyMs: typeof latency === 'number' && latency > 0 && Number.isFinite(latency) ? latency : 0,
    entities: () => entitiesOf(event),
    evidence: () => evidenceOf(event),
  }
}

function placeOf(event: Event): Float64Array | undefined {
  const input = inputOf(event)
  return input?.kind === 'embedding' || input?.kind === 'hash' ? input.x : undefined
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < countMax ? value : undefined
}

/** What the model says of it goes before what its numbers look like. */
function isCutOff(reasons: unknown, outTokens: number | undefined, maxTokens: number | undefined): boolean {
  if (reasons !== undefined) {
    const told = (Array.isArray(reasons) ? reasons : [reasons]).filter((each) => typeof each === 'string')
    if (told.length > 0) return told.some((each) => each === 'length' || each === 'max_tokens')
  }
  return outTokens !== undefined && maxTokens !== undefined && maxTokens > 0 && outTokens >= maxTokens
}
