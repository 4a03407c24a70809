/** Random rules, events and ways of delivering them, from one number: the same number gives the same case. */
import type { Expression } from './reference.ts'

export type Random = <T>(choices: readonly T[]) => T

export interface RandomCorrelation {
  readonly id: string
  readonly type: string
  /** Names of what it stands on. */
  readonly rules: readonly string[]
  readonly groupBy: readonly string[]
  /** Group-by `who` stands for a field of its own in each rule. */
  readonly aliased: boolean
  readonly spanS: number
  readonly field: string | undefined
  readonly percentile: number | undefined
  readonly comparisons: readonly (readonly [op: string, value: number])[]
  readonly expression: Expression | undefined
  readonly scope: 'tenant' | 'operator'
  readonly generate: boolean
}

export interface RandomEvent {
  readonly id: string
  readonly t: number
  readonly action: string
  readonly tenant: string
  readonly user: string
  readonly target: string | undefined
  readonly ip: string | undefined
  readonly asset: string | undefined
  readonly bytes: number | string | undefined
}

export interface Delivery {
  /** Indexes into the events, in order of arrival. */
  readonly order: readonly number[]
  /** After which arrivals the watermark moves. */
  readonly marks: ReadonlySet<number>
  readonly restarts: ReadonlySet<number>
  readonly latenessMs: number
}

export interface RandomCase {
  /** Lower ones first. */
  readonly correlations: readonly RandomCorrelation[]
  readonly events: readonly RandomEvent[]
  readonly deliver: (tasks: number) => Delivery
}

/** What each single rule matches; some go by a name alone. */
export const singles: Readonly<Record<string, readonly string[]>> = {
  alpha: ['a'],
  beta: ['b'],
  gamma: ['c'],
  either: ['a', 'd'],
}
export const withId: ReadonlySet<string> = new Set(['alpha', 'either'])

export const fieldOf = {
  'user.name': 'user',
  'source.ip': 'ip',
  'warden.asset.id': 'asset',
  'warden.bytes': 'bytes',
} as const

function mulberry(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function randomCase(seed: number): RandomCase {
  const next = mulberry(seed)
  const pick: Random = (choices) => choices[Math.floor(next() * choices.length)]!
  const correlations = [randomCorrelation(pick, 'lower', Object.keys(singles))]
  // One, two, or three that stand on one another, whatever they are; the third perhaps beside the second.
  if (next() < 0.45) correlations.push(randomUpper(pick, 'upper', correlations))
  if (correlations.length > 1 && next() < 0.4) correlations.push(randomUpper(pick, 'top', correlations))
  const events = randomEvents(pick, next)
  return { correlations, events, deliver: (tasks) => randomDelivery(mulberry(seed * 31 + tasks), events) }
}

const types = (
  'event_count value_count value_sum value_avg value_percentile value_median temporal temporal_ordered ' +
  'temporal_extended temporal_ordered_extended temporal_extended temporal_ordered_extended'
).split(' ')

function some(pick: Random, choices: readonly string[], least: number): string[] {
  const shuffled = [...choices].sort(() => pick([-1, 1]))
  return shuffled.slice(0, pick(Array.from({ length: choices.length - least + 1 }, (_, more) => least + more)))
}

function randomCorrelation(pick: Random, id: string, names: readonly string[]): RandomCorrelation {
  const type = pick(types)
  const temporal = type.startsWith('temporal')
  const rules = some(pick, names, temporal ? 2 : 1)
  const expression = type.endsWith('_extended') ? randomExpression(pick, type, rules) : undefined
  const aliased = pick([true, false, false, false])
  return {
    id,
    type,
    rules: expression === undefined ? rules : mentioned(expression),
    groupBy: aliased
      ? ['who']
      : pick([[], ['warden.principal'], ['user.name'], ['source.ip'], ['user.name', 'source.ip']]),
    aliased,
    spanS: pick([1, 5, 20, 60]),
    field: type.startsWith('value_')
      ? type === 'value_count'
        ? pick(['warden.asset.id', 'source.ip'])
        : 'warden.bytes'
      : undefined,
    percentile: type === 'value_percentile' ? pick([0, 10, 50, 90, 100]) : undefined,
    comparisons: expression === undefined ? randomComparisons(pick, type, rules.length) : [['gte', 1]],
    expression,
    scope: pick(['tenant', 'tenant', 'operator']),
    generate: pick([true, false]),
  }
}

function randomComparisons(pick: Random, type: string, rules: number): RandomCorrelation['comparisons'] {
  const value = type.startsWith('temporal')
    ? pick(Array.from({ length: rules }, (_, at) => at + 1))
    : pick([1, 2, 3, 4, 6])
  const range: RandomCorrelation['comparisons'] = [['gt', value - 1], ['lte', value + 2]] // prettier-ignore
  return pick<RandomCorrelation['comparisons']>([
    [['gte', value]],
    [['gte', value]],
    [['gt', Math.max(0, value - 1)]],
    [['eq', value]],
    [['lte', value]],
    [['lt', value + 1]],
    [['neq', value + 1]],
    range,
  ])
}

function randomExpression(pick: Random, type: string, rules: readonly string[]): Expression {
  if (type === 'temporal_ordered_extended') {
    const operands = rules.map((rule, at): Expression => {
      const single: Expression = pick([true, true, false]) ? rule : ['or', rule, rules[(at + 1) % rules.length]!]
      return pick([true, true, false]) ? single : ['not', single]
    })
    return ['and', ...operands, ...(pick([true, false]) ? [rules[0]!] : [])]
  }
  const nest = (of: readonly Expression[], depth: number): Expression => {
    if (of.length === 1) return pick([true, true, false]) ? of[0]! : ['not', of[0]!]
    const at = pick(Array.from({ length: of.length - 1 }, (_, index) => index + 1))
    const inner: Expression = [
      pick(['and', 'and', 'or']),
      nest(of.slice(0, at), depth + 1),
      nest(of.slice(at), depth + 1),
    ]
    return depth > 0 && pick([true, false, false, false]) ? ['not', inner] : inner
  }
  return nest(rules, 0)
}

function mentioned(expression: Expression): readonly string[] {
  if (typeof expression === 'string') return [expression]
  return [...new Set(expression.slice(1).flatMap(mentioned))]
}

/** A correlation that stands on some of the others, groups by what these group by, and may have single rules beside them. */
function randomUpper(pick: Random, id: string, below: readonly RandomCorrelation[]): RandomCorrelation {
  const on = pick([below.slice(-1), below.slice(-1), below.slice(0, 1), below])
  const type = pick(types.filter((each) => !each.startsWith('value_') || each === 'value_count'))
  const own = on
    .map(({ groupBy }) => groupBy.filter((field) => field !== 'who'))
    .reduce((common, groupBy) => common.filter((field) => groupBy.includes(field)))
  const groupBy = own.length === 0 ? [] : pick([own, own.slice(0, 1), []])
  const count = type === 'value_count' && own.length > 0
  const kind = type === 'value_count' && !count ? 'event_count' : type
  const names = on.map((each) => each.id)
  const rules =
    count || (kind === 'event_count' && pick([true, false]))
      ? names
      : [...names, ...pick([['gamma'], ['gamma', 'alpha']])]
  const ordered = pick([true, false]) ? rules : [...rules].reverse()
  const expression = kind.endsWith('_extended') ? randomExpression(pick, kind, ordered) : undefined
  return {
    id,
    type: kind,
    rules: ordered,
    groupBy,
    aliased: false,
    spanS: pick([5, 20, 60, 300]),
    field: count ? own[0] : undefined,
    percentile: undefined,
    comparisons: expression === undefined ? randomComparisons(pick, kind, ordered.length) : [['gte', 1]],
    expression,
    scope: pick([...on.map(({ scope }) => scope), 'operator']),
    generate: pick([true, false]),
  }
}

const startMs = Date.parse('2026-03-02T09:00:00.000Z')

function randomEvents(pick: Random, next: () => number): RandomEvent[] {
  const events: RandomEvent[] = []
  let t = startMs
  const length = 3 + Math.floor(next() * 38)
  const gaps = pick([
    [0, 1, 500, 1_000, 2_000],
    [0, 1_000, 5_000, 20_000],
    [1_000, 20_000, 60_000, 90_000],
  ])
  for (let at = 0; at < length; at++) {
    t += pick(gaps)
    events.push({
      id: `e${at}`,
      t,
      action: pick(['a', 'b', 'c', 'd', 'e']),
      tenant: pick(['own', 'own', 'acme']),
      user: pick(['dana', 'eli']),
      target: pick(['dana', 'eli', undefined]),
      ip: pick(['10.0.0.1', '10.0.0.2', undefined]),
      asset: pick(['s3://a', 's3://b', 's3://c', 's3://d', undefined]),
      bytes: pick([0, 1, 2, 3, 5, 8, -2, 2.5, '4', 'many', undefined]),
    })
  }
  return events
}

function randomDelivery(next: () => number, events: readonly RandomEvent[]): Delivery {
  const latenessMs = [0, 2_000, 30_000, 600_000][Math.floor(next() * 4)]!
  // Most within the lateness allowed; where `late`, some past it.
  const late = next() < 0.3
  const arrivals = events.flatMap(({ t }, number) => {
    const copies = next() < 0.2 ? 2 + Math.floor(next() * 2) : 1
    const reach = late && next() < 0.2 ? latenessMs * 2 + 5_000 : latenessMs
    return Array.from({ length: copies }, () => ({ number, at: t + next() * reach }))
  })
  const order = arrivals.sort((a, b) => a.at - b.at).map(({ number }) => number)
  const often = next()
  const marks = new Set(order.keys().filter(() => next() < often))
  const restarts = new Set(order.keys().filter(() => next() < 0.05))
  return { order, marks, restarts, latenessMs }
}
