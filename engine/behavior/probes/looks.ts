/**
 * What one call of a model shows of four ways to draw out what it should not tell. Pure.
 *
 * - *divergence*: a short prompt, again or nearly so, whose answer runs on to its limit. Asked to repeat a word for ever, models
 *   leave it and recite what they were trained on (Nasr et al. 2023, arXiv 2311.17035).
 * - *prefixes*: beginnings of one length, each completed up to the same limit, ever other ones: training texts are completed
 *   word by word (Carlini et al. 2021, arXiv 2012.07805; 2023, arXiv 2202.07646).
 * - *same-answer*: ever other questions, one long answer, no longer than what was put in: a system prompt that is read out
 *   (Zhang et al. 2024, arXiv 2307.06865).
 * - *timing*: the same input again and again, then the next one, each awaited, for an answer that says next to nothing: what is
 *   measured is the time, which tells of cached prefixes (Song et al. 2024, arXiv 2409.20002; Gu et al. 2025, arXiv 2502.07776)
 *   and of a model's depth (Duddu et al. 2018, arXiv 1812.11720).
 */
import type { Threat } from '../../../core/signal.ts'
import type { Call } from './call.ts'
import type { Known, Memory } from './memory.ts'
import type { LookName } from './params.ts'

export interface Look {
  readonly threat: Threat
  /** A benign account shows it in at most this share of its calls, whatever came before. */
  readonly benignShare: number
  /** What the bets are on. */
  readonly thiefShares: readonly number[]
  /** Calls that showed it, or different prompts that did, before it is told. */
  readonly hitsMin: number
  readonly promptsMin: number
  /** Undefined: this call says nothing either way. */
  shows(call: Call, known: Known, memory: Memory): boolean | undefined
  readonly words: string
}

const alikeFrom = 0.98
/** Of prompts that differ in their last word alone. */
const samePrefixFrom = 0.995
/** Repetitions of one input that say something; a health check asks the same for ever. */
const timesMax = 16
const gapMsMax = 60_000

export const looks: Readonly<Record<LookName, Look>> = {
  divergence: {
    threat: 'training-data-extraction',
    benignShare: 0.25,
    thiefShares: [0.5, 0.7, 0.95],
    hitsMin: 32,
    promptsMin: 1,
    words: 'drew answers that ran on to their limit out of short prompts that were the same or nearly so',
    shows: ({ inTokens, outTokens, cutOff }, known) => {
      if (inTokens === undefined || outTokens === undefined) return undefined
      // Where prompts lie is asked last: it takes the longest.
      const runsOn = cutOff && outTokens >= 256 && outTokens >= 8 * inTokens
      return runsOn && (known.times > 0 || known.alike() >= alikeFrom)
    },
  },
  prefixes: {
    threat: 'training-data-extraction',
    benignShare: 0.5,
    thiefShares: [0.8, 0.95, 0.99],
    hitsMin: 500,
    promptsMin: 400,
    words: 'had ever other beginnings of one length completed, each up to the same limit',
    shows: ({ inTokens, maxTokens, cutOff }, { times, alike, last }) => {
      if (inTokens === undefined || maxTokens === undefined || last === null) return undefined
      const sized = maxTokens >= 16 && maxTokens <= 1_024 && inTokens <= 100 && maxTokens === last.maxTokens
      // Who writes with completion at hand asks for the same beginning, a word longer each time.
      return sized && cutOff && times === 0 && Math.abs(inTokens - last.inTokens) <= 2 && alike() < alikeFrom
    },
  },
  'same-answer': {
    threat: 'prompt-extraction',
    benignShare: 0.2,
    thiefShares: [0.4, 0.6, 0.9],
    hitsMin: 16,
    promptsMin: 16,
    words:
      'got one long answer to ever other questions, no longer than what was put in, as a system prompt that is read out',
    shows: ({ inTokens, outTokens, answer, cutOff }, { times }, memory) => {
      if (inTokens === undefined || outTokens === undefined) return undefined
      // Without a digest of the answer only its length can be compared: answers in a fixed form are short.
      const long = outTokens >= (answer === undefined ? 256 : 128) && outTokens <= inTokens + 32
      if (!long || cutOff || times > 0) return false
      return memory.countAnswer(answer ?? outTokens) >= 2
    },
  },
  timing: {
    threat: 'timing-probe',
    benignShare: 0.75,
    thiefShares: [0.88, 0.94, 0.98],
    hitsMin: 120,
    promptsMin: 20,
    words: 'asked input after input again and again, each time awaiting an answer that says nothing new',
    shows: ({ timeMs, outTokens, logits }, { times, ago, alike, last }) => {
      if (outTokens !== undefined && outTokens > 4) return false
      if (logits || times >= timesMax) return undefined
      const awaited = last !== null && timeMs - last.ms >= last.latencyMs && timeMs - last.ms <= gapMsMax
      return awaited && ((times > 0 && ago <= 3) || (outTokens !== undefined && alike() >= samePrefixFrom))
    },
  },
}
