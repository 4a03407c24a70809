/** Calls to the two models: the classifier behind a gateway, the language model behind LiteLLM. */
import { createHash } from 'node:crypto'
import { classifier, demoKey, languageModel, type Customer, type Person } from './cast.ts'
import type { Random } from './random.ts'

const classes = 7
const featuresOf = 16

/** What an ordinary customer sends: cases of few kinds, each a little different. */
export function ordinaryInput(random: Random, kinds: readonly (readonly number[])[]): number[] {
  return random.pick(kinds).map((value) => round(clamp(value + 0.06 * random.normal())))
}

/** A few typical cases of a customer. */
export function casesOf(random: Random): number[][] {
  return Array.from({ length: 6 }, () => Array.from({ length: featuresOf }, () => clamp(0.35 + 0.2 * random.normal())))
}

interface Call {
  readonly id: string
  readonly atMs: number
  readonly customer: Customer
}

/** What the gateway says of every call. */
function callFields({ id, atMs, customer }: Call): Record<string, unknown> {
  return {
    type: 'inference',
    id,
    ts: new Date(atMs).toISOString(),
    tenant: customer.tenant,
    principal: customer.user,
    apiKey: demoKey(customer),
    ip: customer.ip,
    userAgent: customer.agent,
    country: customer.country,
  }
}

export function gatewayRecord(
  call: Call & { readonly features: readonly number[] },
  random: Random,
): Record<string, unknown> {
  const probs = answerOf(call.features)
  const label = probs.indexOf(Math.max(...probs))
  return {
    ...callFields(call),
    model: classifier,
    modelVersion: '4.2.0',
    features: call.features,
    inputHash: createHash('sha256').update(JSON.stringify(call.features)).digest('hex'),
    probs,
    label,
    confidence: probs[label],
    latencyMs: round(4 + 3 * random.next()),
    bytesOut: 96 + random.whole(0, 40),
    status: 200,
  }
}

/** A small fixed network: the same question has the same answer, and nearby questions have nearby ones. */
function answerOf(features: readonly number[]): number[] {
  const scores = Array.from({ length: classes }, (_, c) =>
    features.reduce((sum, value, f) => sum + 4 * (value - 0.4) * Math.sin(1.7 * c + 0.9 * f + c * f), 0),
  )
  const highest = Math.max(...scores)
  const weights = scores.map((score) => Math.exp(score - highest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => Math.round((weight / total) * 1e6) / 1e6)
}

/** What a language model is asked, as a gateway that keeps no texts logs it. */
export interface Prompt {
  readonly hash: string
  readonly tokens: number
}

/** A prompt of a few words. */
export function shortPrompt(random: Random): Prompt {
  return { hash: random.hex(64), tokens: random.whole(6, 9) }
}

/** As many tokens as fit beside the most likely one among five log-probabilities. */
export function tokensToBias(random: Random): string[] {
  return Array.from({ length: 4 }, () => String(random.whole(1, 50_000)))
}

/**
 * A call of the language model for one token, with a bias on some and the log-probabilities of the most likely. The same
 * prompt with ever other tokens gives away its logits, and many prompts the last layer (Carlini et al. 2024, arXiv:2403.06634).
 */
export function logitRecord(
  call: Call & { readonly prompt: Prompt; readonly tokens: readonly string[] },
  random: Random,
): Record<string, unknown> {
  const { prompt, tokens } = call
  const logprobs = tokens.map((token) => ({ token, logprob: -round(0.5 + 6 * random.next()) }))
  return {
    ...callFields(call),
    model: languageModel,
    modelVersion: '2026-10',
    inputHash: prompt.hash,
    inputTokens: prompt.tokens,
    outputTokens: 1,
    params: {
      maxTokens: 1,
      temperature: 0,
      topLogprobs: 5,
      logitBias: Object.fromEntries(tokens.map((token) => [token, 40])),
    },
    logprobs,
    latencyMs: round(30 + 20 * random.next()),
    bytesOut: 210 + random.whole(0, 40),
    status: 200,
  }
}

/** LiteLLM's standard logging payload for a call that one of the staff's tools makes. */
export function litellmRecord(
  call: {
    readonly atMs: number
    readonly person: Person
    readonly team: string
    readonly tokens: readonly [number, number]
  },
  random: Random,
): Record<string, unknown> {
  const [prompt, completion] = call.tokens
  const startTime = call.atMs / 1_000
  return {
    id: `chatcmpl-${random.hex(24)}`,
    trace_id: random.hex(32),
    call_type: 'acompletion',
    stream: false,
    status: 'success',
    custom_llm_provider: 'hosted_vllm',
    model: `hosted_vllm/${languageModel}`,
    model_group: languageModel,
    model_id: random.hex(16),
    api_base: 'http://llm.internal:8000/v1',
    startTime,
    endTime: startTime + completion / 60,
    completionStartTime: startTime + 0.3,
    response_time: round(completion / 60),
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    response_cost: round((prompt + 3 * completion) * 2e-7, 8),
    cache_hit: false,
    cache_key: null,
    request_tags: [],
    requester_ip_address: call.person.ip,
    end_user: call.person.name,
    messages: [{ role: 'user', content: 'Summarize the attached release notes.' }],
    response: { choices: [{ index: 0, message: { role: 'assistant', content: 'They fix two bugs.' } }] },
    model_parameters: { temperature: 0.2, max_tokens: 1_024 },
    metadata: {
      user_api_key_hash: createHash('sha256').update(`demo-${call.person.name}`).digest('hex'),
      user_api_key_alias: call.person.name,
      user_api_key_user_id: call.person.name,
      user_api_key_user_email: `${call.person.name}@meridian.example`,
      user_api_key_team_id: call.team,
      user_api_key_org_id: null,
      requester_ip_address: call.person.ip,
    },
    error_str: null,
    error_information: { error_code: '', error_class: '', llm_provider: '' },
  }
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value))
}

function round(value: number, digits = 5): number {
  return Number(value.toFixed(digits))
}
