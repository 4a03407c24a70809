/**
 * `canary-answers`: a suspect model knows what only ours can know.
 *
 * Canaries are questions with a made-up answer that our model was taught (docs/canaries.md). The events are a suspect's answers
 * to them; the registered canary says which answer is planted and how likely a guess is.
 */
import type { Event } from '../../../core/event.ts'
import type { RegisteredCanary } from '../../../core/inventory.ts'
import type { Inventory } from '../../inventory/inventory.ts'
import { entitiesOf, evidenceOf } from '../entities.ts'
import { fieldAt } from '../fields.ts'
import type { BehaviorDetector, EventContext } from '../types.ts'
import { outcomeOf } from './answers.ts'
import { DerivationJudge } from './judge.ts'
import { DerivationParams, type CanaryAnswer } from './params.ts'

/** Of a guess at a canary without distractors: an open question whose answer nobody guesses. */
const openChance = 0.01

export const canaryAnswers: BehaviorDetector<DerivationParams> = {
  type: 'canary-answers',
  params: DerivationParams,
  needs: () => ['warden.canary.id', 'warden.output.text', 'warden.model.id'],
  create: (params) => ({
    read: (event, context) => {
      // Whom we asked. What it calls itself it may change with every answer.
      const model = event.warden.model?.id ?? fieldAt(event, 'gen_ai.response.model')
      const of = answerOf(event, context)
      if (typeof model !== 'string' || of === undefined) return undefined
      const observation = { of, entities: entitiesOf(event), evidence: [evidenceOf(event)] }
      return { group: [model.slice(0, 512)], observation }
    },
    grouped: new DerivationJudge(params),
  }),
}

function answerOf(event: Event, { inventory }: EventContext): CanaryAnswer | undefined {
  const id = fieldAt(event, 'warden.canary.id')
  const text = fieldAt(event, 'warden.output.text')
  const canary = typeof id === 'string' ? inventory.canaries.get(id) : undefined
  if (canary === undefined || typeof text !== 'string') return undefined
  const hit = outcomeOf(text, canary.answer, canary.distractors) === 'hit'
  return {
    timeMs: Date.parse(event['@timestamp']),
    canary: canary.id,
    hit,
    chance: chanceOf(canary),
    registered: inventory.canaries.size,
    chanceMax: chanceMaxOf(inventory),
  }
}

/** Looked through once for each inventory. */
const likeliest = new WeakMap<Inventory, number>()

function chanceMaxOf(inventory: Inventory): number {
  let most = likeliest.get(inventory)
  if (most === undefined) {
    most = 0
    for (const canary of inventory.canaries.values()) most = Math.max(most, chanceOf(canary))
    likeliest.set(inventory, most)
  }
  return most
}

function chanceOf({ distractors }: RegisteredCanary): number {
  return distractors.length === 0 ? openChance : 1 / (distractors.length + 1)
}
