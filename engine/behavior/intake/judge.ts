/**
 * The grouped step of `intake-poisoning`, one group a data set: compares each source with the others.
 *
 * Promises: acts on arrival; each kind of finding once for each source, revised as the count doubles. Memory is bounded:
 * exemplars, positions and sources. What is usual for a source is told by those of the other sources that stand out least
 * (labels: the better half; copies: twice the lower quartile): one bad source neither hides behind itself nor blackens the rest.
 */
import { quantile } from 'simple-statistics'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { limits } from '../../../core/limits.ts'
import { mergeEntities, mergeEvidence, type WithContext } from '../entities.ts'
import { gather } from '../statistics/evidence.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { askAgain, isDue } from './again.ts'
import { isNearCopy } from './copies.ts'
import { Exemplars, folded, type Exemplar, type Named } from './exemplars.ts'
import { explainAgain, explainIntake, type Explained, type IntakeKind } from './explain.ts'
import { countExpected, isUnexpected, namedBy, namedIn, usualExpected, type Expected } from './expect.ts'
import { countVote, evidenceOfVote, isMoved, voteOf, type Bets, type Moved, type Votes } from './labels.ts'
import type { IntakeParams, IntakeRecord } from './params.ts'
import { namesWithout } from './without.ts'
import { emptyRange, findTrigger, widen, type Range, type Trigger } from './trigger.ts'

const sourcesMax = 256
const labelsMax = 1_000
/** A rate is never taken to be lower: some near copies are everybody's. */
const copiesMin = 0.01
const usualRatio = 2
const usualQuantile = 0.25
/** Records of another source before its rate counts. */
const otherRecordsMin = 30
/** Labels on arrival and asked again, copies, triggers: each is looked for by itself, together they keep what is promised. */
const kinds = 4

interface Source {
  records: number
  contradictions: number
  copies: number
  /** Records with a label that hardly any neighbor names. */
  unexpected: number
  expected: Expected
  votes: Votes
  bets: Bets
  /** States of before have none. */
  moved?: Moved
  /** Logarithms of the evidence. */
  labelEvidence: number
  copyEvidence: number
  entities: readonly Entity[]
  evidence: Partial<Record<IntakeKind, readonly EvidenceRef[]>>
  /** Kind -> version and count at the last finding. */
  told: Partial<Record<IntakeKind, readonly [version: number, count: number]>>
  firstMs: number
  /** Records since all were last asked again; states of before have none. */
  brought?: number
}

interface Set {
  records: number
  /** Records when all were last asked again. */
  askedAt?: number
  labels: string[]
  range: Range
  distances: number[]
}

export class IntakeJudge implements BehaviorStep {
  readonly stateVersion = 2
  readonly groupBy = ['organization.id', 'warden.dataset.id']
  readonly #params: IntakeParams
  readonly #line: number

  constructor(params: IntakeParams) {
    this.#params = params
    this.#line = Math.log(kinds * params.falseAlarmEvery)
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { of: record, entities, evidence } = input as WithContext<IntakeRecord>
    const set = entries.get<Set>('set') ?? { records: 0, labels: [], range: emptyRange(), distances: [] }
    const sources = entries.get<Record<string, Source>>('sources') ?? {}
    const source = sources[record.source] ?? newSource(record.timeMs)
    if (sources[record.source] === undefined) {
      if (Object.keys(sources).length >= sourcesMax) return { ...quiet, dropped: 'overflow' }
      sources[record.source] = source
    }
    const { neighbors, recordsMin } = this.#params
    const vector = folded(record.vector)
    const exemplars = new Exemplars(entries, this.#params.exemplars)
    const own = { v: vector, l: record.label, s: record.source }
    const near = exemplars.meet(own, neighbors, namedOf(sources))
    const nearCopy = isNearCopy(set.distances, near, this.#params.nearShare, (within, at) =>
      exemplars.hadBefore(record.source, vector, within, at, set.records),
    )
    // A label that hardly any stranger carries is a class of its own, not a mistake.
    const isAsked = near.strangers.length >= neighbors && near.alike >= neighbors
    const named = isAsked ? namedIn(near.strangers) : undefined
    widen(set.range, vector, recordsMin)
    if (!set.labels.includes(record.label) && set.labels.length < labelsMax) set.labels.push(record.label)
    const others = Object.values(sources).filter((other) => other !== source)
    source.entities = mergeEntities(source.entities, entities)
    const exemplar = { ...own, ...(named === undefined ? {} : { n: named }), ...(evidence[0] && { e: evidence[0] }) }
    let trigger: Trigger | undefined
    if (set.records >= recordsMin && nearCopy !== undefined) {
      for (const kind of this.#count(source, others, set.labels.length, named, record.label, nearCopy)) {
        source.evidence[kind] = mergeEvidence(source.evidence[kind] ?? [], evidence, limits.signalEvidenceMax)
      }
      trigger = this.#trigger(source, others, exemplar, exemplars, set.range, namedOf(sources))
    }
    exemplars.add(set.records, exemplar, near.voters)
    set.records++
    source.brought = (source.brought ?? 0) + 1
    const findings = this.#findings(group, sources, record, trigger, evidence)
    if (set.records >= recordsMin && isDue(set.records, set.askedAt ?? 0)) {
      findings.push(...this.#askAgain(group, set, sources, exemplars, record.timeMs))
    }
    entries.set('set', set)
    entries.set('sources', sources)
    return { ...quiet, findings }
  }

  advance(): StepOutcome {
    return quiet
  }

  /** What this record counts as. */
  #count(
    source: Source,
    others: readonly Source[],
    labels: number,
    named: Named | undefined,
    label: string,
    nearCopy: boolean,
  ): IntakeKind[] {
    const counted: IntakeKind[] = []
    source.records++
    if (nearCopy) source.copies++
    const copies = others
      .filter(({ records }) => records >= otherRecordsMin)
      .map((other) => (other.copies + 0.5) / (other.records + 1))
    if (copies.length > 0) {
      const usual = Math.min(0.4, Math.max(copiesMin, usualRatio * quantile(copies, usualQuantile)))
      source.copyEvidence = gather(source.copyEvidence, nearCopy, usual)
      if (nearCopy) counted.push('copies')
    }
    if (named === undefined) return counted
    countExpected(source.expected, named, label, labels)
    if (isUnexpected(namedBy(named, label))) source.unexpected++
    const vote = voteOf(named, this.#params.neighbors, label)
    if (vote === undefined) return counted
    // Of two classes one way is half of all mistakes.
    if (labels <= 2 || !isMoved((source.moved ??= { seen: {} }), vote, label)) {
      source.labelEvidence = evidenceOfVote(
        source.bets,
        vote,
        others.map(({ votes }) => votes),
      )
    }
    countVote(source.votes, vote)
    if (!vote.contradicts) return counted
    source.contradictions++
    return [...counted, 'labels']
  }

  /** About all sources: what came shows what others brought. */
  #askAgain(
    group: readonly string[],
    set: Set,
    sources: Readonly<Record<string, Source>>,
    exemplars: Exemplars,
    timeMs: number,
  ): BehaviorFinding[] {
    const brought = (source: string): number => sources[source]?.brought ?? 0
    const past = askAgain(exemplars, namedOf(sources), brought, kinds * this.#params.falseAlarmEvery)
    for (const source of Object.values(sources)) source.brought = 0
    set.askedAt = set.records
    return [...past].flatMap(([name, again]) => {
      const said = explainAgain(group[1]!, name, again)
      return this.#finding(group, 'labels', name, sources[name]!, timeMs, again.contradictions, again.events, said)
    })
  }

  #trigger(
    source: Source,
    others: readonly Source[],
    newest: Exemplar,
    exemplars: Exemplars,
    range: Range,
    unasked: ReadonlySet<string>,
  ): Trigger | undefined {
    if (newest.n === undefined || !isUnexpected(namedBy(newest.n, newest.l))) return undefined
    const rateOf = usualExpected(others)
    if (rateOf === undefined) return undefined
    const like = [...exemplars.all()].filter(({ v }) => v.length === newest.v.length)
    const strangers = like.filter(({ s }) => s !== newest.s)
    const nameWithout = namesWithout(
      strangers.filter(({ s }) => !unasked.has(s)),
      this.#params.neighbors,
    )
    const own = like.filter(({ s }) => s === newest.s)
    return findTrigger({ newest, own, strangers, range, rateOf, look: source.unexpected, nameWithout }, this.#line)
  }

  #findings(
    group: readonly string[],
    sources: Readonly<Record<string, Source>>,
    record: IntakeRecord,
    trigger: Trigger | undefined,
    evidence: readonly EvidenceRef[],
  ): BehaviorFinding[] {
    const source = sources[record.source]!
    const line = this.#line
    if (trigger !== undefined) {
      source.evidence.trigger = mergeEvidence(source.evidence.trigger ?? [], evidence, limits.signalEvidenceMax)
    }
    const crossed: [IntakeKind, number, boolean][] = [
      ['labels', source.contradictions, source.labelEvidence >= line],
      ['copies', source.copies, source.copyEvidence >= line],
      ['trigger', trigger?.hits ?? 0, trigger !== undefined],
    ]
    return crossed.flatMap(([kind, count, isCrossed]) => {
      if (!isCrossed) return []
      const said = explainIntake(kind, group[1]!, record, source, sources, trigger, line)
      return this.#finding(
        group,
        kind,
        record.source,
        source,
        record.timeMs,
        count,
        source.evidence[kind] ?? evidence,
        said,
      )
    })
  }

  /** None where as much was told before. */
  #finding(
    group: readonly string[],
    kind: IntakeKind,
    name: string,
    source: Source,
    timeMs: number,
    count: number,
    events: readonly EvidenceRef[],
    said: Explained,
  ): BehaviorFinding[] {
    const [version, last] = source.told[kind] ?? [0, 0]
    if (count < 2 * last) return []
    source.told[kind] = [version + 1, count]
    return [
      {
        anchor: kind,
        version: version + 1,
        status: 'open',
        supersedes: [],
        group: { 'warden.dataset.id': group[1]!, 'warden.principal': name },
        timeMs,
        window: { startMs: source.firstMs, endMs: timeMs },
        entities: source.entities,
        evidence: { count, events },
        ...said,
      },
    ]
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

/** Sources past a line: their records say nothing of others' any more. */
function namedOf(sources: Readonly<Record<string, Source>>): ReadonlySet<string> {
  return new Set(Object.keys(sources).filter((name) => Object.keys(sources[name]!.told).length > 0))
}

function newSource(firstMs: number): Source {
  return {
    records: 0,
    contradictions: 0,
    copies: 0,
    unexpected: 0,
    expected: [],
    votes: {},
    bets: [],
    labelEvidence: 0,
    copyEvidence: 0,
    entities: [],
    evidence: {},
    told: {},
    firstMs,
  }
}
