/**
 * A language model behind an API: prompts of topics, tokens, parameters, log probabilities of a small head.
 *
 * What a prompt says stands in the log as an embedding or as a similarity hash, as the gateway of the seed has it.
 */
import type { Dice } from '../dice.ts'
import { plus, rounded, scaledTo, softmax, type Input } from './numbers.ts'
import { embeddingShape, type Shape } from './shapes.ts'
import { inputHash, similarityHash } from './victim.ts'

export interface Ask {
  readonly prompt: Input
  readonly inputTokens: number
  readonly outputTokens: number
  readonly temperature: number
  readonly logitBias?: Readonly<Record<string, number>>
  readonly topLogprobs?: number
}

export interface LanguageModel {
  readonly id: string
  readonly version: string
  readonly shape: Shape
  readonly vocabulary: number
  readonly logs: 'embedding' | 'similarityHash' | 'none'
  /** A prompt of natural use; with a template, its text goes around the question. */
  prompt(dice: Dice, template?: Input): number[]
  template(dice: Dice): number[]
  record(ask: Ask): Record<string, unknown>
}

export function languageModelOf(id: string, logs: LanguageModel['logs'], dice: Dice): LanguageModel {
  const shape = embeddingShape(dice)
  const d = shape.dimension
  const [vocabulary, hidden] = [dice.int(150, 420), dice.int(8, 24)]
  const head = Array.from({ length: vocabulary }, () => dice.normals(hidden, 1.6 / Math.sqrt(hidden)))
  const inner = Array.from({ length: hidden }, () => dice.normals(d, 1.5))
  const planes = logs === 'similarityHash' ? Array.from({ length: 256 }, () => dice.normals(d)) : []
  const version = `${dice.int(1, 3)}.${dice.int(0, 9)}`
  const topOf = ({ prompt, logitBias = {}, topLogprobs = 0 }: Ask): number[] => {
    if (topLogprobs === 0) return []
    const state = inner.map((row) => row.reduce((sum, value, i) => sum + value * prompt[i]!, 0))
    const logits = head.map((row, t) => row.reduce((sum, value, i) => sum + value * state[i]!, 0) + (logitBias[t] ?? 0))
    const logs = softmax(logits).map((share) => rounded(Math.log(Math.max(share, 1e-40)), 1e6))
    return logs.sort((a, b) => b - a).slice(0, topLogprobs)
  }
  return {
    id,
    version,
    shape,
    vocabulary,
    logs,
    template: (from) => scaledTo(from.normals(d), from.between(0.4, 0.9)),
    prompt: (from, template) => {
      const { input } = shape.natural(from)
      return template === undefined ? input : scaledTo(plus(input, template), 1).map((value) => rounded(value))
    },
    record: (ask) => ({
      ...(logs === 'embedding' ? { embedding: ask.prompt } : {}),
      ...(logs === 'similarityHash' ? { similarityHash: similarityHash(ask.prompt, planes) } : {}),
      inputHash: inputHash(ask.prompt),
      inputTokens: ask.inputTokens,
      outputTokens: ask.outputTokens,
      params: {
        logitBias: ask.logitBias ?? {},
        topLogprobs: ask.topLogprobs ?? 0,
        maxTokens: ask.outputTokens,
        temperature: ask.temperature,
      },
      logprobs: topOf(ask),
    }),
  }
}
