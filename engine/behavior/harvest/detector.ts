/**
 * `answer-harvest`: a language model's answers gathered as what another is trained on (Hinton et al. 2015; Alpaca:
 * Taori et al. 2023).
 *
 * Who distills asks for text: ever other prompts, each shorter than its answer, answers longer than those of others, at
 * a machine's pace. No text is looked at. docs/detectors/answer-harvest.md has the bound, what it can't see, and whom
 * it takes for one.
 */
import type { Event } from '../../../core/event.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import { inputOf, keyOfText } from '../input/input.ts'
import type { BehaviorDetector, Shuffled } from '../types.ts'
import { LearnAnswers } from './learn.ts'
import { HarvestParams } from './params.ts'
import { HarvestStep, type Answered } from './step.ts'

export const answerHarvest: BehaviorDetector<HarvestParams> = {
  type: 'answer-harvest',
  params: HarvestParams,
  needs: () => [
    'warden.model.id',
    'warden.input.hash',
    'warden.input.embedding',
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.output_tokens',
  ],
  create: (params) => ({ read: readOf, local: new HarvestStep(params), grouped: new LearnAnswers(params) }),
}

function readOf(event: Event): Shuffled | undefined {
  const { warden, gen_ai: ai } = event
  const model = warden.model?.id ?? ai?.request?.model
  const [inTokens, outTokens] = [ai?.usage?.input_tokens, ai?.usage?.output_tokens]
  if (model === undefined || model === '' || !isCount(inTokens) || !isCount(outTokens)) return undefined
  const input = event.warden.input?.embedding === undefined ? undefined : inputOf(event)
  const prompt = promptOf(event)
  if (prompt === undefined) return undefined
  const observation: Answered = {
    timeMs: timeOf(event),
    prompt,
    ...(input?.kind === 'embedding' ? { x: input.x } : {}),
    inTokens,
    outTokens,
    entities: () => entitiesOf(event),
    evidence: () => evidenceOf(event),
  }
  return { group: [warden.principal, model], observation }
}

/** Undefined where equal prompts can't be told. */
function promptOf(event: Event): number | undefined {
  const hash = event.warden.input?.hash
  if (typeof hash === 'string' && hash !== '') return keyOfText(hash)
  const input = inputOf(event)
  return input === undefined || input.kind === 'output' ? undefined : input.key
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e9
}
