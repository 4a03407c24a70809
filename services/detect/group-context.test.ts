import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entity } from '../../core/signal.ts'
import { between, newContext, note } from './group-context.ts'

const entity = (id: string): Entity => ({ type: 'address', id })
const minuteMs = 60_000

describe('what a group remembers of its events', () => {
  it('names those of a window that thousands of later events lie behind', () => {
    const context = newContext()
    for (let at = 0; at < 300; at++) note(context, at * 100, { entities: [entity('early')], queries: 1 })
    for (let at = 0; at < 5_000; at++)
      note(context, 10 * minuteMs + at * 100, { entities: [entity('late')], queries: 1 })
    expect(between(context, 0, 30_000).entities).toEqual([entity('early')])
    expect(between(context, 10 * minuteMs, 11 * minuteMs).entities).toEqual([entity('late')])
    expect(JSON.stringify(context).length).toBeLessThan(40_000)
  })

  it('names the same whatever the order in which events came', () => {
    const event = fc.record({ t: fc.integer({ min: 0, max: 60 * minuteMs }), who: fc.constantFrom('a', 'b', 'c') })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (events, order) => {
        const shuffled = events.map((it) => ({ it, rank: order.next().value ?? 0 })).sort((a, b) => a.rank - b.rank)
        const [inOrder, mixed] = [newContext(), newContext()]
        for (const { t, who } of events.toSorted((a, b) => a.t - b.t)) note(inOrder, t, { entities: [entity(who)] })
        for (const { it } of shuffled) note(mixed, it.t, { entities: [entity(it.who)] })
        for (let from = 0; from < 60; from += 7) {
          const [named, expected] = [mixed, inOrder].map((context) =>
            between(context, from * minuteMs, (from + 5) * minuteMs)
              .entities.map(({ id }) => id)
              .sort(),
          )
          expect(named).toEqual(expected)
        }
      }),
    )
  })
})
