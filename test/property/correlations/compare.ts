/** Runs one random case through both steps of detect, and says what differs from the reference. */
import type { ContentFile } from '../../../core/content.ts'
import type { Event } from '../../../core/event.ts'
import { derivedId, sha256Hex } from '../../../core/ids.ts'
import { compileRules } from '../../../services/detect/rule-set/rule-set.ts'
import { DetectInProcess } from '../../../services/detect/in-process.ts'
import {
  fieldOf,
  randomCase,
  singles,
  withId,
  type Delivery,
  type RandomCase,
  type RandomCorrelation,
  type RandomEvent,
} from './random.ts'
import { reference, type Asked, type Expression, type Happening } from './reference.ts'

/** Partitions of fresh runs, each with an arrival of its own. */
const taskCounts = [1, 4, 16] as const

/** `undefined`: the seed gives rules that are refused, rightly or not; else the differences of each run. */
export function compareSeed(seed: number): { readonly findings: number; readonly difference?: string } | undefined {
  const given = randomCase(seed)
  const files = filesOf(given)
  if (compileRules(files).mistakes.length > 0) return undefined
  let findings = 0
  for (const tasks of taskCounts) {
    const delivery = given.deliver(tasks)
    const wanted = expected(given, delivery)
    const found = run(files, given, delivery, tasks)
    findings += wanted.length
    if (JSON.stringify(found) === JSON.stringify(wanted)) continue
    const difference = JSON.stringify(
      { seed, tasks, rules: given.correlations, delivery: [...delivery.order], found, wanted },
      null,
      1,
    )
    return { findings, difference }
  }
  return { findings }
}

function filesOf({ correlations }: RandomCase): ContentFile[] {
  const documents: unknown[] = Object.entries(singles).map(([name, actions]) => ({
    title: name,
    name,
    ...(withId.has(name) ? { id: `id-of-${name}` } : {}),
    logsource: {},
    detection: { selection: { 'event.action': actions }, condition: 'selection' },
  }))
  documents.push(...correlations.map(documentOf))
  return [{ path: 'rules.yml', text: documents.map((each) => JSON.stringify(each)).join('\n---\n') }]
}

function documentOf(correlation: RandomCorrelation): unknown {
  const { id, type, rules, groupBy, spanS, field, percentile, comparisons, expression, scope, generate } = correlation
  // A rule is referred to by its name, or where it has one by its id.
  const references = rules.map((name, at) => (withId.has(name) && at % 2 === 0 ? `id-of-${name}` : name))
  const condition =
    expression === undefined
      ? {
          ...Object.fromEntries(comparisons),
          ...(field === undefined ? {} : { field }),
          ...(percentile === undefined ? {} : { percentile }),
        }
      : written(expression)
  const aliases = Object.fromEntries(rules.map((name, at) => [references[at], aliasOf(name)]))
  return {
    title: id,
    id,
    correlation: {
      type,
      ...(expression === undefined ? { rules: references } : {}),
      ...(groupBy.length === 0 ? {} : { 'group-by': groupBy }),
      ...(correlation.aliased
        ? {
            aliases: {
              who: expression === undefined ? aliases : Object.fromEntries(rules.map((name) => [name, aliasOf(name)])),
            },
          }
        : {}),
      timespan: `${spanS}s`,
      condition,
      generate,
    },
    modelwarden: { scope },
  }
}

/** Of one rule the alias means who did it, of the others whom it was done to. */
function aliasOf(rule: string): string {
  return rule === 'beta' ? 'user.target.name' : 'user.name'
}

function written(expression: Expression): string {
  if (typeof expression === 'string') return expression
  const of = expression.slice(1).map((each) => (typeof each === 'string' ? each : `(${written(each)})`))
  return expression[0] === 'not' ? `not ${of[0]!}` : of.join(` ${expression[0]} `)
}

function eventOf(event: RandomEvent, number: number): Event {
  const id = derivedId('event', event.id)
  return {
    '@timestamp': new Date(event.t).toISOString(),
    event: {
      id,
      kind: 'event',
      action: event.action,
      dataset: 'test',
      created: new Date(event.t).toISOString(),
      hash: sha256Hex(id),
    },
    organization: { id: event.tenant },
    user: { name: event.user, ...(event.target === undefined ? {} : { target: { name: event.target } }) },
    ...(event.ip === undefined ? {} : { source: { ip: event.ip } }),
    warden: {
      principal: `${event.tenant}/${event.user}`,
      logsource: {},
      position: { topic: 'audit.events', partition: 0, offset: number, index: 0 },
      ...(event.asset === undefined ? {} : { asset: { id: event.asset } }),
      ...(event.bytes === undefined ? {} : { bytes: event.bytes as number }),
    },
  }
}

type Row = readonly [
  rule: string,
  scope: string,
  group: string,
  start: number,
  held: number,
  end: number,
  count: number,
  peak: number,
  incomplete: boolean,
]

function sorted(rows: Row[]): Row[] {
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function run(
  files: readonly ContentFile[],
  { events, correlations }: RandomCase,
  delivery: Delivery,
  tasks: number,
): Row[] {
  const pipe = new DetectInProcess(files, { tasks })
  watermarks(events, delivery, (number, at, moved) => {
    if (delivery.restarts.has(at)) pipe.restart()
    pipe.event(eventOf(events[number]!, number), events[number]!.t)
    if (moved !== undefined) pipe.watermark(moved)
  })
  pipe.watermark(Infinity)
  const ids = new Set(correlations.map(({ id }) => id))
  const rows = [...pipe.final().values()].map((signal): Row => {
    const { start, end } = signal.window ?? { start: signal['@timestamp'], end: signal['@timestamp'] }
    const correlated = ids.has(signal.rule.id)
    const group = correlated ? JSON.stringify(signal.group) : ''
    return [
      signal.rule.title,
      signal.scope,
      group,
      Date.parse(start),
      Date.parse(signal['@timestamp']),
      Date.parse(end),
      signal.evidence.count,
      correlated ? Number(signal.facts['peak']) : 1,
      signal.facts['incomplete'] === true,
    ]
  })
  return sorted(rows)
}

/** Each arrival with the watermark that follows it, if one does: as far behind the latest event as is allowed. */
function watermarks(
  events: readonly RandomEvent[],
  { order, marks, latenessMs }: Delivery,
  onArrival: (number: number, at: number, moved: number | undefined) => void,
): void {
  let latest = -Infinity
  for (const [at, number] of order.entries()) {
    latest = Math.max(latest, events[number]!.t)
    onArrival(number, at, marks.has(at) ? latest - latenessMs : undefined)
  }
}

function expected(given: RandomCase, delivery: Delivery): Row[] {
  const { events, correlations } = given
  const arrived = new Set<number>()
  const counted: RandomEvent[] = []
  let watermark = -Infinity
  watermarks(events, delivery, (number, _at, moved) => {
    if (!arrived.has(number) && events[number]!.t >= watermark) counted.push(events[number]!)
    arrived.add(number)
    watermark = Math.max(watermark, moved ?? -Infinity)
  })
  const rows: Row[] = []
  const below = new Map<string, readonly Finding[]>()
  for (const correlation of correlations) {
    const found = findingsOf(correlation, counted, below)
    if (standsAlone(correlation.id, correlations)) {
      for (const { scope, group, anchor, first, last, count, peak, incomplete } of found) {
        rows.push([correlation.id, scope, JSON.stringify(group), anchor, first, last, count, peak, incomplete])
      }
    }
    below.set(correlation.id, found)
  }
  // Rules on single events see each event that arrived, however late, once.
  for (const [name, actions] of Object.entries(singles)) {
    if (!standsAlone(name, correlations)) continue
    for (const event of events.filter(({ action }) => actions.includes(action))) {
      rows.push([name, event.tenant, '', event.t, event.t, event.t, 1, 1, false])
    }
  }
  return sorted(rows)
}

function standsAlone(name: string, correlations: readonly RandomCorrelation[]): boolean {
  const above = correlations.filter(({ rules }) => rules.includes(name))
  return above.length === 0 || above.some(({ generate }) => generate)
}

interface Finding {
  readonly scope: string
  readonly group: Readonly<Record<string, string>>
  readonly anchor: number
  readonly first: number
  readonly last: number
  readonly count: number
  readonly peak: number
  readonly incomplete: boolean
}

function findingsOf(
  correlation: RandomCorrelation,
  events: readonly RandomEvent[],
  below: ReadonlyMap<string, readonly Finding[]>,
): Finding[] {
  const groups = new Map<string, { scope: string; group: Record<string, string>; happenings: Happening[] }>()
  const add = (tenant: string, group: Record<string, string>, happening: Happening): void => {
    const scope = correlation.scope === 'operator' ? 'operator' : tenant
    const key = JSON.stringify([scope, group])
    const known = groups.get(key) ?? { scope, group, happenings: [] }
    known.happenings.push(happening)
    groups.set(key, known)
  }
  for (const [base, name] of correlation.rules.entries()) {
    const findings = below.get(name)
    if (findings !== undefined) {
      for (const [at, { scope, group, first, incomplete }] of findings.entries()) {
        const own = Object.fromEntries(correlation.groupBy.map((field) => [field, group[field]!]))
        add(scope, own, {
          id: `${name} ${at}`,
          t: first,
          base,
          value: group[correlation.field ?? ''] ?? '',
          incomplete,
        })
      }
      continue
    }
    for (const event of events.filter(({ action }) => singles[name]!.includes(action))) {
      const fields = correlation.groupBy.map((field) => [field, groupValue(field, name, event)] as const)
      const value = correlation.field === undefined ? '' : valueOf(correlation, event)
      if (value === undefined || fields.some(([, each]) => each === undefined)) continue
      add(event.tenant, Object.fromEntries(fields) as Record<string, string>, { id: event.id, t: event.t, base, value })
    }
  }
  const asked: Asked = {
    type: correlation.type,
    bases: correlation.rules,
    spanMs: correlation.spanS * 1_000,
    comparisons: correlation.comparisons,
    percentile: correlation.percentile ?? 50,
    expression: correlation.expression,
  }
  return [...groups.values()].flatMap(({ scope, group, happenings }) =>
    reference(asked, once(asked, happenings)).map((found) => ({ scope, group, ...found })),
  )
}

/** An event that two rules match counts once, but where it matters which rules there were. */
function once({ type }: Asked, happenings: readonly Happening[]): readonly Happening[] {
  if (type.startsWith('temporal')) return happenings
  return [...new Map(happenings.map((each) => [each.id, each])).values()]
}

function groupValue(field: string, rule: string, event: RandomEvent): string | undefined {
  if (field === 'who') return aliasOf(rule) === 'user.name' ? event.user : event.target
  if (field === 'warden.principal') return `${event.tenant}/${event.user}`
  return event[fieldOf[field as keyof typeof fieldOf]] as string | undefined
}

function valueOf({ type, field }: RandomCorrelation, event: RandomEvent): string | undefined {
  const value = event[fieldOf[field as keyof typeof fieldOf]]
  if (value === undefined) return undefined
  if (type === 'value_count') return String(value)
  return Number.isFinite(Number(value)) ? String(value) : undefined
}
