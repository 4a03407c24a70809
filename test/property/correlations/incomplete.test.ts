/**
 * Findings that stand on such as say `incomplete`: whatever the order in which these come, come to say so and are passed by the
 * watermark, those that the reference calls incomplete say so in the end, and no others.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileSigma } from '../../../engine/sigma/compile.ts'
import { correlationOperator } from '../../../engine/sigma/correlation-operator.ts'
import type { CorrelationFinding, GroupState, Observation, OperatorStep } from '../../../engine/sigma/types.ts'
import { reference, type Asked, type Happening } from './reference.ts'

const rules = ['a', 'b', 'c']
const spanMs = 10_000
const asked = (type: string, rest: Partial<Asked>): Asked => {
  return { type, bases: rules, spanMs, comparisons: [], percentile: 50, expression: undefined, ...rest }
}

const kinds: readonly (readonly [block: string, asked: Asked])[] = [
  ['type: event_count, rules: [a, b, c], condition: { gte: 3 }', asked('event_count', { comparisons: [['gte', 3]] })],
  ['type: event_count, rules: [a, b, c], condition: { lte: 3 }', asked('event_count', { comparisons: [['lte', 3]] })],
  ['type: temporal, rules: [a, b, c]', asked('temporal', { comparisons: [['gte', 3]] })],
  ['type: temporal_ordered, rules: [a, b, c]', asked('temporal_ordered', { comparisons: [['gte', 3]] })],
  [
    'type: temporal, rules: [a, b, c], condition: (a or b) and not c',
    asked('temporal_extended', { expression: ['and', ['or', 'a', 'b'], ['not', 'c']] }),
  ],
]

interface Message {
  readonly event: Happening
  readonly said: Observation['incomplete']
}

const happenings = fc
  .array(
    fc.record({
      t: fc.integer({ min: 0, max: 60 }).map((second) => second * 1_000),
      base: fc.nat({ max: 2 }),
      incomplete: fc.constantFrom('no', 'no', 'no', 'at once', 'since'),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((drawn) => drawn.map((each, number) => ({ ...each, id: `f${number}`, value: '' })))

describe('a finding that stands on such as say incomplete', () => {
  test.each(kinds)('says so too: %s', (block, of) => {
    const operator = correlationOperator(correlationOf(block))
    const order = fc.infiniteStream(fc.double({ noNaN: true, min: 0, max: 1 }))
    let incomplete = 0
    fc.assert(
      fc.property(happenings, order, (drawn, random) => {
        const next = (): number => Number(random.next().value)
        const events = drawn.map((each) => ({ ...each, incomplete: each.incomplete !== 'no' }))
        const messages = drawn.flatMap((each, number): readonly (Message & { readonly at: number })[] => {
          const event = events[number]!
          const at = each.t + next() * 8_000
          if (each.incomplete === 'at once') return [{ event, said: true, at }]
          const first = { event, said: undefined, at }
          return each.incomplete === 'no'
            ? [first]
            : [first, { event, said: 'since' as const, at: at + next() * 20_000 }]
        })
        const last = new Map<number, CorrelationFinding>()
        let state: GroupState | undefined
        const take = (step: OperatorStep): void => {
          state = step.state === undefined ? undefined : (JSON.parse(JSON.stringify(step.state)) as GroupState)
          for (const finding of step.findings) last.set(finding.anchorMs, finding)
        }
        const arrivals = messages.toSorted((a, b) => a.at - b.at)
        let watermarkMs = -Infinity
        for (const [place, message] of arrivals.entries()) {
          take(operator.apply(state, observationOf(message), watermarkMs))
          if (next() > 0.3) continue
          // As far as may be: what is still to come, or still to come to say so, is not behind it.
          watermarkMs = Math.min(...arrivals.slice(place + 1).map(({ event }) => event.t))
          if (state !== undefined && watermarkMs < Infinity) take(operator.advance(state, watermarkMs))
        }
        if (state !== undefined) take(operator.advance(state, Infinity))
        const open = [...last.values()]
          .filter(({ status }) => status === 'open')
          .sort((a, b) => a.anchorMs - b.anchorMs)
        const wanted = reference(of, events)
        expect(open.map(({ anchorMs, count, incomplete: says }) => [anchorMs, count, says])).toEqual(
          wanted.map(({ anchor, count, incomplete: says }) => [anchor, count, says]),
        )
        incomplete += wanted.filter((found) => found.incomplete).length
      }),
      { numRuns: 800 },
    )
    expect(incomplete).toBeGreaterThan(20)
  })
})

function correlationOf(block: string): Parameters<typeof correlationOperator>[0] {
  const single = (name: string): string =>
    `title: ${name}\nname: ${name}\nlogsource: {}\ndetection: { s: { f: ${name} }, condition: s }\n`
  const correlation = `title: C\nid: under-test\ncorrelation: { group-by: [u], timespan: 10s, ${block} }\n`
  const { correlations, mistakes } = compileSigma([
    { path: 'r.yml', text: [...rules.map(single), correlation].join('---\n') },
  ])
  expect(mistakes).toEqual([])
  return correlations[0]!
}

function observationOf({ event, said }: Message): Observation {
  const { id, t, base } = event
  return { eventId: id, timestampMs: t, base, values: [], ...(said === undefined ? {} : { incomplete: said }) }
}
