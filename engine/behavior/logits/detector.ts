/**
 * `logit-leak`: who reads a language model's logits through its API.
 *
 * With a bias on a few tokens and their log-probabilities, each call gives away their logits; enough of them give away the
 * last layer and its size (Carlini et al., "Stealing part of a production language model", ICML 2024; Finlayson et al. 2024).
 * Where no log-probabilities are given, a bisection over the bias does the same, at more calls.
 */
import type { Event } from '../../../core/event.ts'
import { accountOf } from '../account.ts'
import { entitiesOf, evidenceOf } from '../entities.ts'
import type { BehaviorDetector, Shuffled } from '../types.ts'
import { hash32 } from '../distinct.ts'
import { LogitLeakParams, type BiasedCall } from './params.ts'
import { LogitLeakStep } from './step.ts'

/** Tokens and answers of one call that are looked at. */
const tokensReadMax = 512

export const logitLeak: BehaviorDetector<LogitLeakParams> = {
  type: 'logit-leak',
  params: LogitLeakParams,
  needs: () => [
    'gen_ai.request.logit_bias',
    'gen_ai.request.max_tokens',
    'warden.input.hash',
    'warden.output.logprobs',
  ],
  create: (params) => ({
    read: (event) => readCall(event, params),
    local: new LogitLeakStep(params),
  }),
}

function readCall(event: Event, params: LogitLeakParams): Shuffled | undefined {
  const request = event.gen_ai?.request
  const bias = request?.['logit_bias']
  const prompt = event.warden.input?.hash
  if (typeof bias !== 'object' || bias === null || prompt === undefined) return undefined
  const pairs = Object.entries(bias).slice(0, tokensReadMax)
  if (pairs.length === 0) return undefined
  const logprobs = logprobsOf(event.warden.output?.logprobs)
  const isShort = (request?.max_tokens ?? Infinity) <= params.tokensMax
  // Of a longer answer the first token tells as much; whoever bans words in it lowers them.
  if (!isShort && !(logprobs.length > 0 && pairs.some(([, value]) => Number(value) > 0))) return undefined
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const observation: BiasedCall = {
    timeMs: Date.parse(event['@timestamp']),
    model: event.warden.model?.id ?? event.gen_ai?.request?.model ?? '',
    prompt: hash32(prompt).toString(36),
    tokens: pairs.map(([token]) => token.slice(0, 64)),
    bias: hash32(JSON.stringify(pairs)).toString(36),
    logprobs: isShort ? logprobs : [],
    entities: entitiesOf(event),
    evidence: evidenceOf(event),
  }
  return { group: accountOf(event), observation }
}

/** Numbers as they came, or objects with a token and its `logprob`, by token. */
function logprobsOf(given: readonly unknown[] | undefined): number[] {
  const read = (given ?? []).slice(0, tokensReadMax).map((item) => {
    if (typeof item === 'number') return { token: '', value: item }
    const { token, logprob } = (item ?? {}) as { token?: unknown; logprob?: unknown }
    return { token: typeof token === 'string' ? token : '', value: typeof logprob === 'number' ? logprob : Number.NaN }
  })
  if (read.some(({ value }) => !Number.isFinite(value))) return []
  return read.sort((a, b) => (a.token < b.token ? -1 : a.token > b.token ? 1 : 0)).map(({ value }) => value)
}
