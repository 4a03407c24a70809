import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entity } from '../../../core/signal.ts'
import { between, newContext, note, type GroupContext } from './group-context.ts'
import type { Named } from './named-entities.ts'

const entity = (id: string): Entity => ({ type: 'address', id })
const minuteMs = 60_000
/** Eight stretches of a minute. */
const reach = { timespanMs: 8 * minuteMs, neededFromMs: () => -Infinity }
const namesOf = (context: GroupContext, fromMs: number, toMs: number): readonly string[] =>
  between(context, fromMs, toMs).entities.map(({ id }) => id)

describe('what a group remembers of its events', () => {
  it('names those of a window that thousands of later events lie behind', () => {
    const context = newContext()
    for (let at = 0; at < 300; at++) note(context, at * 100, { entities: [entity('early')], queries: 1 }, reach)
    for (let at = 0; at < 5_000; at++)
      note(context, 10 * minuteMs + at * 100, { entities: [entity('late')], queries: 1 }, reach)
    expect(namesOf(context, 0, 30_000)).toEqual(['early'])
    expect(namesOf(context, 10 * minuteMs, 11 * minuteMs)).toEqual(['late'])
    expect(JSON.stringify(context).length).toBeLessThan(40_000)
  })

  it('names the eight least of many, whatever the order in which events came and however often it restarted', () => {
    const event = fc.record({ t: fc.integer({ min: 0, max: 30 * minuteMs - 1 }), who: fc.nat({ max: 40 }) })
    const order = fc.infiniteStream(fc.nat())
    fc.assert(
      fc.property(fc.array(event, { maxLength: 400 }), order, (events, ranks) => {
        const shuffled = events.map((it) => ({ it, rank: Number(ranks.next().value) })).sort((a, b) => a.rank - b.rank)
        const inOrder = newContext()
        let mixed = newContext()
        for (const { t, who } of events.toSorted((a, b) => a.t - b.t))
          note(inOrder, t, { entities: [entity(`host-${who}`)] }, reach)
        for (const { it, rank } of shuffled) {
          if (rank % 50 === 0) mixed = newContext(JSON.parse(JSON.stringify(mixed.named)) as readonly Named[])
          note(mixed, it.t, { entities: [entity(`host-${it.who}`)] }, reach)
        }
        for (let from = 0; from < 30; from += 3) {
          const [fromMs, toMs] = [from * minuteMs, (from + 8) * minuteMs - 1]
          const within = events.filter(({ t }) => t >= fromMs && t <= toMs).map(({ who }) => `host-${who}`)
          const wanted = [...new Set(within)].sort().slice(0, 8)
          expect(namesOf(inOrder, fromMs, toMs)).toEqual(wanted)
          expect(namesOf(mixed, fromMs, toMs)).toEqual(wanted)
          // Between the ends of stretches too, both name the same.
          expect(namesOf(mixed, fromMs + 20_000, toMs + 30_000)).toEqual(
            namesOf(inOrder, fromMs + 20_000, toMs + 30_000),
          )
        }
      }),
    )
  })

  it('spells the times once that several entities were named at, and names the same after a restart', () => {
    const user: Entity = { type: 'user', id: 'u' }
    const names = [entity('host'), user, { type: 'credential', id: 'key' } as const]
    const context = newContext()
    for (let at = 0; at < 200; at++) note(context, at * minuteMs, { entities: names }, reach)
    note(context, 200 * minuteMs, { entities: [user] }, reach)
    const spelled = JSON.parse(JSON.stringify(context.named)) as readonly Named[]
    expect(spelled.map(({ entities }) => entities.map(({ id }) => id))).toEqual([['host', 'key'], ['u']])
    const restored = newContext(spelled)
    const apart = newContext(
      spelled.flatMap(({ entities, spans }) => entities.map((each) => ({ entities: [each], spans }))),
    )
    for (const again of [restored, apart]) {
      expect(between(again, 0, 10 * minuteMs).entities).toEqual(between(context, 0, 10 * minuteMs).entities)
      expect(namesOf(again, 200 * minuteMs, 201 * minuteMs)).toEqual(['u'])
    }
  })

  it('is bounded: what no finding needs goes first, the oldest where that is not enough', () => {
    for (const [neededFromMs, kept] of [
      [(): number => 900 * minuteMs, 900],
      [(): number => -Infinity, 900],
    ] as const) {
      const context = newContext()
      for (let at = 0; at < 1_000; at++) {
        for (let who = 0; who < 10; who++) {
          note(context, at * minuteMs, { entities: [entity(`host-${at}-${who}`)] }, { ...reach, neededFromMs })
        }
      }
      expect(JSON.stringify(context.named).length).toBeLessThan(140_000)
      expect(namesOf(context, kept * minuteMs, 1_000 * minuteMs)).toHaveLength(8)
      expect(namesOf(context, kept * minuteMs, kept * minuteMs)).toHaveLength(8)
    }
  })

  it('stays below a quarter of a megabyte for a caller with another long session id each call', () => {
    for (const letter of ['s', '中', '\u0001', '\ud800']) {
      const context = newContext()
      for (let at = 0; at < 4_000; at++) {
        const session = { type: 'session', id: `${at}`.padEnd(512, letter) } as const
        note(context, at * 7_000, { entities: [entity('host'), session] }, reach)
      }
      expect(Buffer.byteLength(JSON.stringify(context.named))).toBeLessThan(256 * 1024)
      expect(between(context, 3_990 * 7_000, 4_000 * 7_000).entities.length).toBeGreaterThan(4)
    }
  })

  it('names the last events even where those of one stretch take more than all may', () => {
    const types = ['principal', 'user', 'credential', 'session', 'address', 'asset', 'model', 'account'] as const
    const context = newContext()
    for (let at = 0; at < 200; at++) {
      const entities = types.map((type): Entity => ({ type, id: `${1_000 - at}`.padEnd(512, '\u0001') }))
      note(context, at * 1_000, { entities }, reach)
    }
    expect(between(context, 195_000, 200_000).entities.length).toBeGreaterThanOrEqual(8)
    expect(Buffer.byteLength(JSON.stringify(context.named))).toBeLessThan(512 * 1024)
  })

  it('keeps little of a steady caller: what no finding needs is let go long before there is much', () => {
    const who: Entity[] = ['principal', 'credential', 'session', 'address', 'asset', 'model'].map((type) => ({
      type: type as Entity['type'],
      id: `${type}-1234567890`,
    }))
    const context = newContext()
    let most = 0
    for (let t = 0; t < 80 * minuteMs; t += 7_500) {
      note(context, t, { entities: who }, { timespanMs: minuteMs, neededFromMs: () => t - 2 * minuteMs })
      most = Math.max(most, JSON.stringify(context.named).length)
    }
    expect(most).toBeLessThan(10_000)
    expect(between(context, 78 * minuteMs, 80 * minuteMs).entities).toHaveLength(6)
  })

  it('names after a restart what it would have named without one, where events come with the very same list', () => {
    const list = [entity('z')]
    let context = newContext()
    const restart = (): unknown => (context = newContext(JSON.parse(JSON.stringify(context.named)) as readonly Named[]))
    const told = [(): unknown => undefined, restart].map((meanwhile) => {
      context = newContext()
      for (let n = 0; n < 8; n++) note(context, 5.7 * minuteMs, { entities: [entity(`a-${n}`)] }, reach)
      note(context, 4.5 * minuteMs, { entities: list }, reach)
      meanwhile()
      note(context, 4.6 * minuteMs, { entities: list }, reach)
      note(context, 5.1 * minuteMs, { entities: list }, reach)
      return namesOf(context, 5 * minuteMs, 5.3 * minuteMs)
    })
    expect(told).toEqual([[], []])
  })

  it('remembers the same of events that come with the very same list as of those that name the same in another', () => {
    const event = fc.record({
      waitMs: fc.constantFrom(-90_000, -20_000, 0, 20_000, 70_000, 5 * minuteMs),
      list: fc.nat({ max: 4 }),
      asked: fc.boolean(),
    })
    const lists = [[0, 1, 2], [1], [2, 3], [4, 5, 6, 7, 8, 9, 10, 11, 12, 13].slice(0, 9), [1, 2, 1]].map((all) =>
      all.map((n) => entity(`${n}`.padEnd(40, 'x'))),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (events) => {
        const [same, others] = [newContext(), newContext()]
        let t = 60 * minuteMs
        for (const { waitMs, list, asked } of events) {
          t += waitMs
          const neededFromMs = (): number => t - 8 * minuteMs
          note(same, t, { entities: lists[list]! }, { ...reach, neededFromMs })
          note(others, t, { entities: [...lists[list]!] }, { ...reach, neededFromMs })
          if (asked) expect(JSON.stringify(same.named)).toBe(JSON.stringify(others.named))
        }
        for (const [fromMs, toMs] of [
          [t - 8 * minuteMs, t],
          [t - 30_000, t + 10_000],
        ] as const)
          expect(namesOf(same, fromMs, toMs)).toEqual(namesOf(others, fromMs, toMs))
      }),
      { numRuns: 300 },
    )
  })

  it('takes up what an earlier version kept, where several entities stood in one', () => {
    const of = (...ids: string[]): Entity[] => ids.map(entity)
    const older = [
      { entities: of('a', 'b'), spans: [0, 30_000, 5 * minuteMs, 9 * minuteMs] },
      { entities: of('b', 'c'), spans: [20 * minuteMs, 20 * minuteMs] },
    ]
    const context = newContext(older)
    note(context, 21 * minuteMs, { entities: of('d') }, reach)
    expect(namesOf(context, 6 * minuteMs, 7 * minuteMs)).toEqual(['a', 'b'])
    expect(namesOf(context, 15 * minuteMs, 25 * minuteMs)).toEqual(['b', 'c', 'd'])
  })
})
