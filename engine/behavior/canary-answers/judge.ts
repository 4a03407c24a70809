/**
 * The grouped step of `canary-answers`, one group a suspect model.
 *
 * Each canary counts once, by its first answer. The evidence is a likelihood ratio of a model that knows a share of the
 * canaries and guesses the rest against one that guesses all, mixed evenly over shares. Most of the significance goes
 * to an exact line for the examination that is planned when the first answer comes, as many answers as canaries are
 * registered (exact-line.ts): it may be crossed at any of them. The rest goes to the evidence as an e-value, which
 * stays right however long one goes on (Ville 1939).
 */
import { limits } from '../../../core/limits.ts'
import { mergeEntities, mergeEvidence, type WithContext } from '../entities.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { logBinomialTail } from '../statistics/evidence.ts'
import { inTens, power, strengthOf, strengthSeries } from '../strength.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { exactLine, logMean, plannedMax, reachedByGuessing, shares, standing, type Examination } from './exact-line.ts'
import type { CanaryAnswer, DerivationParams } from './params.ts'

/** Of the significance, for the examination that is planned. */
const plannedShare = 0.9
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
  /** Of a guess at any of these, at most; states of before have none. */
  readonly chanceMax?: number
  /** An answer came that was likelier to be guessed: the examination is not the planned one. */
  unplanned?: boolean
  /** The most evidence that the planned examination has come to, as a logarithm. */
  best?: number
}

export class DerivationJudge implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id']
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
    if (of.chance > (suspect.chanceMax ?? 0)) suspect.unplanned = true
    for (const [n, share] of shares.entries()) {
      const knowing = share + (1 - share) * of.chance
      suspect.ratios[n]! += of.hit ? Math.log(knowing / of.chance) : Math.log((1 - knowing) / (1 - of.chance))
    }
    suspect.entities = mergeEntities(suspect.entities, entities)
    if (of.hit) suspect.evidence = mergeEvidence(suspect.evidence, evidence, limits.signalEvidenceMax)
    const logE = logMean(suspect.ratios)
    const held = heldNow(suspect, plannedFor(suspect, this.#params.answersMin))
    suspect.points.push([suspect.answers, inTens(Math.max(logE, held))])
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
    const examination = plannedFor(suspect, answersMin)
    const anyLine = -Math.log((examination === undefined ? 1 : 1 - plannedShare) * significance)
    const chance = suspect.chance / suspect.answers
    const logP = logBinomialTail(suspect.hits, suspect.answers, chance)
    const planned = examination !== undefined && crossesPlanned(suspect, examination, plannedShare * significance)
    if (suspect.answers < answersMin || (logE < anyLine && !planned) || suspect.hits < 1.5 * suspect.toldHits)
      return undefined
    // Evidence is told with the line that it is held against: at the last planned answer that is not the plain one.
    const line = planned ? exactLine(examination, plannedShare * significance) : anyLine
    const told = planned ? suspect.best! : logE
    const sequential = sequentialOf(suspect, examination, logE)
    const strength = strengthOf(told, line)
    suspect.toldHits = suspect.hits
    suspect.version++
    return {
      anchor: 'derived',
      version: suspect.version,
      status: 'open',
      supersedes: [],
      group: { 'warden.model.id': model },
      timeMs,
      window: { startMs: suspect.firstMs, endMs: timeMs },
      entities: suspect.entities,
      evidence: { count: suspect.hits, events: suspect.evidence },
      explanation:
        `${model} gave the planted answer to ${suspect.hits} of ${suspect.answers} canary questions; a model that never saw them would to ` +
        `${(chance * suspect.answers).toFixed(1)}. The probability of so many of so many by chance is ${scientific(logP)} (exact binomial); ` +
        `of evidence like this at any answer that one may look at, ${scientific(Math.log(sequential))}; the line is ${significance}.`,
      facts: {
        model,
        hits: suspect.hits,
        answers: suspect.answers,
        chance: Math.round(chance * 1e6) / 1e6,
        pValue: Number(Math.exp(Math.max(-700, logP)).toPrecision(4)),
        pSequential: Number(sequential.toPrecision(4)),
        ...strength,
      },
      series: [strengthSeries(suspect.points, strength)],
    }
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

function newSuspect({ timeMs: firstMs, registered: planned, chanceMax }: CanaryAnswer): Suspect {
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
    chanceMax,
  }
}

/** The examination that was planned, as long as this is it. */
function plannedFor(suspect: Suspect, from: number): Examination | undefined {
  const { planned, chanceMax, unplanned } = suspect
  if (chanceMax === undefined || unplanned === true || planned > plannedMax || planned < from) return undefined
  return { planned, chance: chanceMax, from }
}

/** What is held against the planned examination's line at this answer; -Infinity: it is none of its answers. */
function heldNow({ answers, hits }: Suspect, examination: Examination | undefined): number {
  if (examination === undefined || answers < examination.from || answers > examination.planned) return -Infinity
  return standing(examination, answers, hits)
}

/** Notes how far it has come; true where it has crossed its line at this answer or before. */
function crossesPlanned(suspect: Suspect, examination: Examination, significance: number): boolean {
  const held = heldNow(suspect, examination)
  if (held > (suspect.best ?? -Infinity)) suspect.best = held
  return (suspect.best ?? -Infinity) >= exactLine(examination, significance)
}

/** Probability of as much by guessing, at whichever answer one stops; each way's share of the significance is paid for. */
function sequentialOf({ best }: Suspect, examination: Examination | undefined, logE: number): number {
  const anytime = Math.exp(-logE)
  if (examination === undefined) return Math.min(1, anytime)
  const planned = best === undefined ? 1 : reachedByGuessing(examination, best) / plannedShare
  return Math.min(1, planned, anytime / (1 - plannedShare))
}

function scientific(logP: number): string {
  return logP > Math.log(0.001) ? Math.exp(logP).toFixed(4) : power(logP / Math.LN10)
}
