import { describe, expect, test } from 'vitest'
import { emptyInventory } from '../../../inventory/inventory.ts'
import type { BehaviorFinding, GroupEntries, StepContext } from '../../types.ts'
import { givenOut, heldQueriesMax, heldUntil, holdMs, holds, ordinaryMin, stir, takeDue, type Stir } from './hold.ts'

const dayMs = 86_400_000
const startMs = 30 * dayMs

function entriesOf(): GroupEntries {
  const kept = new Map<string, unknown>()
  return {
    get: <T>(name: string) => kept.get(name) as T | undefined,
    set: (name, value) => void kept.set(name, JSON.parse(JSON.stringify(value))),
    delete: (name) => void kept.delete(name),
    names: () => [...kept.keys()],
  }
}

/** Told at these times that the model's accounts stir. */
function contextOf(timeMs: number): StepContext {
  const kept: Stir = { tenants: {} }
  const told = [...stir(kept, 'a/x', 'm', timeMs), ...stir(kept, 'b/x', 'm', timeMs)]
  expect(told).toHaveLength(1)
  return { inventory: emptyInventory, baseline: (name) => told.find((each) => each.name === name)?.value }
}

const finding =
  (anchor = 'f'): (() => BehaviorFinding) =>
  () =>
    ({ anchor, threat: 'extraction' }) as unknown as BehaviorFinding
const known = (distinct = 100): { firstMs: number; distinct: number } => ({ firstMs: 0, distinct })

describe('that accounts stir', () => {
  test('is told of those of two tenants within half a day, once a week, and never of one tenant alone', () => {
    const kept: Stir = { tenants: {} }
    expect(stir(kept, 'a/x', 'm', startMs)).toEqual([])
    expect(stir(kept, 'a/y', 'm', startMs)).toEqual([])
    expect(stir(kept, 'b/x', 'm', startMs + holdMs)).toEqual([])
    expect(stir(kept, 'c/x', 'm', startMs + 2 * holdMs - 1)).toHaveLength(1)
    expect(stir(kept, 'd/x', 'm', startMs + 2 * holdMs)).toEqual([])
    const againMs = startMs + 2 * holdMs - 1 + 7 * dayMs
    expect([againMs - 2, againMs - 1, againMs, againMs + 1].map((at) => stir(kept, `${at}/x`, 'm', at).length)).toEqual(
      [0, 0, 1, 0],
    )
  })
})

describe('a finding', () => {
  test('of an account of a day, with ordinary queries, waits for sixteen more of them, and not once more', () => {
    const context = contextOf(startMs)
    const entries = entriesOf()
    const asked = Array.from({ length: 30 }, (_, n) =>
      holds(entries, context, 'm', known(100 + n), startMs + n, finding()),
    )
    expect(asked).toEqual(Array.from({ length: 30 }, (_, n) => n < heldQueriesMax))
    expect(holds(entriesOf(), context, 'another', known(), startMs, finding())).toBe(false)
  })

  test('of an account that has waited does not wait again within a week, though it is told anew for another kind of input', () => {
    const entries = entriesOf()
    const waits = (timeMs: number): boolean => holds(entries, contextOf(timeMs), 'm', known(), timeMs, finding())
    expect(waits(startMs)).toBe(true)
    expect(waits(startMs + 1)).toBe(false)
    expect(waits(startMs + 7 * dayMs - 1)).toBe(false)
    expect(waits(startMs + 7 * dayMs)).toBe(true)
  })

  test('of an account that is new, or has hardly asked, does not wait', () => {
    const context = contextOf(startMs)
    const at = (firstMs: number, distinct: number): boolean =>
      holds(entriesOf(), context, 'm', { firstMs, distinct }, startMs, finding())
    expect(at(startMs - dayMs, ordinaryMin)).toBe(true)
    expect(at(startMs - dayMs + 1, 100)).toBe(false)
    expect(at(0, ordinaryMin - 1)).toBe(false)
  })

  test('waits half a day at most from when it was told that accounts stir, and is given out then though its account is silent', () => {
    const context = contextOf(startMs)
    const entries = entriesOf()
    expect(holds(entriesOf(), context, 'm', known(), startMs - 1, finding())).toBe(false)
    expect(holds(entriesOf(), context, 'm', known(), startMs + holdMs, finding())).toBe(false)
    expect(holds(entries, context, 'm', known(), startMs + 1, finding('first'))).toBe(true)
    expect(holds(entries, context, 'm', known(101), startMs + 2, finding('second'))).toBe(true)
    expect(heldUntil(entries)).toBe(startMs + holdMs)
    expect(takeDue(entries, startMs + holdMs - 1)).toEqual([])
    expect(takeDue(entries, startMs + holdMs)).toEqual([finding('second')()])
    expect(takeDue(entries, Infinity)).toEqual([])
    expect(heldUntil(entries)).toBe(Infinity)
  })

  test('that was given out is not given out again', () => {
    const entries = entriesOf()
    expect(holds(entries, contextOf(startMs), 'm', known(), startMs, finding())).toBe(true)
    givenOut(entries, 'extraction')
    expect(takeDue(entries, Infinity)).toEqual([])
  })
})
