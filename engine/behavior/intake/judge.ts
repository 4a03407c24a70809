/**
 * The grouped step of `intake-poisoning`, one group a data set: compares each source with the others.
 *
 * Promises: acts on arrival; each kind of finding once for each source, revised as the count doubles. Memory is bounded:
 * exemplars, positions, tokens and sources. What is usual for a source is twice the lower quartile of the other sources' rates: it holds
 * as long as a quarter of them are honest, and one bad source neither hides behind itself nor blackens the rest.
 */
import { quantile } from 'simple-statistics'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { limits } from '../../../core/limits.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { gather, logBinomialTail } from '../statistics/evidence.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import type { WithContext } from '../volume/totals.ts'
import { Exemplars, folded, type Near } from './exemplars.ts'
import type { IntakeParams, IntakeRecord } from './params.ts'
import { explainIntake, type IntakeKind } from './explain.ts'
import { countTokens, emptyBins, testsOf, tokensOf, type Bins, type TokenCount } from './tokens.ts'

const sourcesMax = 256
const labelsMax = 1_000
/** A rate is never taken to be lower: some mistakes are everybody's. */
const usualMin = { labels: 0.01, copies: 0.01, trigger: 0.05 }
const usualRatio = 2
const usualQuantile = 0.25
/** Records of another source before its rate counts. */
const otherRecordsMin = 30
/** Distances to a stranger's nearest record that the natural scale is taken from. */
const distancesMax = 512

interface Source {
  records: number
  contradictions: number
  copies: number
  /** Logarithms of the evidence. */
  labelEvidence: number
  copyEvidence: number
  tokens: Record<string, TokenCount>
  entities: readonly Entity[]
  evidence: Partial<Record<IntakeKind, readonly EvidenceRef[]>>
  /** Kind -> version and count at the last finding. */
  told: Partial<Record<IntakeKind, readonly [version: number, count: number]>>
  firstMs: number
}

interface Set {
  records: number
  labels: string[]
  bins: Bins
  distances: number[]
}

export class IntakeJudge implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['organization.id', 'warden.dataset.id']
  readonly #params: IntakeParams

  constructor(params: IntakeParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { of: record, entities, evidence } = input as WithContext<IntakeRecord>
    const set = entries.get<Set>('set') ?? { records: 0, labels: [], bins: emptyBins(), distances: [] }
    const sources = entries.get<Record<string, Source>>('sources') ?? {}
    const source = sources[record.source] ?? newSource(record.timeMs)
    if (sources[record.source] === undefined) {
      if (Object.keys(sources).length >= sourcesMax) return { ...quiet, dropped: 'overflow' }
      sources[record.source] = source
    }
    if (!set.labels.includes(record.label) && set.labels.length < labelsMax) set.labels.push(record.label)
    const vector = folded(record.vector)
    const exemplars = new Exemplars(entries, this.#params.exemplars)
    const { strangers, closest } = exemplars.nearest(vector, record.source, this.#params.neighbors)
    const vote = voteOf(strangers, this.#params.neighbors, record.label)
    const tokens = tokensOf(set.bins, vector, this.#params.recordsMin)
    const kinds = this.#count(set, sources, source, vote, this.#isNearCopy(set, strangers, closest))
    countTokens(source.tokens, tokens, vote === 'against' || vote === 'unanimous' ? record.label : undefined)
    exemplars.add(set.records, { v: vector, l: record.label, s: record.source })
    set.records++
    source.entities = mergeEntities(source.entities, entities)
    for (const kind of kinds) {
      source.evidence[kind] = mergeEvidence(source.evidence[kind] ?? [], evidence, limits.signalEvidenceMax)
    }
    const trigger = vote === undefined || vote === 'agrees' ? undefined : this.#trigger(set, sources, record, tokens)
    const findings = this.#findings(group, sources, record, trigger, evidence)
    entries.set('set', set)
    entries.set('sources', sources)
    return { ...quiet, findings }
  }

  advance(): StepOutcome {
    return quiet
  }

  /** What this record counts as. */
  #count(
    set: Set,
    sources: Readonly<Record<string, Source>>,
    source: Source,
    vote: Vote | undefined,
    nearCopy: boolean | undefined,
  ): IntakeKind[] {
    const kinds: IntakeKind[] = []
    if (set.records < this.#params.recordsMin || vote === undefined || nearCopy === undefined) return kinds
    const others = Object.values(sources).filter((other) => other !== source && other.records >= otherRecordsMin)
    const contradicts = vote === 'unanimous'
    source.records++
    if (contradicts) source.contradictions++
    if (nearCopy) source.copies++
    if (others.length === 0) return kinds
    source.labelEvidence = gather(source.labelEvidence, contradicts, usualOf(others, 'contradictions', usualMin.labels))
    source.copyEvidence = gather(source.copyEvidence, nearCopy, usualOf(others, 'copies', usualMin.copies))
    if (contradicts) kinds.push('labels')
    if (nearCopy) kinds.push('copies')
    return kinds
  }

  /** Undefined: the natural scale is not known yet. */
  #isNearCopy(set: Set, strangers: readonly Near[], closest: Near | undefined): boolean | undefined {
    const stranger = strangers.find(({ distance }) => distance > 0)
    const scale = set.distances.length < 30 ? undefined : lowerQuantile(set.distances)
    const near = scale !== undefined && closest !== undefined && closest.distance < this.#params.nearShare * scale
    if (stranger !== undefined && !near) {
      set.distances.push(Math.round(stranger.distance * 1e5) / 1e5)
      if (set.distances.length > distancesMax) set.distances.shift()
    }
    return scale === undefined ? undefined : near
  }

  /** The token of a contradicting record that is the least likely to come of chance, if it is unlikely enough. */
  #trigger(set: Set, sources: Readonly<Record<string, Source>>, record: IntakeRecord, tokens: readonly string[]) {
    const source = sources[record.source]!
    const others = Object.values(sources).filter((other) => other !== source)
    if (others.every(({ records }) => records < otherRecordsMin)) return undefined
    const usual = usualOf(others, 'contradictions', usualMin.trigger)
    let least: { token: string; hits: number; records: number; logP: number } | undefined
    for (const token of tokens) {
      const count = source.tokens[token]
      const hits = count?.against[record.label] ?? 0
      if (count === undefined || hits < 4) continue
      const logP = logBinomialTail(hits, count.records, usual) + Math.log(testsOf(set.bins, set.labels.length))
      if (logP < (least?.logP ?? -Math.log(this.#params.falseAlarmEvery))) {
        least = { token, hits, records: count.records, logP }
      }
    }
    return least
  }

  #findings(
    group: readonly string[],
    sources: Readonly<Record<string, Source>>,
    record: IntakeRecord,
    trigger: { token: string; hits: number; records: number; logP: number } | undefined,
    evidence: readonly EvidenceRef[],
  ): BehaviorFinding[] {
    const source = sources[record.source]!
    const line = Math.log(this.#params.falseAlarmEvery)
    if (trigger !== undefined) {
      source.evidence.trigger = mergeEvidence(source.evidence.trigger ?? [], evidence, limits.signalEvidenceMax)
    }
    const crossed: [IntakeKind, number, boolean][] = [
      ['labels', source.contradictions, source.labelEvidence >= line],
      ['copies', source.copies, source.copyEvidence >= line],
      ['trigger', trigger?.hits ?? 0, trigger !== undefined],
    ]
    return crossed.flatMap(([kind, count, isCrossed]) => {
      const [version, last] = source.told[kind] ?? [0, 0]
      if (!isCrossed || count < 2 * last) return []
      source.told[kind] = [version + 1, count]
      const { explanation, facts } = explainIntake(kind, group[1]!, record, source, sources, trigger, line)
      return [
        {
          anchor: kind,
          version: version + 1,
          status: 'open' as const,
          supersedes: [],
          group: { 'warden.dataset.id': group[1]!, 'warden.principal': record.source },
          timeMs: record.timeMs,
          window: { startMs: source.firstMs, endMs: record.timeMs },
          entities: source.entities,
          evidence: { count, events: source.evidence[kind] ?? [] },
          explanation,
          facts,
        },
      ]
    })
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

function newSource(firstMs: number): Source {
  return {
    records: 0,
    contradictions: 0,
    copies: 0,
    labelEvidence: 0,
    copyEvidence: 0,
    tokens: {},
    entities: [],
    evidence: {},
    told: {},
    firstMs,
  }
}

function usualOf(others: readonly Source[], count: 'contradictions' | 'copies', min: number): number {
  const rates = others
    .filter(({ records }) => records >= otherRecordsMin)
    .map((other) => (other[count] + 0.5) / (other.records + 1))
  return Math.min(0.4, Math.max(min, usualRatio * quantile(rates, usualQuantile)))
}

type Vote = 'agrees' | 'against' | 'unanimous'

/** What strangers' records nearby say of a label. `unanimous`: two thirds name another one, the same. */
function voteOf(strangers: readonly Near[], k: number, label: string): Vote | undefined {
  if (strangers.length < k) return undefined
  const votes = new Map<string, number>()
  for (const { exemplar } of strangers) votes.set(exemplar.l, (votes.get(exemplar.l) ?? 0) + 1)
  const [most, count] = [...votes].reduce((a, b) => (b[1] > a[1] ? b : a))
  if (most === label || (votes.get(label) ?? 0) > 1) return 'agrees'
  return count >= (2 * k) / 3 ? 'unanimous' : count > k / 2 ? 'against' : 'agrees'
}

function lowerQuantile(distances: readonly number[]): number {
  const sorted = [...distances].sort((a, b) => a - b)
  return sorted[Math.floor(0.05 * sorted.length)]!
}
