/**
 * Correlations: whatever the order, the duplicates and the interleaving of watermarks, the findings left open are those of a
 * plain reading of the definition (docs/decisions/010-sigma-windows.md) over the events sorted and without duplicates.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correlationOperator } from '../../engine/sigma/correlation-operator.ts'
import type {
  Comparison,
  CorrelationFinding,
  CorrelationType,
  GroupState,
  Observation,
  SigmaCorrelation,
} from '../../engine/sigma/types.ts'

interface Happening {
  readonly id: string
  readonly t: number
  readonly base: number
  readonly value: string
}

type Final = Pick<CorrelationFinding, 'anchorMs' | 'firstHeldMs' | 'lastHeldMs' | 'count' | 'peak'>

const spanMs = 100
const latenessMs = 150

function correlationOf(
  type: CorrelationType,
  condition: readonly { readonly op: Comparison; readonly value: number }[],
  percentile?: number,
): SigmaCorrelation {
  const base = [0, 1, 2].map((index) => ({
    kind: 'rule' as const,
    id: `base-${index}`,
    groupFields: [],
    valueFields: type.startsWith('value_') ? ['value'] : [],
  }))
  return {
    kind: 'correlation',
    meta: { id: 'c' } as SigmaCorrelation['meta'],
    type,
    base,
    groupBy: [],
    timespanMs: spanMs,
    condition,
    ...(percentile === undefined ? {} : { percentile }),
    standalone: true,
  }
}

function observationOf(event: Happening): Observation {
  return {
    eventId: event.id,
    timestampMs: event.t,
    base: event.base,
    values: [event.value],
    evidence: {
      id: event.id,
      timestamp: new Date(event.t).toISOString(),
      hash: '',
      position: { topic: 't', partition: 0, offset: 0, index: 0 },
    },
  }
}

/** The definition, read literally and slowly. */
function measure(correlation: SigmaCorrelation, window: readonly Happening[]): number {
  switch (correlation.type) {
    case 'event_count':
      return window.length
    case 'value_count':
      return new Set(window.map(({ value }) => value)).size
    case 'temporal':
      return new Set(window.map(({ base }) => base)).size
    case 'value_sum':
      return window.reduce((sum, { value }) => sum + Number(value), 0)
    case 'value_avg':
      return window.reduce((sum, { value }) => sum + Number(value), 0) / window.length
    case 'value_percentile': {
      const sorted = window.map(({ value }) => Number(value)).sort((a, b) => a - b)
      return sorted[Math.max(1, Math.ceil((correlation.percentile! * sorted.length) / 100)) - 1]!
    }
    case 'temporal_ordered': {
      // The longest run 0, 1, 2 whose times do not decrease.
      const reach = (base: number, from: number): number =>
        Math.max(
          0,
          ...window
            .filter((event) => event.base === base && event.t >= from)
            .map((event) => 1 + reach(base + 1, event.t)),
        )
      return reach(0, -Infinity)
    }
    default:
      throw new Error(`${correlation.type} is compared in correlations/`)
  }
}

function holds(correlation: SigmaCorrelation, measured: number): boolean {
  const tests: Record<Comparison, (value: number) => boolean> = {
    lt: (value) => measured < value,
    lte: (value) => measured <= value,
    gt: (value) => measured > value,
    gte: (value) => measured >= value,
    eq: (value) => measured === value,
    neq: (value) => measured !== value,
  }
  return correlation.condition.every(({ op, value }) => tests[op](value))
}

function unique(events: readonly Happening[]): readonly Happening[] {
  return [...new Map(events.map((event) => [event.id, event])).values()].sort((a, b) => a.t - b.t)
}

function slidingReference(correlation: SigmaCorrelation, all: readonly Happening[]): Final[] {
  const events = unique(all)
  const found: Final[] = []
  for (const t of [...new Set(events.map((event) => event.t))]) {
    const window = events.filter((event) => event.t <= t && event.t >= t - spanMs)
    const peak = measure(correlation, window)
    if (!holds(correlation, peak)) continue
    const last = found.at(-1)
    const burst =
      last !== undefined && t - last.lastHeldMs <= spanMs
        ? { ...last, lastHeldMs: t, peak: Math.max(last.peak, peak) }
        : { anchorMs: window[0]!.t, firstHeldMs: t, lastHeldMs: t, count: 0, peak }
    if (burst.anchorMs === last?.anchorMs) found.pop()
    found.push({ ...burst, count: events.filter((event) => event.t >= burst.anchorMs && event.t <= t).length })
  }
  return found
}

function completeReference(correlation: SigmaCorrelation, all: readonly Happening[]): Final[] {
  const found: Final[] = []
  for (let rest = [...unique(all)]; rest.length > 0;) {
    const anchorMs = rest[0]!.t
    const window = rest.filter((event) => event.t <= anchorMs + spanMs)
    rest = rest.slice(window.length)
    const peak = measure(correlation, window)
    const lastMs = window.at(-1)!.t
    if (holds(correlation, peak)) {
      found.push({ anchorMs, firstHeldMs: lastMs, lastHeldMs: lastMs, count: window.length, peak })
    }
  }
  return found
}

/** What happens after an arrival: nothing, a watermark that reaches the group if it is due, or one that does in any case. */
type Pass = 'nothing' | 'due' | 'always'

/** Runs the operator over arrivals; the watermark follows the greatest time seen, at some arrivals only. */
function run(correlation: SigmaCorrelation, arrivals: readonly (readonly [Happening, Pass])[]): Final[] {
  const operator = correlationOperator(correlation)
  const open = new Map<number, CorrelationFinding>()
  let state: GroupState | undefined
  let greatest = -Infinity
  let told = -Infinity
  const take = (findings: readonly CorrelationFinding[]): void => {
    for (const finding of findings) {
      const before = open.get(finding.anchorMs)
      expect(finding.version).toBeGreaterThan(before?.version ?? 0)
      for (const anchor of finding.supersedes) expect(open.get(anchor)?.status).toBe('open')
      open.set(finding.anchorMs, finding)
    }
  }
  for (const [event, pass] of arrivals) {
    const step = operator.apply(state, observationOf(event), told)
    state = step.state
    take(step.findings)
    greatest = Math.max(greatest, event.t)
    if (pass === 'nothing') continue
    told = Math.max(told, greatest - latenessMs)
    // A checkpoint.
    if (state !== undefined) state = JSON.parse(JSON.stringify(state)) as GroupState
    if (state !== undefined && (pass === 'always' || operator.dueMs(state) <= told)) {
      const moved = operator.advance(state, told)
      take(moved.findings)
      state = moved.state
    }
  }
  for (const watermark of [greatest + 1, greatest + spanMs + 1, Infinity]) {
    if (state === undefined) continue
    const step = operator.advance(state, watermark)
    take(step.findings)
    state = step.state
  }
  expect(state).toBeUndefined()
  return [...open.values()]
    .filter(({ status }) => status === 'open')
    .map(({ anchorMs, firstHeldMs, lastHeldMs, count, peak }) => ({ anchorMs, firstHeldMs, lastHeldMs, count, peak }))
    .sort((a, b) => a.anchorMs - b.anchorMs)
}

/** Events with the order of their arrival: none comes more than the lateness behind one that came before it. */
const arrivals = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 260 })),
      base: fc.integer({ min: 0, max: 2 }),
      value: fc.integer({ min: 0, max: 5 }),
      delays: fc.array(fc.integer({ min: 0, max: latenessMs }), { minLength: 1, maxLength: 3 }),
      pass: fc.constantFrom<Pass>('nothing', 'due', 'always'),
    }),
    { maxLength: 60, size: 'max' },
  )
  .map((drawn) => {
    let t = 1_000
    const copies = drawn.flatMap(({ gap, base, value, delays, pass }, index) => {
      t += gap
      const event: Happening = { id: `e${index}`, t, base, value: String(value) }
      return delays.map((delay) => ({ event, at: event.t + delay, pass }))
    })
    return copies.sort((a, b) => a.at - b.at).map(({ event, pass }) => [event, pass] as const)
  })

const sliding: readonly [string, SigmaCorrelation][] = [
  ['event_count gte 1', correlationOf('event_count', [{ op: 'gte', value: 1 }])],
  ['event_count gte 4', correlationOf('event_count', [{ op: 'gte', value: 4 }])],
  ['event_count gt 2', correlationOf('event_count', [{ op: 'gt', value: 2 }])],
  // Of these most groups never have enough, some do at last.
  ['event_count gte 12', correlationOf('event_count', [{ op: 'gte', value: 12 }])],
  ['value_count gte 6', correlationOf('value_count', [{ op: 'gte', value: 6 }])],
  ['value_sum gte 35', correlationOf('value_sum', [{ op: 'gte', value: 35 }])],
  ['value_count gte 3', correlationOf('value_count', [{ op: 'gte', value: 3 }])],
  ['value_sum gt 9', correlationOf('value_sum', [{ op: 'gt', value: 9 }])],
  ['temporal', correlationOf('temporal', [{ op: 'gte', value: 3 }])],
  ['temporal_ordered', correlationOf('temporal_ordered', [{ op: 'gte', value: 3 }])],
]
const complete: readonly [string, SigmaCorrelation][] = [
  ['event_count lt 3', correlationOf('event_count', [{ op: 'lt', value: 3 }])],
  ['event_count eq 2', correlationOf('event_count', [{ op: 'eq', value: 2 }])],
  [
    'event_count gte 2 lte 4',
    correlationOf('event_count', [
      { op: 'gte', value: 2 },
      { op: 'lte', value: 4 },
    ]),
  ],
  ['value_count neq 2', correlationOf('value_count', [{ op: 'neq', value: 2 }])],
  ['value_avg gte 3', correlationOf('value_avg', [{ op: 'gte', value: 3 }])],
  ['value_percentile 50 lte 2', correlationOf('value_percentile', [{ op: 'lte', value: 2 }], 50)],
]

describe('findings left open once the watermark has passed', () => {
  it.each(sliding)('%s: are the bursts of the sorted events, whatever the arrival', (_name, correlation) => {
    fc.assert(
      fc.property(arrivals, (arrived) => {
        const events = arrived.map(([event]) => event)
        expect(run(correlation, arrived)).toEqual(slidingReference(correlation, events))
      }),
      { numRuns: 400 },
    )
  })

  it.each(complete)('%s: are the windows of the sorted events, whatever the arrival', (_name, correlation) => {
    fc.assert(
      fc.property(arrivals, (arrived) => {
        const events = arrived.map(([event]) => event)
        expect(run(correlation, arrived)).toEqual(completeReference(correlation, events))
      }),
      { numRuns: 400 },
    )
  })
})
