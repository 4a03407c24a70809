/**
 * The local step of `account-crowd`: tells the pooling step of an account's queries, as many as one account may in a day, and
 * how unlike honest ones each is by itself.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { hasDrifted } from '../drift/told.ts'
import { openReference, levelCount, type Reference } from '../model-queries/reference.ts'
import { packedInput, type QueryInput } from '../model-queries/input.ts'
import type { BehaviorStep, GroupEntries, StepContext, StepOutcome } from '../types.ts'
import type { CrowdParams, Sight } from './params.ts'

export interface CrowdQuery {
  readonly timeMs: number
  readonly tenant: string
  readonly network: string
  readonly agent: string
  readonly input: () => QueryInput | undefined
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

const dayMs = 86_400_000
/** The bets are on this much more than an honest account may show. */
const gain = 0.5

interface Told {
  day: number
  count: number
}

export class TellStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #params: CrowdParams

  constructor(params: CrowdParams) {
    this.#params = params
  }

  apply(
    group: readonly string[],
    entries: GroupEntries,
    observation: unknown,
    _watermarkMs: number,
    context: StepContext,
  ): StepOutcome {
    const query = observation as CrowdQuery
    const day = Math.floor(query.timeMs / dayMs)
    const told = entries.get<Told>('') ?? { day, count: 0 }
    if (day > told.day) Object.assign(told, { day, count: 0 })
    const dueMs = (told.day + 2) * dayMs
    if (day < told.day || told.count >= this.#params.queriesPerDayMax) return { findings: [], shuffled: [], dueMs }
    told.count++
    entries.set('', told)
    const { timeMs, tenant, network, agent } = query
    const input = query.input()
    const sight: Sight = {
      timeMs,
      principal: group[0]!,
      tenant,
      network,
      agent,
      kind: input?.kind ?? 'none',
      x: input === undefined ? '' : packedInput(input),
      novelty: input === undefined ? 0 : this.#noveltyOf(input, referenceOf(context, group[1]!, input)),
      entities: query.entities().filter(({ type }) => type === 'credential'),
      evidence: query.evidence(),
    }
    const pooled: Sight = hasDrifted(context, group[1]!, timeMs) ? { ...sight, novelty: 0, drifted: true } : sight
    return { findings: [], shuffled: [{ group: [group[1]!], observation: pooled }], dueMs }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const told = entries.get<Told>('')
    const dueMs = told === undefined ? 0 : (told.day + 2) * dayMs
    if (watermarkMs === Infinity || watermarkMs < dueMs) return { findings: [], shuffled: [], dueMs }
    return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
  }

  /**
   * Logarithm of the mean of bets over the lines of novelty and margin. Under each an honest query falls with a probability of
   * at most share^allowance, so each bet has mean at most one, and so has their mean.
   */
  #noveltyOf(input: QueryInput, reference: Reference | undefined): number {
    if (reference === undefined) return 0
    const { lines } = reference.told
    const novelty = reference.novelty(input.x, input.label)
    let sum = 0
    let bets = 0
    const bet = (share: number, hit: boolean): void => {
      const honest = share ** this.#params.allowance
      sum += hit ? (honest + (1 - honest) * gain) / honest : 1 - gain
      bets++
    }
    for (let level = 0; level < levelCount; level++) {
      bet(lines.share[level]!, novelty > lines.novelty[level]!)
      if (input.margin !== undefined) bet(lines.share[level]!, input.margin < lines.margin[level]!)
    }
    return Math.round(Math.log(sum / bets) * 1e3) / 1e3
  }
}

function referenceOf(context: StepContext, model: string, input: QueryInput): Reference | undefined {
  const reference = openReference(context.baseline(`${model} ${input.kind}`, 'model-queries'))
  return reference?.told.dimension === input.x.length ? reference : undefined
}
