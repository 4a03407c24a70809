import { expect, test, vi } from 'vitest'
import { systemClock } from '../../core/ports/clock.ts'
import { MemoryState } from './memory-state.ts'

test('what a keeper hands on is in the next checkpoint as it is then, and in the one after a checkpoint that failed', () => {
  const state = new MemoryState()
  const kept = { n: 1 }
  state.keptBy({ size: 1, entries: () => [['k/a', kept]] })
  state.set('own', 1)
  state.handOn('k/a', kept)
  state.handOn('k/b', undefined)
  kept.n = 2
  const changes = [
    ['own', '1'],
    ['k/a', '{"n":2}'],
    ['k/b', null],
  ]
  expect(state.takeChanges()).toEqual(changes)
  kept.n = 3
  state.handOn('k/b', { again: true })
  state.markChanged(['own', 'k/a', 'k/b'])
  expect(new Map(state.takeChanges())).toEqual(
    new Map([
      ['k/b', '{"again":true}'],
      ['own', '1'],
      ['k/a', '{"n":3}'],
    ]),
  )
  expect(state.takeChanges()).toEqual([])
})

test('who looks at a state as a whole finds what keepers have of it', () => {
  const state = new MemoryState()
  state.restore('k/a', 1)
  state.set('k/b', 2)
  state.set('own', 3)
  const kept = ['k/a', 'k/b'].map((key): [string, unknown] => [key, { was: state.get(key) }])
  state.keptBy({ size: kept.length, entries: () => kept })
  for (const [key, value] of kept) state.handOver(key, value)
  expect([...state.entries('k/')]).toEqual(kept)
  expect([state.size, state.get('k/a')]).toEqual([3, undefined])
  // Of those that were handed over one had changed since the last checkpoint.
  expect(state.takeChanges()).toEqual([
    ['k/b', '{"was":2}'],
    ['own', '3'],
  ])
})

test('a value that can not be spelled takes no change with it', () => {
  const state = new MemoryState()
  let spells = false
  const balky = {
    toJSON: () => {
      if (!spells) throw new RangeError('too long')
      return 1
    },
  }
  state.set('a', 1)
  state.set('b', balky)
  expect(() => state.takeChanges()).toThrow('too long')
  spells = true
  expect(state.takeChanges()).toEqual([
    ['a', '1'],
    ['b', '1'],
  ])
})

test('changes are taken in slices as they are at once, and others have their turn in between', async () => {
  const state = new MemoryState()
  const clock = { ms: 0, monotonicMs: () => clock.ms }
  for (let n = 0; n < 10; n++) state.set(`k${n}`, { toJSON: () => ((clock.ms += 0.5), n) })
  const turns = vi.fn()
  const count = (): void => {
    turns()
    setImmediate(count).unref()
  }
  setImmediate(count)
  const taken = await state.takeChangesInSlices(clock)
  expect(taken).toEqual(Array.from({ length: 10 }, (_, n) => [`k${n}`, String(n)]))
  expect(turns.mock.calls.length).toBeGreaterThanOrEqual(4)
  expect(state.takeChanges()).toEqual([])
})

test('of slices that end with a value that can not be spelled no change is lost', async () => {
  const state = new MemoryState()
  let spells = false
  const toJSON = (): number => {
    if (spells) return 1
    throw new RangeError('too long')
  }
  state.set('a', 1)
  state.set('b', { toJSON })
  await expect(state.takeChangesInSlices(systemClock)).rejects.toThrow('too long')
  spells = true
  expect(state.takeChanges()).toEqual([
    ['a', '1'],
    ['b', '1'],
  ])
})
