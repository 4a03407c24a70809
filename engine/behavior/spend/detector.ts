/**
 * `token-spend`: an account's tokens harvested, or its bill driven up. A stolen key is sold and used by others ("LLMjacking":
 * Sysdig 2024), or an application is fed what makes answers long (OWASP LLM10:2025, unbounded consumption; sponge examples:
 * Shumailov et al. 2021). Both make a day that is dear and calls that are other than usual; a backfill makes more of the same.
 */
import type { Event } from '../../../core/event.ts'
import { accountOf } from '../account.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import type { BehaviorDetector, Shuffled } from '../types.ts'
import { SpendParams } from './params.ts'
import { SpendStep, type Spent } from './step.ts'

export const tokenSpend: BehaviorDetector<SpendParams> = {
  type: 'token-spend',
  params: SpendParams,
  needs: () => ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'gen_ai.request.max_tokens'],
  create: (params) => ({ read: readOf, local: new SpendStep(params) }),
}

function readOf(event: Event): Shuffled | undefined {
  const { usage, request } = event.gen_ai ?? {}
  const [input, output] = [countOf(usage?.input_tokens), countOf(usage?.output_tokens)]
  if (input + output === 0) return undefined
  const limit = countOf(request?.max_tokens)
  const observation: Spent = {
    timeMs: timeOf(event),
    tokens: input + output,
    cutOff: limit > 0 && output >= limit,
    entities: () => entitiesOf(event),
    evidence: () => evidenceOf(event),
  }
  return { group: accountOf(event), observation }
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0
}
