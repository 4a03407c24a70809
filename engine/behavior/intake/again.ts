/**
 * Asks the other sources about all remembered records again, with what came later.
 *
 * When a record comes, few of the records that are its nearest in the end are there; of the first, none. So all are asked again
 * each time the set has grown by a quarter, or by 512 records. What comes later may have been chosen to contradict what is there:
 * so each source has one voice, that of its record nearest to the one in question, and a record is contradicted where more name
 * one other label than all of a minority of liars and half of the rest. Of `n` voices up to `f = floor((n - 1) / 2)` may lie:
 * alone they contradict nothing, and all records count, so that blurring a vote accuses nobody. Who is past its own line is asked
 * no more; those are told who pass theirs without the others that do.
 *
 * The votes of a source are one likelihood ratio, whose probability of passing L is at most 1/L for an honest source
 * (Markov), as far as what is usual is known. A source that brought n records (one at least) since it was last asked
 * about has to pass `falseAlarmEvery` over n: it is named by mistake as seldom as one that is judged record by record.
 * Records that lie further from what others brought than four of five do are counted apart, with a usual rate of their
 * own: what a bad scanner brings looks like something else two or three times as often, whatever its labels are. It
 * sees what is remembered, no more: who is slower than that is found by the bets on arrival (labels.ts).
 */
import { limits } from '../../../core/limits.ts'
import type { EvidenceRef } from '../../../core/signal.ts'
import type { Exemplars, Voters } from './exemplars.ts'
import { evidenceOfVotes, type Votes } from './labels.ts'

/** Asked again when the set has this many records for each that it had the last time, or so many more. */
const growth = 1.25
const moreMax = 512
const voicesMin = 2
/** Records of a source with a label before it is one that has the label. */
const carriedMin = 3
/** Of what honest sources show: what is remembered of a few is too little to tell rates below it apart. */
const usualMin = 0.02
/** Records that are further from their voters than the others are far. */
const farShare = 0.2
/** Sources that are left out one after the other in one asking. */
const roundsMax = 8

/** What asking again says of a source. */
export interface Again {
  /** Logarithms of the evidence and of its line. */
  readonly evidence: number
  readonly line: number
  readonly contradictions: number
  /** Of its records that are remembered, those that others were asked about. */
  readonly asked: number
  /** Of such records of the other sources, the share that was contradicted. */
  readonly othersShare: number
  /** The contradicted records. */
  readonly events: readonly EvidenceRef[]
}

/** `records`: of the set, now and when it was last asked about. */
export function isDue(records: number, last: number): boolean {
  return records >= Math.min(growth * last, last + moreMax)
}

interface Asked {
  count: number
  contradictions: number
  /** Of those, the far ones. */
  far: number
  farContradictions: number
  events: EvidenceRef[]
}

/**
 * Source -> what was found, of those past their line. `named`: sources that were past one before. `brought`: of a
 * source since the last time. `falseAlarmEvery`: for this kind of finding.
 */
export function askAgain(
  exemplars: Exemplars,
  named: Iterable<string>,
  brought: (source: string) => number,
  falseAlarmEvery: number,
): ReadonlyMap<string, Again> {
  const carriers = carriersOf(exemplars)
  const silent = new Set(named)
  for (let round = 1; ; round++) {
    const past = pastTheirLine(askAll(exemplars, carriers, silent), brought, falseAlarmEvery)
    const [next] = [...past].filter(([source]) => !silent.has(source)).sort(([, a], [, b]) => excess(b) - excess(a))
    if (next === undefined || round === roundsMax) return past
    silent.add(next[0])
  }
}

const excess = ({ evidence, line }: Again): number => evidence - line

function pastTheirLine(
  asked: ReadonlyMap<string, Asked>,
  brought: (source: string) => number,
  falseAlarmEvery: number,
): Map<string, Again> {
  const past = new Map<string, Again>()
  for (const [source, own] of asked) {
    const { count, contradictions, events } = own
    const others = [...asked].filter(([other]) => other !== source).map(([, other]) => other)
    const evidence = evidenceOfVotes(
      votesOf(own),
      others.map((other) => votesOf(other)),
      usualMin,
    )
    const line = Math.log(falseAlarmEvery / Math.max(1, brought(source)))
    if (evidence < line) continue
    const sum = (of: (other: Asked) => number): number => others.reduce((total, other) => total + of(other), 0)
    const othersShare =
      sum((other) => other.contradictions) /
      Math.max(
        1,
        sum((other) => other.count),
      )
    past.set(source, { evidence, line, contradictions, asked: count, othersShare, events })
  }
  return past
}

function votesOf({ count, contradictions, far, farContradictions }: Asked): Votes {
  return { near: [count - far, contradictions - farContradictions], far: [far, farContradictions] }
}

function askAll(exemplars: Exemplars, carriers: Carriers, silent: ReadonlySet<string>): Map<string, Asked> {
  const asked = new Map<string, Asked>()
  const heard = [...exemplars.withVoters()]
    .map(([exemplar, voters]) => ({ ...exemplar, voices: voters.filter(([other]) => !silent.has(other)) }))
    .filter(({ l: label, s: source, voices }) => voices.length >= voicesMin && carriers.areMany(label, source))
  const isFar = farOf(heard.map(({ voices }) => voices))
  for (const { l: label, s: source, e: event, voices } of heard) {
    const of = asked.get(source) ?? { count: 0, contradictions: 0, far: 0, farContradictions: 0, events: [] }
    asked.set(source, of)
    of.count++
    const far = isFar(voices)
    if (far) of.far++
    if (!isContradicted(voices, label)) continue
    of.contradictions++
    if (far) of.farContradictions++
    if (event !== undefined && of.events.length < limits.signalEvidenceMax) of.events.push(event)
  }
  return asked
}

/** Whether a record's voices, the nearest first, are further away in the middle than those of `1 - farShare` of all. */
function farOf(all: readonly Voters[]): (voices: Voters) => boolean {
  const middle = (voices: Voters): number => voices[voices.length >> 1]![2]
  const sorted = Float64Array.from(all, middle).sort()
  const line = sorted[Math.floor((1 - farShare) * sorted.length)] ?? Infinity
  return (voices) => middle(voices) > line
}

function isContradicted(voices: Voters, label: string): boolean {
  const names = new Map<string, number>()
  for (const [, named] of voices) if (named !== label) names.set(named, (names.get(named) ?? 0) + 1)
  const liars = Math.floor((voices.length - 1) / 2)
  return Math.max(0, ...names.values()) > (voices.length + liars) / 2
}

interface Carriers {
  /** Half of the other sources have the label too: it is no class of the source's own, or of its own and few others'. */
  areMany(label: string, source: string): boolean
}

function carriersOf(exemplars: Exemplars): Carriers {
  const sources = new Set<string>()
  const carried = new Map<string, Map<string, number>>()
  for (const { l: label, s: source } of exemplars.all()) {
    sources.add(source)
    const by = carried.get(label) ?? new Map<string, number>()
    carried.set(label, by.set(source, (by.get(source) ?? 0) + 1))
  }
  const many = new Map<string, Set<string>>()
  for (const [label, by] of carried) {
    many.set(label, new Set([...by].filter(([, count]) => count >= carriedMin).map(([source]) => source)))
  }
  return {
    areMany: (label, source) => {
      const of = many.get(label)!
      return 2 * (of.size - (of.has(source) ? 1 : 0)) >= sources.size - 1
    },
  }
}
