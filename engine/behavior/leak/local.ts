/**
 * The local step of `leak-account`: keeps what one account holds of one model, and tells it at a bounded rate.
 *
 * Promises: O(landmarks) a query at most, most of which are done with after a few values; copies are tried whenever the
 * different answers have doubled, of many a quarter more, and at most once a day beside that; what copies had reached
 * under earlier landmarks is kept. State is bounded; silence longer than `forget` ends it, and what was told stays in
 * the index.
 */
import type { Leak } from '../../../core/leak.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { derivedId } from '../../../core/ids.ts'
import { copyFidelityOf } from '../license/terms.ts'
import { keyOfText, type QueryInput } from '../input/input.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import { landmarkNames } from '../told-name.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, Shuffled, StepContext, StepOutcome } from '../types.ts'
import { learn, tryCopies } from './copies.ts'
import { estimateOf, greater } from './estimate.ts'
import { findingOf, percent, type Holding } from './explain.ts'
import { HoldingsBlock, layoutOf, type Layout } from './holdings-block.ts'
import { Holdings, type Estimate } from './holdings.ts'
import { openLandmarks, type Landmarks } from './landmarks.ts'
import type { Got, LeakParams } from './params.ts'

export interface AnsweredQuery {
  readonly timeMs: number
  readonly tenant: string
  readonly input: QueryInput
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

const dayMs = 86_400_000
const weekMs = 7 * dayMs
/** Different answers at which it is told first. */
const tellFrom = 25
/** It is told again when they have grown this much; from where an account may be noted on sooner. */
const growth = 2
const growthOfMany = 1.25
/** Accounts with less than this share of the least amount that is a finding are not compared with others. */
const comparedFrom = 0.02
const lastName = 'last'
const nothing: readonly never[] = []

/** Of the last query that was told of; JSON. */
interface Last {
  readonly tenant: string
  readonly kind: QueryInput['kind']
  /** Whether the thief sees more of an input than we do; not told by older versions. */
  readonly hidden?: boolean
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}

export class HoldStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #params: LeakParams
  readonly #meta: RuleMeta
  /** One for each form of a block. */
  readonly #workspaces = new WeakMap<Layout, Holdings>()

  constructor(params: LeakParams, meta: RuleMeta) {
    this.#params = params
    this.#meta = meta
  }

  apply(
    group: readonly string[],
    entries: GroupEntries,
    observation: unknown,
    _watermarkMs: number,
    context: StepContext,
  ): StepOutcome {
    const query = observation as AnsweredQuery
    const { input, timeMs } = query
    let block = HoldingsBlock.of(entries.get('')) ?? HoldingsBlock.begin(timeMs)
    let holdings = this.#opened(block)
    const fresh = holdings.ask(input.key, timeMs)
    const landmarks = fresh && holdings.ripe ? landmarksOf(context, group[1]!, input) : undefined
    if (landmarks !== undefined && holdings.landmarks !== landmarks.key) {
      block = holdings.moved(layoutOf(landmarks), landmarks.key)
      holdings = this.#opened(block)
    }
    if (landmarks !== undefined && holdings.samples(input.key)) learn(holdings, landmarks, input.x, input.label)
    let outcome: StepOutcome = { findings: nothing, shuffled: nothing, dueMs: this.#dueMs(holdings) }
    if (fresh && holdings.fresh >= this.#tellAt(holdings)) {
      const { tenant } = query
      const told = { entities: query.entities(), evidence: query.evidence() }
      const last: Last = { tenant, kind: input.kind, hidden: input.hidden, ...told }
      entries.set(lastName, last)
      outcome = this.#tell(group, holdings, last, landmarks, context)
    }
    holdings.putBack(block)
    entries.set('', block)
    return outcome
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number, context: StepContext): StepOutcome {
    const block = HoldingsBlock.of(entries.get(''))
    if (block === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    const holdings = this.#opened(block)
    if (watermarkMs !== Infinity && holdings.lastMs + this.#params.forget <= watermarkMs) {
      return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    }
    const last = entries.get<Last>(lastName)
    if (last === undefined || holdings.queries === holdings.told.queries) {
      return { findings: [], shuffled: [], dueMs: this.#dueMs(holdings) }
    }
    const told = openLandmarks(context.baseline(landmarkNames[last.kind].of(group[1]!), 'model-queries'))
    const outcome = this.#tell(group, holdings, last, told, context)
    holdings.putBack(block)
    entries.set('', block)
    return outcome
  }

  #opened(block: HoldingsBlock): Holdings {
    const { layout } = block
    let holdings = this.#workspaces.get(layout)
    if (holdings === undefined) this.#workspaces.set(layout, (holdings = new Holdings(layout)))
    holdings.open(block)
    return holdings
  }

  #tell(
    group: readonly string[],
    holdings: Holdings,
    last: Last,
    landmarks: Landmarks | undefined,
    context: StepContext,
  ): StepOutcome {
    const [principal, model] = group as [string, string]
    const estimate = this.#estimate(principal, holdings, last, landmarks)
    holdings.estimate = estimate
    holdings.tell(holdings.lastMs)
    const holding: Holding = {
      principal, model, sinceMs: holdings.firstMs, timeMs: holdings.lastMs, queries: holdings.queries,
      answers: holdings.distinct, coverage: estimate.coverage,
      fidelity: Number.isNaN(estimate.fidelity) ? null : [estimate.fidelity, estimate.low, estimate.high],
      entities: last.entities, evidence: last.evidence,
    } // prettier-ignore
    const findings = this.#judge(holdings, holding, last.tenant, context)
    const recent = holdings.recentDistinct(Math.floor(holdings.lastMs / weekMs))
    return {
      findings,
      shuffled: recent >= this.#params.answersMin * comparedFrom ? [gotBy(holding, recent)] : [],
      leaks: [this.#leakOf(holding, last.tenant, landmarks)],
      dueMs: this.#dueMs(holdings),
    }
  }

  #estimate(principal: string, holdings: Holdings, last: Last, landmarks: Landmarks | undefined): Estimate {
    if (landmarks === undefined || holdings.landmarks !== landmarks.key) return holdings.estimate
    const trial = tryCopies(holdings, landmarks, keyOfText(principal))
    const { labels, registered, curve } = landmarks.told
    const answered = labels.length > 0 && holdings.trained > 0
    const known = { answered, registered, answers: holdings.distinct, curve, hidden: last.hidden === true }
    return greater(estimateOf(trial, known), holdings.floor)
  }

  /** Where a copy is more faithful, for sure, than the license or the rule allows. */
  #judge(holdings: Holdings, holding: Holding, tenant: string, context: StepContext): BehaviorFinding[] {
    const { principal, model, timeMs, fidelity } = holding
    if (fidelity === null) return []
    const licensed = copyFidelityOf(context.inventory, { tenant, principal, model, timeMs })
    const line = licensed?.most ?? this.#params.fidelityMax
    if (line === undefined || fidelity[1] < line) return []
    const version = holdings.findingDue(holding.answers)
    if (version === 0) return []
    const by = licensed === undefined ? 'The line of the rule' : `License ${licensed.id}`
    return [
      findingOf(holding, {
        anchor: `held/${holding.sinceMs}`,
        version,
        line,
        words: `${by} allows a copy of at most ${percent(line)}: it is beyond that with a probability of 95 %.`,
        facts: licensed === undefined ? {} : { license: licensed.id },
      }),
    ]
  }

  #leakOf(holding: Holding, tenant: string, landmarks: Landmarks | undefined): Leak {
    const { principal, model, sinceMs, timeMs, queries, answers, coverage, fidelity } = holding
    return {
      id: derivedId('leak', this.#meta.id, principal, model),
      version: Math.max(1, Math.round(timeMs)),
      '@timestamp': new Date(timeMs).toISOString(),
      since: new Date(Math.min(sinceMs, timeMs)).toISOString(),
      rule: this.#meta.id,
      tenant,
      account: principal,
      model,
      queries,
      distinct: answers,
      ...(landmarks === undefined ? {} : { coverage: rounded(coverage), landmarks: landmarks.count }),
      ...(fidelity === null
        ? {}
        : { fidelity: rounded(fidelity[0]), lo90: rounded(fidelity[1]), hi90: rounded(fidelity[2]) }),
    }
  }

  #tellAt({ told }: Holdings): number {
    return Math.max(tellFrom, Math.min(told.at * growth, Math.max(this.#params.noteMin, told.at * growthOfMany)))
  }

  /** The midnight after it was told last, if there is more to tell; else when it is forgotten, by the day. */
  #dueMs(holdings: Holdings): number {
    const { told, lastMs } = holdings
    if (told.at > 0 && holdings.queries > told.queries) return (Math.floor(told.ms / dayMs) + 1) * dayMs
    return (Math.floor(lastMs / dayMs) + 1) * dayMs + this.#params.forget
  }
}

function gotBy(holding: Holding, answers: number): Shuffled {
  const { principal, timeMs, sinceMs, queries, coverage, fidelity, entities, evidence } = holding
  const got: Got = { principal, timeMs, sinceMs, answers, queries, coverage, fidelity, entities, evidence }
  return { group: [holding.model], observation: got }
}

function rounded(share: number): number {
  return Math.round(share * 1e4) / 1e4
}

function landmarksOf(context: StepContext, model: string, input: QueryInput): Landmarks | undefined {
  const landmarks = openLandmarks(context.baseline(landmarkNames[input.kind].of(model), 'model-queries'))
  return landmarks?.dimension === input.x.length ? landmarks : undefined
}
