import { describe, expect, test } from 'vitest'
import { derivedId, sha256Hex } from '../../core/ids.ts'
import { MemoryState } from './memory-state.ts'
import { RecentIds, type RecentIdsLimits } from './recent-ids.ts'

const hour = 3_600_000
const small: RecentIdsLimits = { windowMs: 2 * hour, idsMax: 1_000, bucketMs: hour, chunkIds: 8 }
const id = (n: number): string => derivedId('event', n)

/** The state as another process would find it: what was written by checkpoints, and nothing else. */
function restarted(state: MemoryState, stored: MemoryState): MemoryState {
  for (const [key, json] of state.takeChanges()) stored.restore(key, json === null ? undefined : JSON.parse(json))
  const fresh = new MemoryState()
  for (const [key, value] of stored.entries('')) fresh.restore(key, value)
  return fresh
}

describe('recent ids', () => {
  test('an event that comes a second time is refused, whatever came between', () => {
    const recent = new RecentIds(new MemoryState(), small)
    for (let n = 0; n < 100; n++) expect(recent.admits(id(n), n * 60_000)).toBe(true)
    for (let n = 0; n < 100; n++) expect(recent.admits(id(n), n * 60_000)).toBe(false)
    expect(recent.size).toBe(100)
  })

  test('a duplicate is refused after a restart too, also one that went into a half-full chunk', () => {
    const stored = new MemoryState()
    let state = new MemoryState()
    for (let n = 0; n < 60; n++) {
      // A restart after every few events: each chunk is restored at every fill.
      if (n % 3 === 0) state = restarted(state, stored)
      expect(new RecentIds(state, small).admits(id(n), 1_000)).toBe(true)
    }
    const recent = new RecentIds(restarted(state, stored), small)
    expect(recent.size).toBe(60)
    for (let n = 0; n < 60; n++) expect(recent.admits(id(n), 1_000)).toBe(false)
  })

  test('a checkpoint writes only the chunks that have grown since the last', () => {
    const state = new MemoryState()
    const recent = new RecentIds(state, small)
    for (let n = 0; n < 80; n++) recent.admits(id(n), 1_000)
    expect(state.takeChanges()).toHaveLength(10)
    recent.admits(id(1_000), 1_000)
    expect(state.takeChanges()).toHaveLength(1)
  })

  test('a chunk that grows is written whole by each checkpoint, as the first digits of its ids, oldest first', () => {
    const state = new MemoryState()
    const recent = new RecentIds(state, small)
    // What is no digest is known by its own.
    const ids = [id(0), 'no digest', id(2), id(3), id(4)]
    const kept = ids.map((each, n) => (n === 1 ? sha256Hex(each) : each).slice(0, 16))
    for (const until of [1, 3, 5]) {
      for (const each of ids.slice(0, until)) recent.admits(each, 1_000)
      expect(state.takeChanges()).toEqual([['ids/0/0', JSON.stringify(`${kept.slice(0, until).join('')}/1000`)]])
    }
    expect(recent.size).toBe(5)
  })

  test('the watermark retires what lies more than the window behind it, and its state', () => {
    const state = new MemoryState()
    const recent = new RecentIds(state, small)
    recent.admits(id(1), 0.5 * hour)
    recent.admits(id(2), 1.5 * hour)
    recent.complete(3 * hour)
    expect(recent.size).toBe(1)
    expect(state.size).toBe(1)
    expect(recent.admits(id(2), 1.5 * hour)).toBe(false)
    // Too old to tell: let through rather than lost, and not remembered.
    expect(recent.admits(id(1), 0.5 * hour)).toBe(true)
    expect(recent.size).toBe(1)
    recent.complete(Infinity)
    expect(recent.admits(id(2), 1.5 * hour)).toBe(false)
    recent.complete(9 * hour)
    expect(state.size).toBe(0)
  })

  test('past the limit the oldest event times are forgotten first, and memory stays bounded', () => {
    const state = new MemoryState()
    const recent = new RecentIds(state, { ...small, idsMax: 64 })
    for (let n = 0; n < 500; n++) recent.admits(id(n), n < 250 ? hour : 0)
    expect(recent.size).toBeLessThanOrEqual(64)
    expect(state.size).toBeLessThanOrEqual(64 / 8 + 2)
    expect(recent.admits(id(249), hour)).toBe(false)
  })

  test('in a single busy bucket the chunks that came first go first', () => {
    const state = new MemoryState()
    const recent = new RecentIds(state, { ...small, idsMax: 64 })
    for (let n = 0; n < 200; n++) recent.admits(id(n), 5)
    expect(recent.admits(id(199), 5)).toBe(false)
    expect(recent.admits(id(150), 5)).toBe(false)
    expect(recent.size).toBeLessThanOrEqual(64)
    const again = new RecentIds(restarted(state, new MemoryState()), { ...small, idsMax: 64 })
    expect(again.size).toBe(recent.size)
    expect(again.admits(id(150), 5)).toBe(false)
  })

  test('says of a time whether a second copy could be told, also where ids were forgotten for want of room, and after a restart', () => {
    const stored = new MemoryState()
    const state = new MemoryState()
    const recent = new RecentIds(state, { ...small, windowMs: 1_000 * hour })
    for (let n = 0; n < 1_100; n++) {
      // What comes in its order is newer than all that was forgotten.
      expect(recent.remembers(n * 60_000)).toBe(true)
      recent.admits(id(n), n * 60_000)
    }
    const again = new RecentIds(restarted(state, stored), { ...small, windowMs: 1_000 * hour })
    for (const each of [recent, again]) {
      expect(each.remembers(50 * 60_000)).toBe(false)
      expect(each.remembers(200 * 60_000)).toBe(true)
    }
  })

  test('after a restart with all room taken, new events can still be told from a second copy, and not where an older version kept the ids', () => {
    const limits = { ...small, windowMs: 1_000 * hour }
    const state = new MemoryState()
    const recent = new RecentIds(state, limits)
    for (let n = 0; n < 1_200; n++) recent.admits(id(n), n * 1_000)
    for (const isOlder of [false, true]) {
      const stored = new MemoryState()
      for (const [key, value] of state.entries('')) {
        const saved = JSON.parse(JSON.stringify(value)) as unknown
        stored.restore(key, isOlder && typeof saved === 'string' ? saved.split('/')[0] : saved)
      }
      const again = new RecentIds(stored, limits)
      for (let n = 1_200; n < 1_300; n++) {
        expect(again.admits(id(n), n * 1_000)).toBe(true)
        expect(again.remembers((n + 1) * 1_000)).toBe(!isOlder)
      }
      expect(again.admits(id(1_199), 1_199_000)).toBe(false)
    }
  })

  test('what was forgotten for want of room is new again, also where it was forgotten after a restart', () => {
    const state = new MemoryState()
    const limits = { ...small, idsMax: 64 }
    const recent = new RecentIds(state, limits)
    for (let n = 0; n < 64; n++) recent.admits(id(n), 5)
    for (const each of [new RecentIds(restarted(state, new MemoryState()), limits), recent]) {
      for (let n = 64; n < 72; n++) each.admits(id(n), 5)
      expect(each.admits(id(8), 5)).toBe(false)
      for (let n = 0; n < 8; n++) expect(each.admits(id(n), 5)).toBe(true)
    }
  })
})
