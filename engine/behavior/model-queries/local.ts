/**
 * The local step of `model-queries`: weighs each query of one account at one model, and lets it teach while it is above
 * suspicion.
 *
 * Promises: O(1) a query; exact repetitions carry no evidence; a query close to one of the last carries none of novelty and
 * margin, since a stream around one input says the same thing many times. An account under suspicion teaches nothing, and
 * takes back what it taught. State is bounded; silence longer than `forget` ends it.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, Shuffled, StepContext, StepOutcome } from '../types.ts'
import { driftedSince, isStrange } from '../drift/told.ts'
import { referenceNames } from '../told-name.ts'
import { AccountBlock } from './account/account-block.ts'
import { Account } from './account/account.ts'
import { AskedMembers, membersName } from './account/asked-members.ts'
import { isBesides, isSuite, noteRecords } from './signs/besides.ts'
import { Evidence, lineOf, queryThreats, restartWeight, unlikeBefore, type QueryThreat } from './account/evidence.ts'
import { explains } from './signs/explained.ts'
import { findingOf } from './finding.ts'
import { withHalving } from './signs/halving.ts'
import { dropHeld, givenOut, heldUntil, holds, takeDue } from './learn/hold.ts'
import { isBlank, keyOfText, type InputKind, type QueryInput } from '../input/input.ts'
import { endBases, movedFrom } from './signs/moved-from.ts'
import { withPairs } from './signs/mirrored.ts'
import { amongBase } from './signs/one-base.ts'
import type { ModelQueriesParams } from './params.ts'
import { levelCount, openReference, type Reference } from './honest/reference.ts'
import { shownBy, type Shown } from './signs/shown.ts'
import { withStrides } from './signs/strides.ts'
import { note, noteWay, suspicionName, type Suspicion } from './account/suspicion.ts'
import { teachingOf } from './learn/teach.ts'

export interface ModelQuery {
  readonly timeMs: number
  readonly input: QueryInput
  /** A record of the model's training set. */
  readonly member: boolean
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

const dayMs = 86_400_000
/** Mean R from which an account is under suspicion, and below which suspicion ends; in weights of a restart. */
const suspect = 1_000
const cleared = 10
/**
 * Whoever is named is named for another threat as well where that is wrong with at most this probability in so many
 * different queries.
 */
const besidesBound = 0.05
const besidesQueries = 1_000
/** Answers alone say less of who asks: customers differ more in them. */
const outputAllowance = 0.8
/** And what honest inputs would look like is known less well than what they do look like. */
const reckonedAllowance = 0.5
const inference: QueryThreat = 'membership-inference'
const search = queryThreats.indexOf('boundary-search')
/** Of a search's evidence, what is shown among the queries of one base. */
const baseWeight = 0.05
const nothing: readonly never[] = []
const driftedName = 'drifted'

/** A mean R that an honest account passes with at most this probability in so many different queries. */
interface Line {
  readonly at: number
  readonly bound: number
  readonly queries: number
}

function lineAt(bound: number, queries: number): Line {
  return { at: lineOf(bound, queries), bound, queries }
}

export class WeighQueries implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #params: ModelQueriesParams
  readonly #first: Line
  /** For another threat of an account that is named for one: that names nobody who is not named anyhow. */
  readonly #besides: Line
  readonly #totals = new Float64Array(queryThreats.length)
  readonly #unlearned: Evidence
  readonly #learned = new WeakMap<Reference, Evidence>()
  /** One for each length of input. */
  readonly #workspaces = new Map<number, Account>()

  constructor(params: ModelQueriesParams) {
    this.#params = params
    this.#first = lineAt(params.bound, params.boundQueries)
    const besides = lineAt(besidesBound, besidesQueries)
    this.#besides = besides.at < this.#first.at ? besides : this.#first
    this.#unlearned = new Evidence(
      Array.from({ length: levelCount }, () => 0.05),
      params.allowance,
    )
  }

  apply(
    group: readonly string[],
    entries: GroupEntries,
    observation: unknown,
    _watermarkMs: number,
    context: StepContext,
  ): StepOutcome {
    const query = observation as ModelQuery
    const { input, timeMs } = query
    const account = this.#workspace(input.x.length)
    const block = this.#blockOf(entries, account, timeMs)
    account.open(block)
    const outcome = this.#weigh(group, entries, account, query, context)
    account.putBack(block)
    entries.set('', block)
    return outcome
  }

  #weigh(
    group: readonly string[],
    entries: GroupEntries,
    account: Account,
    query: ModelQuery,
    context: StepContext,
  ): StepOutcome {
    const { input, timeMs } = query
    if (!account.ask(input.key, timeMs) || isBlank(input)) return this.#outcome(entries, account, nothing, nothing)
    const since = driftedSince(context, group[1]!, timeMs)
    if (since !== undefined) this.#beginAnew(entries, account, since)
    const reference = this.#referenceOf(context, group[1]!, query, since)
    const explainsOne = (x: Float64Array): boolean =>
      reference !== undefined && explains(entries, account, x, reference)
    const moved = movedFrom(entries, input, query.member, reference)
    const alone = shownBy(account, query, reference, asksAgain(entries, query), explainsOne, moved)
    const stepped = alone.isMask === true ? alone : withStrides(entries, account, input, reference?.told, alone)
    const paired = withPairs(entries, input, reference?.told.units, stepped)
    const shown = withHalving(entries, input, reference, paired)
    const base = amongBase(entries, account, input, reference, shown)
    moved?.keep(entries, account, shown.notes)
    account.remember(keyOfText(input.label), shown.notes)
    const evidence = reference === undefined ? this.#unlearned : this.#evidenceOf(reference, input.kind)
    evidence.take(account.values, shown.bits, shown.counts, this.#totals, this.#weightOf(account))
    this.#totals[search] = (1 - baseWeight) * this.#totals[search]! + baseWeight * base.value
    const showed = { ...shown, bits: shown.bits | base.bits }
    const findings = this.#judge(group, entries, account, query, showed, reference, context)
    return this.#outcome(
      entries,
      account,
      findings,
      teachingOf(group, account, query, since, greatest(this.#totals) >= suspect * this.#weightOf(account)),
    )
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const account = AccountBlock.of(entries.get(''))
    const findings = takeDue(entries, watermarkMs)
    const forgotten = account === undefined || (this.#forgetMs(account) <= watermarkMs && watermarkMs !== Infinity)
    if (forgotten) return { findings, shuffled: [], dueMs: Infinity, forget: true }
    if (findings.length > 0) {
      this.#told(account, findings)
      entries.set('', account)
    }
    return this.#outcome(entries, account, findings, [])
  }

  #weightOf(account: Account): number {
    return restartWeight(account.distinct, this.#params.boundQueries)
  }

  #workspace(dimension: number): Account {
    let account = this.#workspaces.get(dimension)
    if (account === undefined) this.#workspaces.set(dimension, (account = new Account(dimension)))
    return account
  }

  #blockOf(entries: GroupEntries, account: Account, timeMs: number): AccountBlock {
    const kept = AccountBlock.of(entries.get(''))
    // Inputs of another length begin afresh: their places can't be compared.
    return kept?.dimension === account.dimension ? kept : account.begin(timeMs)
  }

  /**
   * What was unlike honest inputs before all of them became others speaks against nobody: the account may teach what
   * they are now.
   */
  #beginAnew(entries: GroupEntries, account: Account, since: number): void {
    if (account.firstMs >= since || entries.get<number>(driftedName) === since) return
    entries.set(driftedName, since)
    this.#unlearned.forget(account.values, unlikeBefore)
    dropHeld(entries)
  }

  /** Of findings that have waited. */
  #told(block: AccountBlock, findings: readonly BehaviorFinding[]): void {
    const account = this.#workspace(block.dimension)
    account.open(block)
    for (const { threat } of findings) account.told[queryThreats.indexOf(threat as QueryThreat)] = account.distinct
    account.putBack(block)
  }

  /** What is learned says nothing while the model's traffic as a whole has become another. */
  #referenceOf(
    context: StepContext,
    model: string,
    { input, timeMs }: ModelQuery,
    since: number | undefined,
  ): Reference | undefined {
    const reference = openReference(context.baseline(referenceNames[input.kind].of(model)))
    if (reference?.told.dimension !== input.x.length) return undefined
    if (isStrange(since, timeMs, reference.told.since)) return undefined
    return (input.blackAndWhite ? openReference(reference.told.blackAndWhite) : undefined) ?? reference
  }

  #evidenceOf(reference: Reference, kind: InputKind): Evidence {
    let evidence = this.#learned.get(reference)
    if (evidence === undefined) {
      const room = (kind === 'output' ? outputAllowance : 1) * (reference.told.reckoned ? reckonedAllowance : 1)
      evidence = new Evidence(
        reference.told.lines.share,
        this.#params.allowance * room,
        this.#params.allowance,
        reference.told.usual,
        reference.told.rare,
      )
      this.#learned.set(reference, evidence)
    }
    return evidence
  }

  #judge(
    group: readonly string[],
    entries: GroupEntries,
    account: Account,
    query: ModelQuery,
    { bits, counts, way, halved = 0 }: Shown,
    reference: Reference | undefined,
    context: StepContext,
  ): readonly BehaviorFinding[] {
    const totals = this.#totals
    const most = greatest(totals)
    const clear = cleared * this.#weightOf(account)
    const known = entries.get<Suspicion>(suspicionName)
    for (let index = 0; index < queryThreats.length; index++) {
      // What is named besides ends with what it is named beside.
      if (totals[index]! < clear && !(known !== undefined && isBesides(queryThreats[index]!, known, account))) {
        account.since[index] = query.timeMs
        account.told[index] = 0
      }
    }
    if (most < clear) {
      account.withdrawn = false
      entries.delete(suspicionName)
      endBases(entries)
      return nothing
    }
    const suspicion = known ?? { shown: {}, queries: 0, evidence: [], trail: [] }
    note(suspicion, account, query.evidence, bits, most)
    noteRecords(suspicion, bits, counts)
    if (way !== undefined) noteWay(suspicion, way)
    if (halved > (suspicion.halved ?? 0)) suspicion.halved = halved
    entries.set(suspicionName, suspicion)
    const findings: BehaviorFinding[] = []
    const line = account.told.some((since) => since > 0) ? this.#besides : this.#first
    for (const [index, threat] of queryThreats.entries()) {
      const besides = isBesides(threat, suspicion, account)
      const value = besides ? most : totals[index]!
      const told = account.told[index]!
      // Told again whenever twice as much has leaked.
      const times = Math.log2(account.distinct / told)
      if (threat === inference && !besides && isSuite(suspicion)) continue
      if (value < line.at || (told > 0 && !(times >= 1 && Number.isInteger(times)))) continue
      const version = told === 0 ? 1 : 1 + times
      const crossing = {
        threat,
        value,
        bound: line.bound,
        queries: line.queries,
        timeMs: query.timeMs,
        kind: query.input.kind,
        version,
        entities: query.entities(),
      }
      const finding = (): BehaviorFinding => findingOf(group, account, suspicion, crossing, reference)
      if (told === 0) {
        const steady = this.#unlearned.without(unlikeBefore, account.values)
        const mayWait = (threat === inference ? greatest(steady) : steady[index]!) < line.at
        if (mayWait && holds(entries, context, group[1]!, account, query.timeMs, finding)) continue
        account.told[index] = account.distinct
        givenOut(entries, threat)
      }
      findings.push(finding())
    }
    return findings
  }

  #forgetMs(account: Pick<Account, 'lastMs'>): number {
    // By the day, so that not every query moves it.
    return (Math.floor(account.lastMs / dayMs) + 1) * dayMs + this.#params.forget
  }

  #outcome(
    entries: GroupEntries,
    account: Pick<Account, 'lastMs'>,
    findings: readonly BehaviorFinding[],
    shuffled: readonly Shuffled[],
  ): StepOutcome {
    return { findings, shuffled, dueMs: Math.min(this.#forgetMs(account), heldUntil(entries)) }
  }
}

/** Whether it is a training record that was asked before, in an earlier run of a suite. */
function asksAgain(entries: GroupEntries, { input, member }: ModelQuery): boolean {
  if (!member) return false
  const asked = AskedMembers.of(entries.get(membersName))
  const again = asked.ask(input.key)
  entries.set(membersName, asked)
  return again
}

function greatest(totals: ArrayLike<number>): number {
  let most = 0
  for (let index = 0; index < totals.length; index++) if (totals[index]! > most) most = totals[index]!
  return most
}
