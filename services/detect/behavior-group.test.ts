import { expect, test } from 'vitest'
import { MemoryState } from '../../runtime/memory-state.ts'
import { BehaviorGroup, type BehaviorHead, type BehaviorStore } from './behavior-group.ts'

const head: BehaviorHead = { scope: 't', values: ['a'], version: 1, names: [], dueMs: null, newSinceMs: 5 }

function openGroup(): { state: MemoryState; group: BehaviorGroup; store: BehaviorStore } {
  const state = new MemoryState()
  const store: BehaviorStore = { state, checkpoints: 0 }
  state.beforeCheckpoint(() => store.checkpoints++)
  const group = new BehaviorGroup(store, 'b/r/["t","a"]', head)
  group.keep()
  return { state, group, store }
}

/** The group as a restart finds it. */
function restarted(state: MemoryState): BehaviorGroup {
  const again = new MemoryState()
  for (const [key, value] of state.entries('')) again.restore(key, JSON.parse(JSON.stringify(value)))
  return new BehaviorGroup({ state: again, checkpoints: 0 }, 'b/r/["t","a"]', again.get('b/r/["t","a"]')!)
}

test('an entry changed in place between two checkpoints is in both, however often it was set', () => {
  const { state, group } = openGroup()
  const value = { count: 1 }
  group.set('', value)
  state.takeChanges()
  for (const count of [2, 3]) {
    value.count = count
    group.set('', value)
    group.set('', value)
    expect(state.takeChanges()).toEqual([['b/r/["t","a"]\u0000', `{"count":${count}}`]])
  }
})

test('entries past those at hand are found, deleted and come back after a restart like the others', () => {
  const { state, group } = openGroup()
  const names = ['', 'a', 'b', 'c', 'd', 'e', 'x'.repeat(700)]
  for (const name of names) group.set(name, { of: name })
  group.delete('a')
  group.delete('e')
  group.set('a', { of: 'again' })
  for (const it of [group, restarted(state)]) {
    expect(it.names()).toEqual(['', 'b', 'c', 'd', 'x'.repeat(700), 'a'])
    expect([it.get('a'), it.get('d'), it.get('e')]).toEqual([{ of: 'again' }, { of: 'd' }, undefined])
    expect(it.get('x'.repeat(700))).toEqual({ of: 'x'.repeat(700) })
  }
  group.forget()
  expect(state.size).toBe(0)
})

test('the head comes back from a checkpoint as it was', () => {
  const { state, group } = openGroup()
  group.set('', 1)
  group.dueMs = 7
  group.newSinceMs = undefined
  group.keep()
  const again = restarted(state)
  expect(JSON.parse(JSON.stringify(again))).toEqual({ scope: 't', values: ['a'], version: 1, names: [''], dueMs: 7 })
  expect([again.isFor('t', ['a']), again.isFor('u', ['a']), again.isFor('t', ['b']), again.isFor('t', [])]).toEqual([
    true,
    false,
    false,
    false,
  ])
})
