import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileSigma } from '../../../engine/sigma/compile.ts'
import { correlationOperator } from '../../../engine/sigma/correlation-operator.ts'
import { MemoryState } from '../../../runtime/stage/memory-state.ts'
import { headOfWhole, KeptGroup } from './kept-group.ts'

const prefix = 'c/'
const of = { scope: 't', values: ['a', 'b'], version: 1 }
const reach = { timespanMs: 60_000, neededFromMs: () => -Infinity }

const counting = `title: B
name: b
logsource: {}
detection: { s: { f: a }, condition: s }
---
title: C
id: c
correlation: { type: event_count, rules: [b], group-by: [u], timespan: 1h, condition: { gte: 100000 } }
`

/** What checkpoints write, and nothing else. */
function write(group: KeptGroup, state: MemoryState, stored: MemoryState): readonly string[] {
  group.settle()
  const changes = state.takeChanges()
  for (const [key, json] of changes) stored.restore(key, json === null ? undefined : JSON.parse(json))
  return changes.map(([key]) => key)
}

/** A group that each event adds an entry to, and what keeps it. */
function growing() {
  const [state, stored] = [new MemoryState(), new MemoryState()]
  const operator = { entries: [] as number[] }
  const group = KeptGroup.create(state, 'c/rule/["t"]', { ...of, state: operator })
  const event = (): void => {
    operator.entries.push(1)
    group.note(operator.entries.length, { entities: [] }, reach)
    group.keep(operator, operator.entries.length - 1)
  }
  return { state, stored, operator, group, event }
}

const asJson = (group: KeptGroup | undefined): unknown =>
  group === undefined ? undefined : JSON.parse(JSON.stringify([group, group.state, group.context]))

describe('a group in the state', () => {
  test('comes back from its checkpoints as it was, however its lists grew and shrank between them', () => {
    const step = fc.record({
      append: fc.integer({ min: 0, max: 40 }),
      keepLast: fc.option(fc.integer({ min: 0, max: 30 })),
      change: fc.option(fc.nat(100)),
      changeAlone: fc.option(fc.nat(100)),
      checkpoint: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const [state, stored] = [new MemoryState(), new MemoryState()]
        const operator = { entries: [] as number[], settled: 0 }
        const group = KeptGroup.create(state, 'c/rule/["t","a","b"]', { ...of, state: operator })
        let next = 0
        for (const { append, keepLast, change, changeAlone, checkpoint } of steps) {
          for (let n = 0; n < append; n++) {
            operator.entries.push(next++)
            group.note(next * 1_000, { entities: [], bytes: next }, reach)
            group.keep(operator, operator.entries.length - 1)
          }
          if (change !== null && change < operator.entries.length) {
            operator.entries[change] = -1
            group.keep(operator, change)
          }
          if (changeAlone !== null && changeAlone < operator.entries.length) {
            operator.entries[changeAlone] = -2
            group.keep(operator, operator.entries.length, [changeAlone])
          }
          if (keepLast !== null) {
            operator.entries = keepLast === 0 ? [] : operator.entries.slice(-keepLast)
            operator.settled = next
            group.keep(operator, 0)
          }
          if (checkpoint) write(group, state, stored)
        }
        group.keep(operator, Infinity)
        write(group, state, stored)
        const restored = [...KeptGroup.restore(stored, prefix)]
        expect(restored).toHaveLength(1)
        expect(asJson(restored[0])).toEqual(asJson(group))
      }),
    )
  })

  test('of version 1, in one piece, is in chunks after its next checkpoint, and comes back as it was', () => {
    const times = Array.from({ length: 50 }, (_, at) => at * 1_000)
    const whole = {
      ...of,
      state: { entries: times, settledMs: 7 },
      context: { sets: [], times, bytes: times.map(() => 5), queries: times.map(() => 1) },
      told: { 3: 4 },
    }
    const [state, stored] = [new MemoryState(), new MemoryState()]
    const key = 'c/rule/["t","a","b"]'
    state.restore(key, JSON.parse(JSON.stringify(headOfWhole(whole))))
    const [group] = [...KeptGroup.restore(state, prefix)]
    group!.renew({ ...group!.state }, 3)
    expect(write(group!, state, stored).length).toBeGreaterThan(4)
    expect(JSON.stringify(stored.get(key))).not.toContain('49000')
    const [again] = [...KeptGroup.restore(stored, prefix)]
    expect(asJson(again)).toEqual(asJson(group))
    expect(again).toMatchObject({ version: 3, told: { 3: 4 }, state: { entries: times, settledMs: 7 } })
    expect(again!.context.exposed.slice(-3)).toEqual([49_000, 5, 1])
  })

  test('that has had few events writes its head alone, and chunks besides once it has had more than fit into one', () => {
    const { state, stored, operator, group, event } = growing()
    for (let n = 0; n < 16; n++) event()
    expect(write(group, state, stored)).toEqual([group.key])
    for (let n = 0; n < 17; n++) event()
    expect(write(group, state, stored)).toHaveLength(1 + 3 + 2)
    expect(asJson([...KeptGroup.restore(stored, prefix)][0])).toEqual(asJson(group))
    operator.entries.length = 0
    group.keep(operator, 0)
    write(group, state, stored)
    expect(asJson([...KeptGroup.restore(stored, prefix)][0])).toEqual(asJson(group))
  })

  test('that is busy writes one chunk of its entries in a checkpoint, not all', () => {
    const { state, stored, group, event } = growing()
    for (let n = 0; n < 1_000; n++) event()
    write(group, state, stored)
    event()
    // The head, one chunk of entries, one of exposure.
    expect(write(group, state, stored)).toHaveLength(3)
  })

  test('that is busy writes of what it lets go of no more than the chunks that held it, and comes back as it was', () => {
    const [state, stored] = [new MemoryState(), new MemoryState()]
    const { correlations } = compileSigma([{ path: 'c.yml', text: counting }])
    const operator = correlationOperator(correlations[0]!)
    let group: KeptGroup | undefined
    let chunks = 0
    for (let n = 0; n < 1_500; n++) {
      const id = n.toString(16).padStart(32, '0')
      const evidence = {
        id,
        timestamp: `t-${n}`,
        hash: '',
        position: { topic: 'e', partition: 0, offset: n, index: 0 },
      }
      const observation = { eventId: id, timestampMs: n * 100, base: 0, values: [], evidence }
      const step = operator.apply(group?.state, observation, -Infinity)
      group ??= KeptGroup.create(state, 'c/rule/["t"]', { ...of, state: step.state! })
      group.keep(step.state!, step.changedFrom ?? 0, step.thinned)
      if (n % 10 === 9) chunks += write(group, state, stored).filter((key) => key.includes('\u0000e')).length
    }
    const [again] = [...KeptGroup.restore(stored, prefix)]
    expect(asJson(again)).toEqual(asJson(group))
    // All of them each time that half let go: 1,569.
    expect(chunks).toBeLessThan(800)
  })

  test('that is forgotten leaves nothing behind', () => {
    const [state, stored] = [new MemoryState(), new MemoryState()]
    const operator = { entries: Array.from({ length: 100 }, (_, at) => at) }
    const group = KeptGroup.create(state, 'c/rule/["t"]', { ...of, state: operator })
    for (let n = 0; n < 100; n++) group.note(n, { entities: [] }, reach)
    group.keep(operator, 0)
    write(group, state, stored)
    expect(stored.size).toBeGreaterThan(8)
    group.forget()
    write(group, state, stored)
    expect(stored.size).toBe(0)
  })

  test('whose state keeps no entries comes back without any', () => {
    const state = new MemoryState()
    const group = KeptGroup.create(state, 'c/rule/["t"]', { ...of, state: { n: 0 } })
    group.keep({ n: 1 }, 0)
    const stored = new MemoryState()
    write(group, state, stored)
    expect([...KeptGroup.restore(stored, prefix)][0]?.state).toEqual({ n: 1 })
  })
})
