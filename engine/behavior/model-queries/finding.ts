/** Says what a finding of `model-queries` rests on: how unlike honest use, over which line, with which bound. */
import type { Entity, Series } from '../../../core/signal.ts'
import type { BehaviorFinding } from '../types.ts'
import type { Account } from './account/account.ts'
import { lineOf, queryThreats, type QueryThreat } from './account/evidence.ts'
import type { InputKind } from './input/input.ts'
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

const words: Readonly<Record<QueryThreat, string>> = {
  extraction: 'asks as one does who copies the model',
  'boundary-search': 'searches for the decision boundary around its inputs',
  inversion: 'asks synthetic inputs around one place, as one does who reconstructs what a class looks like',
  'membership-inference': 'asks the records that the model was trained on',
}

const evidenceWords: Readonly<Record<string, string>> = {
  odd: 'were unlike all but 5 % of honest queries',
  novel: 'were unlike all but 1 % of honest queries',
  narrow: 'were answered with a margin that only 5 % of honest queries have',
  undecided: 'were answered with a margin that only 1 % of honest queries have',
  surer: 'were answered more surely than all but 5 % of honest queries',
  sure: 'were answered more surely than all but 1 % of honest queries',
  line: 'lay on a line with the queries before',
  way: 'were the first between two natural ones, with no end in common with the ways before',
  flip: 'were about where earlier ones were, and got another class',
  turn: 'were close to an earlier one, and got another class',
  pair: 'made pairs around one center, as one does who estimates a gradient',
  sparse: 'changed a few values of an earlier one',
  even: 'were synthetic, with one value after another changed by the same',
  added: 'were an earlier one with three values or more changed by the same, as one does who keeps what helps',
  probe: 'changed one value by as much as those before it, which were put back, as one does who estimates slopes',
  step: 'were an earlier one and an equally long step in each value, as the sign of a gradient is',
  drift: 'were synthetic and on their way away from those before',
  ball: 'were synthetic and about where earlier ones were',
  member: 'were records of the training set',
  copied: 'were the first that was made of such a record',
  halved:
    'were, in the one value that was changed, halfway between two earlier ones, as one does who looks for where the answer changes',
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
  const line = lineOf(bound, queries)
  const index = queryThreats.indexOf(threat)
  const startMs = account.since[index]!
  const { shown } = suspicion
  const seen = Object.entries(shown).filter(([name, count]) => count > 0 && shown[partOf[name] ?? ''] !== count)
  const details = seen.map(([name, count]) => `${count} ${evidenceWords[name] ?? name}`)
  const learned =
    reference === undefined
      ? ''
      : ` Honest use is learned from ${reference.told.samples} queries of ${reference.told.accounts} accounts.`
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
      `${principal} ${words[threat]} ${model}: of its last ${suspicion.queries} different queries ${details.join(', ')}. ` +
      `The evidence is ${value.toExponential(1)} and its line ${line.toExponential(1)}: an honest account crosses it with a ` +
      `probability of at most ${bound} in ${queries} different queries.${learned}`,
    facts: {
      evidence: value,
      line,
      falseAlarmBound: bound,
      falseAlarmQueries: queries,
      queries: account.queries,
      differentQueries: account.distinct,
      input: kind,
      ...Object.fromEntries(seen.map(([name, count]) => [`queries.${name}`, count])),
    },
    exposure: { queries: account.queries },
    threat,
    series: [seriesOf(suspicion, line)],
  }
}

function seriesOf(suspicion: Suspicion, line: number): Series {
  return {
    name: 'evidence (log10)',
    x: 'queries',
    points: suspicion.trail.map(([x, y]) => [x, y]),
    line: Math.log10(line),
    // The mean R of an honest account is at most as large as the number of its queries, in expectation.
    benign: [-2, 3],
  }
}
