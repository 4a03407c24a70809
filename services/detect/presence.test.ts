import { expect, test } from 'vitest'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { Presence } from './presence.ts'

const dayMs = 86_400_000

test('a principal is known since its first event, in whatever order events come, also after a restart', () => {
  const log = new Map<string, unknown>()
  const checkpoint = (state: MemoryState): string[] =>
    state.takeChanges().map(([key, json]) => {
      if (json === null) log.delete(key)
      else log.set(key, JSON.parse(json))
      return key
    })
  const state = new MemoryState()
  const presence = new Presence(state)
  expect([5, 3, 7].map((timeMs) => presence.seen('t/a', timeMs))).toEqual([5, 3, 3])
  presence.seen('t/b', 10)
  expect(checkpoint(state)).toEqual(['seen/t/a', 'seen/t/b'])
  // What changes nothing is in no checkpoint.
  presence.seen('t/a', 8)
  presence.seen('t/b', 2 * dayMs)
  expect(checkpoint(state)).toEqual(['seen/t/b'])
  expect(Object.fromEntries(log)).toEqual({ 'seen/t/a': [3, 0], 'seen/t/b': [10, 2] })

  const again = new MemoryState()
  for (const [key, value] of log) again.restore(key, value)
  const restarted = new Presence(again)
  expect(Object.fromEntries(again.entries('seen/')).valueOf()).toHaveProperty('seen/t/a')
  expect([restarted.seen('t/a', 9), restarted.seen('t/b', 4)]).toEqual([3, 4])
  // Silent for longer than sixty days: forgotten, and begun anew.
  restarted.complete(62 * dayMs)
  expect(restarted.seen('t/a', 62 * dayMs)).toBe(62 * dayMs)
  expect(restarted.seen('t/b', 62 * dayMs)).toBe(4)
  restarted.complete(200 * dayMs)
  checkpoint(again)
  expect(Object.fromEntries(log)).toEqual({})
  expect(again.size).toBe(0)
})
