/** Says what a finding of `model-queries` rests on: how unlike honest use, over which line, with which bound. */
import { counted } from '../../../core/counted.ts'
import type { Entity } from '../../../core/signal.ts'
import { strengthOf, strengthSeries, strengthWords } from '../strength.ts'
import type { BehaviorFinding } from '../types.ts'
import type { Account } from './account/account.ts'
import { lineOf, queryThreats, type QueryThreat } from './account/evidence.ts'
import type { InputKind } from '../input/input.ts'
import type { Reference } from './honest/reference.ts'
import type { Suspicion } from './account/suspicion.ts'

export interface Crossing {
  readonly threat: QueryThreat
  readonly value: number
  /** An honest account crosses its line with at most this probability in so many different queries. */
  readonly bound: number
  readonly queries: number
  readonly timeMs: number
  readonly kind: InputKind
  readonly version: number
  readonly entities: readonly Entity[]
}

const words: Readonly<Record<QueryThreat, (model: string) => string>> = {
  extraction: (model) => `asks ${model} as one does who copies it`,
  'boundary-search': (model) => `searches around its inputs for where ${model} decides otherwise`,
  inversion: (model) =>
    `asks ${model} synthetic inputs around one place, as one does who reconstructs what a class looks like`,
  'membership-inference': (model) => `asks ${model} the records that it was trained on`,
}

/** What is said of one query, so that it is right for any number of them. */
const evidenceWords: Readonly<Record<string, string>> = {
  odd: 'unlike all but 5 % of honest queries',
  novel: 'unlike all but 1 % of honest queries',
  narrow: 'answered with a margin that only 5 % of honest queries have',
  undecided: 'answered with a margin that only 1 % of honest queries have',
  surer: 'answered more surely than all but 5 % of honest queries',
  sure: 'answered more surely than all but 1 % of honest queries',
  line: 'on a line with the queries before',
  way: 'the first between two natural ones, with no end in common with the ways before',
  flip: 'about where earlier ones were, and of another class',
  turn: 'close to an earlier one, and of another class',
  pair: 'one of two pairs around one center, as one makes who estimates a gradient',
  sparse: 'an earlier one with a few values changed',
  even: 'synthetic, with one value after another changed by the same',
  added: 'an earlier one with three values or more changed by the same, as one does who keeps what helps',
  probe: 'changed in one value by as much as those before it, which were put back, as one does who estimates slopes',
  step: 'an earlier one and an equally long step in each value, as the sign of a gradient is',
  drift: 'synthetic and on its way away from those before',
  ball: 'synthetic and about where earlier ones were',
  member: 'a record of the training set',
  copied: 'the first that was made of such a record',
  halved:
    'halfway between two earlier ones in the one value that was changed, as one does who looks for where the answer changes',
  base: 'one of a pair, of equal changes or of half steps among many queries made of one input, whatever was asked between',
}

/** What a kind says in part: it is left out where all that shows it shows that. */
const partOf: Readonly<Record<string, string>> = { odd: 'novel', narrow: 'undecided', surer: 'sure' }

export function findingOf(
  group: readonly string[],
  account: Account,
  suspicion: Suspicion,
  crossing: Crossing,
  reference: Reference | undefined,
): BehaviorFinding {
  const { threat, value, bound, queries, timeMs, kind, version } = crossing
  const [principal, model] = group as [string, string]
  const strength = strengthOf(Math.log(value), Math.log(lineOf(bound, queries)))
  const index = queryThreats.indexOf(threat)
  const startMs = account.since[index]!
  const { shown } = suspicion
  const seen = Object.entries(shown).filter(([name, count]) => count > 0 && shown[partOf[name] ?? ''] !== count)
  const details = seen.map(([name, count]) => `${evidenceWords[name] ?? name} (${count})`)
  const learned =
    reference === undefined
      ? ''
      : ` Honest use is learned from ${reference.told.samples} queries of ${counted(reference.told.accounts, 'account')}.`
  return {
    anchor: `${threat}/${startMs}`,
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': principal, 'warden.model.id': model },
    timeMs,
    window: { startMs: Math.min(startMs, timeMs), endMs: timeMs },
    entities: crossing.entities,
    evidence: { count: suspicion.queries, events: suspicion.evidence },
    explanation:
      `${principal} ${words[threat](model)}. Of its last ${counted(suspicion.queries, 'different query', 'different queries')}: ${details.join('; ')}. ` +
      `${strengthWords(strength)}, which an honest account crosses with a probability of at most ${Number((100 * bound).toPrecision(3))} % ` +
      `in ${queries.toLocaleString('en-US')} different queries.${learned}`,
    facts: {
      ...strength,
      falseAlarmBound: bound,
      falseAlarmQueries: queries,
      queries: account.queries,
      differentQueries: account.distinct,
      input: kind,
      ...Object.fromEntries(seen.map(([name, count]) => [`queries.${name}`, count])),
    },
    exposure: { queries: account.queries },
    threat,
    // The mean R of an honest account is at most as large as the number of its queries, in expectation.
    series: [{ ...strengthSeries(suspicion.trail, strength), benign: [-2, 3] }],
  }
}
