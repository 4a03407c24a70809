/** Late events, between others: what is told is what judging all again from the first entry tells. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correlationOf } from '../../test/support/correlation.ts'
import { correlationOperator } from './correlation-operator.ts'
import type { GroupState, Observation, OperatorStep } from './types.ts'

const spanMs = 10_000

/** Most come in order; some up to three windows late; now and then many at once. */
const arrivals = fc.array(
  fc.record({
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4_000 })),
    late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * spanMs })),
    base: fc.integer({ min: 0, max: 1 }),
    value: fc.integer({ min: -2, max: 6 }),
  }),
  { minLength: 10, maxLength: 60, size: 'max' },
)

/** Gaps, lateness and tenths of events whose sum, added up as they arrive, is not that in order of time. */
const inTenths = [
  [0, 0, 5],
  [0, spanMs + 1, 2],
  [1, 0, 6],
  [1, 0, 4],
  [1, 0, 5],
].map(([gap, late, value]) => ({ gap: gap!, late: late!, base: 0, value: value! }))

function told({ findings, dropped, state }: OperatorStep): unknown {
  return { findings, dropped, state: JSON.stringify(state) }
}

describe('late events', () => {
  it.each([
    ['type: event_count, rules: [a], condition: {gte: 9}', 1],
    ['type: value_count, rules: [a], condition: {gte: 5, field: v}', 1],
    ['type: value_sum, rules: [a], condition: {gt: 20, field: v}', 1],
    // Sums of tenths depend on the order in which they are added up.
    ['type: value_sum, rules: [a], condition: {gte: 2, field: v}', 10],
    ['type: temporal, rules: [a, b]', 1],
    ['type: temporal_ordered, rules: [a, b]', 1],
  ])('of %s change what judging all again would change', (block, divisor) => {
    let found = 0
    fc.assert(
      fc.property(arrivals, (drawn) => {
        const [live, afresh] = [correlationOperator(correlationOf(block)), correlationOperator(correlationOf(block))]
        let kept: GroupState | undefined
        let copied: GroupState | undefined
        let now = 100_000
        for (const [index, { gap, late, base, value }] of drawn.entries()) {
          now += gap
          const observation: Observation = {
            ...{ eventId: `e${index}`, timestampMs: now - late, values: [String(value / divisor)] },
            base: block.includes('[a, b]') ? base : 0,
          }
          const watermarkMs = now - 4 * spanMs
          // What is restored from a checkpoint is judged from the first entry on.
          const restored: GroupState | undefined =
            copied === undefined ? undefined : (JSON.parse(JSON.stringify(copied)) as GroupState)
          const one: OperatorStep = live.apply(kept, observation, watermarkMs)
          const other: OperatorStep = afresh.apply(restored, observation, watermarkMs)
          expect(told(one)).toEqual(told(other))
          found += one.findings.length
          kept = one.state
          copied = other.state
        }
      }),
      { numRuns: 300, examples: [[inTenths]] },
    )
    expect(found).toBeGreaterThan(100)
  })
})
