import { expect, test } from 'vitest'
import { Block } from '../../../engine/behavior/block.ts'
import { MemoryState } from '../../../runtime/stage/memory-state.ts'
import { BehaviorGroup, type BehaviorHead } from './behavior-group.ts'
import { openStore } from './behavior-store.ts'

const head: BehaviorHead = { scope: 't', values: ['a'], version: 1, names: [], dueMs: null, newSinceMs: 5 }

const key = 'b/r/["t","a"]'

/** A group, alone in its state, and the same as a restart finds it: `isHandedOn`. */
function groupIn(state: MemoryState, of: BehaviorHead, isHandedOn = false): BehaviorGroup {
  const kept: BehaviorGroup[] = []
  const store = openStore(state, { size: 1, all: () => kept })
  const group = new BehaviorGroup({ rule: 'r', version: 1, store }, of, isHandedOn)
  if (isHandedOn) state.handOver(key, group)
  kept.push(group)
  return group
}

function openGroup(): { state: MemoryState; group: BehaviorGroup } {
  const state = new MemoryState()
  const group = groupIn(state, head)
  group.keep()
  return { state, group }
}

/** The group as a restart finds it. */
function restarted(state: MemoryState): BehaviorGroup {
  const again = new MemoryState()
  for (const [key, value] of state.entries('')) again.restore(key, JSON.parse(JSON.stringify(value)))
  return groupIn(again, again.get(key)!, true)
}

/** What is left in the log of a state's checkpoints. */
function logged(state: MemoryState, log = new Map<string, string>()): ReadonlyMap<string, string> {
  for (const [key, json] of state.takeChanges()) {
    if (json === null) log.delete(key)
    else log.set(key, json)
  }
  return log
}

test('an entry changed in place between two checkpoints is in both, however often it was set', () => {
  const { state, group } = openGroup()
  const value = { count: 1 }
  for (const name of ['', 'named']) group.set(name, value)
  state.takeChanges()
  for (const count of [2, 3]) {
    value.count = count
    for (const name of ['', 'named', '', 'named']) group.set(name, value)
    const changes = Object.fromEntries(state.takeChanges().map(([of, json]) => [of, JSON.parse(json!) as unknown]))
    expect(changes).toEqual({
      [key]: { ...head, names: ['', 'named'], own: { count } },
      [`${key}\u0000named`]: { count },
    })
  }
})

test('a group that comes back from a restart is in each checkpoint that it has changed before', () => {
  const { state: before, group } = openGroup()
  group.set('', 1)
  const state = new MemoryState()
  for (const [of, value] of before.entries('')) state.restore(of, JSON.parse(JSON.stringify(value)))
  const again = groupIn(state, state.get(key)!, true)
  expect(state.takeChanges()).toEqual([])
  for (const own of [2, 3]) {
    again.set('', own)
    expect(state.takeChanges()).toEqual([[key, JSON.stringify({ ...head, names: [''], own })]])
    expect(restarted(state).get('')).toBe(own)
  }
})

test('with many named entries the one without a name stands apart, so that it changes without their names', () => {
  const { state, group } = openGroup()
  const names = ['', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
  for (const name of names) group.set(name, name)
  state.takeChanges()
  group.set('', 'again')
  expect(state.takeChanges()).toEqual([[`${key}\u0000`, '"again"']])
  for (const it of [group, restarted(state)]) expect([it.get(''), it.names()]).toEqual(['again', names])
})

test('of a group with many entries each is in the checkpoint after it has changed, and none comes back that was deleted', () => {
  const { state, group } = openGroup()
  const names = Array.from({ length: 20 }, (_, number) => `n${number}`)
  for (const name of names) group.set(name, { of: name, times: 0 })
  for (const times of [1, 2]) {
    state.takeChanges()
    for (const name of names) {
      const value = group.get<{ times: number }>(name)!
      value.times = times
      group.set(name, value)
    }
    const changed = new Map(state.takeChanges())
    for (const name of names) expect(changed.get(`${key}\u0000${name}`)).toBe(JSON.stringify({ of: name, times }))
  }
  for (const name of ['n1', 'n17']) group.delete(name)
  group.set('n17', 'again')
  for (const it of [group, restarted(state)]) {
    expect([it.get('n1'), it.get('n17'), it.names().length]).toEqual([undefined, 'again', 19])
  }
})

test('a group as version 2 of the state has it, with all entries under keys of their own, is taken up', () => {
  for (const names of [[''], ['', 'named']]) {
    const state = new MemoryState()
    state.restore(key, { ...head, names })
    for (const name of names) state.restore(`${key}\u0000${name}`, { of: name })
    const log = new Map([...state.entries('')].map(([of, value]) => [of, JSON.stringify(value)]))
    const group = groupIn(state, state.get(key)!, true)
    const later = restarted(state)
    for (const it of [group, later]) {
      expect(it.names()).toEqual(names)
      for (const name of names) expect(it.get(name)).toEqual({ of: name })
    }
    group.forget()
    expect(logged(state, log).size).toBe(0)
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
  const log = new Map(logged(state))
  expect(log.size).toBe(6)
  group.forget()
  expect(logged(state, log).size).toBe(0)
})

test('a group that comes and goes between two checkpoints is in none', () => {
  const { state, group } = openGroup()
  group.set('', 1)
  group.forget()
  expect(state.takeChanges()).toEqual([])
})

test('the head comes back from a checkpoint as it was', () => {
  const { state, group } = openGroup()
  group.set('', 1)
  group.dueMs = 7
  group.newSinceMs = undefined
  group.keep()
  const again = restarted(state)
  const kept = { scope: 't', values: ['a'], version: 1, names: [''], dueMs: 7, own: 1 }
  expect(JSON.parse(JSON.stringify(again))).toEqual(kept)
  expect(again.isFor('r', 't', ['a'])).toBe(true)
  for (const [rule, scope, values] of [
    ['s', 't', ['a']],
    ['r', 'u', ['a']],
    ['r', 't', ['b']],
    ['r', 't', []],
  ] as const) {
    expect(again.isFor(rule, scope, values)).toBe(false)
  }
})

test('a block of bytes that is changed in place, or replaced by a longer one, is in the next checkpoint and comes back', () => {
  const { state, group } = openGroup()
  const block = new Block(Buffer.alloc(8, 1))
  group.set('', block)
  state.takeChanges()
  block.put(Buffer.alloc(8, 2), 8)
  group.set('', block)
  expect(restarted(state).get('')).toBe(Buffer.alloc(8, 2).toString('base64'))
  const longer = new Block(Buffer.alloc(16, 3))
  group.set('', longer)
  group.set('named', 1)
  expect(restarted(state).get('')).toBe(Buffer.alloc(16, 3).toString('base64'))
  const log = new Map(logged(state))
  group.forget()
  expect([logged(state, log).size, longer.length]).toEqual([0, 0])
})
