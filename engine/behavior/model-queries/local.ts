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
import { hasDrifted } from '../drift/told.ts'
import { Account, AccountBlock } from './account.ts'
import { Evidence, lineOf, queryThreats, restartWeight, shows } from './evidence.ts'
import { findingOf } from './finding.ts'
import { surroundingsOf, type Surroundings } from './geometry.ts'
import { keyOfText, packedInput, type InputKind, type QueryInput } from './input.ts'
import type { ToTeach } from './learn.ts'
import type { ModelQueriesParams } from './params.ts'
import { levelCount, openReference, type Reference } from './reference.ts'
import { note, type Suspicion } from './suspicion.ts'

export interface ModelQuery {
  readonly timeMs: number
  readonly input: QueryInput
  /** A record of the model's training set. */
  readonly member: boolean
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

/** Queries an account may teach with in one epoch of event time. */
const taughtMax = 256
const epochMs = 7 * 86_400_000
const dayMs = 86_400_000
/** Mean R from which an account is under suspicion, and below which suspicion ends; in weights of a restart. */
const suspect = 1_000
const cleared = 10
/** Novelty that no stream of honest inputs reaches, as a multiple of the greatest that was seen. */
const farOutRatio = 1.3
/** Of the last eight, so many of another class make a walk one along a boundary. */
const othersMin = 2
/** How much further apart than in the inputs themselves two that are close may seem. */
const coarseness: Readonly<Record<InputKind, number>> = { features: 1, embedding: 1, hash: 3, output: 1 }
/** Answers alone say less of who asks: customers differ more in them. */
const outputAllowance = 0.8
const suspicionName = 'suspicion'

export class WeighQueries implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #params: ModelQueriesParams
  readonly #line: number
  readonly #totals = new Float64Array(queryThreats.length)
  readonly #unlearned: Evidence
  readonly #learned = new WeakMap<Reference, Evidence>()
  /** One for each length of input. */
  readonly #workspaces = new Map<number, Account>()

  constructor(params: ModelQueriesParams) {
    this.#params = params
    this.#line = lineOf(params.bound, params.boundQueries)
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
    if (!account.ask(input.key, timeMs)) return this.#outcome(account, [], [])
    const reference = this.#referenceOf(context, group[1]!, query)
    const shown = this.#show(account, query, reference)
    const evidence = reference === undefined ? this.#unlearned : this.#evidenceOf(reference, input.kind)
    evidence.take(account.values, shown.bits, shown.counts, this.#totals, this.#weightOf(account))
    const findings = this.#judge(group, entries, account, query, shown.bits, reference)
    return this.#outcome(account, findings, this.#teach(group, account, query))
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const account = AccountBlock.of(entries.get(''))
    const forgotten = account === undefined || (this.#forgetMs(account) <= watermarkMs && watermarkMs !== Infinity)
    if (forgotten) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    return this.#outcome(account, [], [])
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

  /** What is learned says nothing while the model's traffic as a whole has become another. */
  #referenceOf(context: StepContext, model: string, { input, timeMs }: ModelQuery): Reference | undefined {
    if (hasDrifted(context, model, timeMs)) return undefined
    const reference = openReference(context.baseline(`${model} ${input.kind}`))
    return reference?.told.dimension === input.x.length ? reference : undefined
  }

  #evidenceOf(reference: Reference, kind: InputKind): Evidence {
    let evidence = this.#learned.get(reference)
    if (evidence === undefined) {
      evidence = new Evidence(
        reference.told.lines.share,
        this.#params.allowance * (kind === 'output' ? outputAllowance : 1),
        this.#params.allowance,
      )
      this.#learned.set(reference, evidence)
    }
    return evidence
  }

  #show(account: Account, query: ModelQuery, reference: Reference | undefined): { bits: number; counts: number } {
    const { input, member } = query
    const x = account.rounded(input.x)
    const label = keyOfText(input.label)
    const ring = account.ring()
    const around = surroundingsOf(x, ring, (reference?.told.scale ?? 0) * coarseness[input.kind])
    let counts = shows.member
    let bits = 0
    if (isPlace(input.kind)) {
      counts |= shows.line | shows.sparse | (reference === undefined ? 0 : shows.farLine)
      if (around.line) bits |= shows.line | (around.close ? 0 : shows.farLine)
      if (around.sparse) bits |= shows.sparse
    }
    if (member || (around.close && account.wasMember(around.closest))) bits |= shows.member
    if (reference !== undefined) {
      const classes = {
        same: around.closest >= 0 && account.labelOf(around.closest) === label,
        others: 0,
        changed: ring.length > 1 && account.labelOf(0) !== label && account.labelOf(1) !== label,
      }
      for (let n = 0; n < ring.length; n++) if (account.labelOf(n) !== label) classes.others++
      const of = learned(input, reference, around, classes)
      bits |= of.bits
      counts |= of.counts
    }
    account.remember(label, member)
    return { bits, counts }
  }

  #judge(
    group: readonly string[],
    entries: GroupEntries,
    account: Account,
    query: ModelQuery,
    bits: number,
    reference: Reference | undefined,
  ): BehaviorFinding[] {
    const totals = this.#totals
    const most = greatest(totals)
    const clear = cleared * this.#weightOf(account)
    for (let index = 0; index < totals.length; index++) {
      if (totals[index]! < clear) {
        account.since[index] = query.timeMs
        account.told[index] = 0
      }
    }
    if (most < clear) {
      account.withdrawn = false
      entries.delete(suspicionName)
      return []
    }
    const suspicion = entries.get<Suspicion>(suspicionName) ?? { shown: {}, queries: 0, evidence: [], trail: [] }
    note(suspicion, account, query.evidence, bits, most)
    entries.set(suspicionName, suspicion)
    const findings: BehaviorFinding[] = []
    for (const [index, threat] of queryThreats.entries()) {
      const value = totals[index]!
      const told = account.told[index]!
      // Told again whenever twice as much has leaked.
      const times = Math.log2(account.distinct / told)
      if (value < this.#line || (told > 0 && !(times >= 1 && Number.isInteger(times)))) continue
      const version = told === 0 ? 1 : 1 + times
      if (told === 0) account.told[index] = account.distinct
      const crossing = {
        threat,
        value,
        timeMs: query.timeMs,
        kind: query.input.kind,
        version,
        entities: query.entities(),
      }
      findings.push(findingOf(group, account, suspicion, crossing, this.#params, reference))
    }
    return findings
  }

  #teach(group: readonly string[], account: Account, { input, timeMs }: ModelQuery): Shuffled[] {
    const to = [group[1]!, input.kind]
    const principal = group[0]!
    if (greatest(this.#totals) >= suspect * this.#weightOf(account)) {
      if (account.withdrawn) return []
      account.withdrawn = true
      return [{ group: to, observation: { principal, timeMs, sample: null } satisfies ToTeach }]
    }
    if (account.withdrawn || !account.teaches(Math.floor(timeMs / epochMs), taughtMax)) return []
    const sample = { x: packedInput(input), label: input.label, margin: input.margin ?? null }
    return [{ group: to, observation: { principal, timeMs, sample } satisfies ToTeach }]
  }

  #forgetMs(account: Pick<Account, 'lastMs'>): number {
    // By the day, so that not every query moves it.
    return (Math.floor(account.lastMs / dayMs) + 1) * dayMs + this.#params.forget
  }

  #outcome(
    account: Pick<Account, 'lastMs'>,
    findings: readonly BehaviorFinding[],
    shuffled: readonly Shuffled[],
  ): StepOutcome {
    return { findings, shuffled, dueMs: this.#forgetMs(account) }
  }
}

function greatest(totals: Float64Array): number {
  let most = 0
  for (let index = 0; index < totals.length; index++) if (totals[index]! > most) most = totals[index]!
  return most
}

/** Only of inputs themselves do lines, places and single values mean what they seem to. */
function isPlace(kind: InputKind): boolean {
  return kind === 'features' || kind === 'embedding'
}

/** What only a model's benign traffic can tell. */
function learned(
  input: QueryInput,
  reference: Reference,
  around: Surroundings,
  classes: { readonly same: boolean; readonly others: number; readonly changed: boolean },
): { readonly bits: number; readonly counts: number } {
  const { lines } = reference.told
  const novelty = reference.novelty(input.x, input.label)
  let bits = 0
  let counts = isPlace(input.kind) ? shows.ball | shows.flip | shows.pair | shows.drift : 0
  const synthetic = novelty > lines.novelty[1]!
  const farOut = novelty > farOutRatio * lines.novelty[levelCount - 1]!
  // Noise changes all values; who changes a few does it on purpose.
  const stream = around.close && !(around.sparse && isPlace(input.kind))
  // A camera that moves goes away step by step as well, but past one class for long.
  const walks = around.drift && (!around.close || classes.others >= othersMin)
  if (synthetic && walks) bits |= shows.drift
  if (around.ball && !classes.same) bits |= shows.flip
  if (around.pair) bits |= shows.pair
  if (around.ball && classes.same && (farOut || (synthetic && !stream))) bits |= shows.ball
  // Sure answers of one class are all alike, so that being close says nothing here: another class than twice before does.
  if (input.kind === 'output' && classes.changed && input.margin !== undefined && lines.sure !== undefined) {
    for (let level = 0; level < levelCount; level++) {
      counts |= shows.sure(level)
      if (input.margin > lines.sure[level]!) bits |= shows.sure(level)
    }
  }
  if (stream) return { bits, counts }
  for (let level = 0; level < levelCount; level++) {
    counts |= shows.novelty(level)
    if (novelty > lines.novelty[level]!) bits |= shows.novelty(level)
    if (input.margin === undefined) continue
    counts |= shows.margin(level)
    if (input.margin < lines.margin[level]!) bits |= shows.margin(level)
  }
  return { bits, counts }
}
