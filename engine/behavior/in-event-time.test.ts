import { describe, expect, it } from 'vitest'
import { InEventTime } from './in-event-time.ts'
import type { BehaviorStep, GroupEntries, StepContext } from './types.ts'

const context = {} as StepContext

/** A step that keeps what it is given, and a wrapped one that is fed. */
function opened() {
  const taken: number[] = []
  const inner: BehaviorStep = {
    stateVersion: 1,
    groupBy: ['organization.id'],
    apply: (_group, _entries, observation) => {
      taken.push((observation as { timeMs: number }).timeMs)
      return { findings: [], shuffled: [], dueMs: Infinity }
    },
    advance: () => ({ findings: [], shuffled: [], dueMs: Infinity }),
  }
  const step = new InEventTime(inner, (observation) => observation as { timeMs: number; id: string })
  const held = new Map<string, unknown>()
  const entries: GroupEntries = {
    get: <T>(name: string) => held.get(name) as T | undefined,
    set: (name, value) => void held.set(name, value),
    delete: (name) => void held.delete(name),
    names: () => [...held.keys()],
  }
  const feed = (timeMs: number, watermarkMs = -Infinity) =>
    step.apply(['own'], entries, { timeMs, id: String(timeMs) }, watermarkMs, context)
  const advance = (watermarkMs: number) => step.advance(['own'], entries, watermarkMs, context)
  return { taken, held, feed, advance }
}

describe('a step in event time', () => {
  it('is given what came in any order in the order in which it happened, once the watermark has passed', () => {
    const { taken, feed, advance, held } = opened()
    for (const timeMs of [30, 10, 50, 20, 40]) feed(timeMs)
    expect(taken).toEqual([])
    expect(feed(60).dueMs).toBe(11)
    expect(advance(41).dueMs).toBe(51)
    expect(taken).toEqual([10, 20, 30, 40])
    advance(Infinity)
    expect(taken).toEqual([10, 20, 30, 40, 50, 60])
    expect(held.size).toBe(0)
  })

  it('leaves what happened at the watermark itself waiting: more of that instant may come', () => {
    const { taken, feed, advance } = opened()
    feed(10)
    advance(10)
    expect(taken).toEqual([])
  })

  it('is given at once what comes after the watermark, so that nothing is lost', () => {
    const { taken, feed } = opened()
    feed(20, 15)
    feed(5, 15)
    expect(taken).toEqual([5])
  })

  it('holds a thousand at most: past that the earliest is handed on', () => {
    const { taken, feed } = opened()
    for (let n = 0; n < 1_003; n++) feed(2_000 - n)
    expect(taken).toEqual([1_000, 999, 998])
  })
})
