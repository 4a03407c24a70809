/**
 * The grouped step of `canary-answers`, one group a suspect model.
 *
 * Each canary counts once, by its first answer. The evidence is a likelihood ratio of a model that knows a share of the canaries
 * and guesses the rest against one that guesses all, mixed evenly over shares: an e-value, so that looking after each answer
 * costs nothing (Ville 1939). Beside it the exact binomial tail, once: when as many canaries have been answered as were registered
 * at the first answer. The two share the significance.
 */
import { limits } from '../../../core/limits.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { logBinomialTail } from '../statistics/evidence.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import type { WithContext } from '../volume/totals.ts'
import type { CanaryAnswer, DerivationParams } from './params.ts'

const shares = [0.1, 0.2, 0.35, 0.6, 0.9]
/** Of the significance, for the one look that is planned ahead: when all registered canaries have been answered. */
const plannedShare = 0.4
const canariesMax = 10_000

interface Suspect {
  /** Canaries asked. */
  asked: Record<string, 1>
  answers: number
  hits: number
  /** Sum of the chances, for the mean. */
  chance: number
  /** Logarithm of each share's likelihood ratio. */
  ratios: number[]
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
  points: [number, number][]
  version: number
  toldHits: number
  firstMs: number
  /** Canaries registered at the first answer. */
  readonly planned: number
}

export class DerivationJudge implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['gen_ai.response.model']
  readonly #params: DerivationParams

  constructor(params: DerivationParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { of, entities, evidence } = input as WithContext<CanaryAnswer>
    const suspect = entries.get<Suspect>('') ?? newSuspect(of)
    if (Object.hasOwn(suspect.asked, of.canary)) return quiet
    if (suspect.answers >= canariesMax) return { ...quiet, dropped: 'overflow' }
    suspect.asked[of.canary] = 1
    suspect.answers++
    suspect.chance += of.chance
    if (of.hit) suspect.hits++
    for (const [n, share] of shares.entries()) {
      const knowing = share + (1 - share) * of.chance
      suspect.ratios[n]! += of.hit ? Math.log(knowing / of.chance) : Math.log((1 - knowing) / (1 - of.chance))
    }
    suspect.entities = mergeEntities(suspect.entities, entities)
    if (of.hit) suspect.evidence = mergeEvidence(suspect.evidence, evidence, limits.signalEvidenceMax)
    const logE = mixtureOf(suspect.ratios)
    suspect.points.push([suspect.answers, Math.round((logE / Math.LN10) * 100) / 100])
    if (suspect.points.length > 64) suspect.points.shift()
    const finding = this.#judge(group[0]!, suspect, logE, of.timeMs)
    entries.set('', suspect)
    return finding === undefined ? quiet : { ...quiet, findings: [finding] }
  }

  advance(): StepOutcome {
    return quiet
  }

  #judge(model: string, suspect: Suspect, logE: number, timeMs: number): BehaviorFinding | undefined {
    const { significance, answersMin } = this.#params
    const line = -Math.log((1 - plannedShare) * significance)
    const chance = suspect.chance / suspect.answers
    const logP = logBinomialTail(suspect.hits, suspect.answers, chance)
    const planned = suspect.answers === suspect.planned && logP <= Math.log(plannedShare * significance)
    if (suspect.answers < answersMin || (logE < line && !planned) || suspect.hits < 1.5 * suspect.toldHits)
      return undefined
    suspect.toldHits = suspect.hits
    suspect.version++
    return {
      anchor: 'derived',
      version: suspect.version,
      status: 'open',
      supersedes: [],
      group: { 'gen_ai.response.model': model },
      timeMs,
      window: { startMs: suspect.firstMs, endMs: timeMs },
      entities: suspect.entities,
      evidence: { count: suspect.hits, events: suspect.evidence },
      explanation:
        `${model} gave the planted answer to ${suspect.hits} of ${suspect.answers} canary questions; a model that never saw them would to ` +
        `${(chance * suspect.answers).toFixed(1)}. The probability of that by chance is ${scientific(logP)} (exact binomial); the evidence, valid ` +
        `at any time of looking, is 10^${(logE / Math.LN10).toFixed(1)}, the line 10^${(line / Math.LN10).toFixed(1)}.`,
      facts: {
        model,
        hits: suspect.hits,
        answers: suspect.answers,
        chance: Math.round(chance * 1e6) / 1e6,
        pValue: Number(Math.exp(Math.max(-700, logP)).toPrecision(4)),
        evidenceLog10: Math.round((logE / Math.LN10) * 100) / 100,
        lineLog10: Math.round((line / Math.LN10) * 100) / 100,
      },
      series: [{ name: 'evidence, power of ten', x: 'queries', points: suspect.points, line: line / Math.LN10 }],
    }
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

function newSuspect({ timeMs: firstMs, registered: planned }: CanaryAnswer): Suspect {
  return {
    asked: {},
    answers: 0,
    hits: 0,
    chance: 0,
    ratios: shares.map(() => 0),
    entities: [],
    evidence: [],
    points: [],
    version: 0,
    toldHits: 0,
    firstMs,
    planned,
  }
}

/** log of the mean of the ratios. */
function mixtureOf(logs: readonly number[]): number {
  const most = Math.max(...logs)
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length)
}

function scientific(logP: number): string {
  return logP > Math.log(0.001) ? Math.exp(logP).toFixed(4) : `10^${(logP / Math.LN10).toFixed(1)}`
}
