import { describe, expect, test } from 'vitest'
import { partitionOf } from '../../core/partition.ts'
import type { TaskMeta } from './checkpoints.ts'
import { dealAnew, dealIds, least, newest, numberAnew, type Entries, type Rekey } from './rekey.ts'

function metaOf(changes: Partial<TaskMeta> = {}, reachedMs: number | null = null): TaskMeta {
  return {
    version: 1,
    nextOffset: 7,
    marks: {},
    watermark: { reachedMs, ended: false, latestEventMs: null, latenessMs: 0, upstream: { a: [1, 2] } },
    told: { eventTimeMs: 5, ended: false, appendedMs: 6 },
    content: { rules: 'digest' },
    ...changes,
  }
}
const task = (entries: Record<string, unknown>, meta: TaskMeta | undefined = metaOf()) => ({
  meta,
  entries: new Map(Object.entries(entries)) as Entries,
})
const rekey: Rekey = {
  deal(key, value, _entries, from) {
    const ids = dealIds(key, value, from)
    if (ids !== undefined) return ids
    if (key === 'shared' || key === 'clock') return [{ home: 'everywhere', key, value }]
    return [{ home: key === 'own' ? 'here' : { logKey: key }, key, value }]
  },
  join: (key, values) => (key === 'clock' ? least(values as number[]) : newest(values)),
  finish: numberAnew,
}

describe('state that is dealt out anew', () => {
  test('goes where the records of its log key go; what has none stays, or goes everywhere', () => {
    const dealt = dealAnew([task({ eve: 1, own: 'a', shared: 3 }), task({ mallory: 2, own: 'b', shared: 3 })], 5, rekey)
    expect(dealt[partitionOf('eve', 5)]?.entries.get('eve')).toBe(1)
    expect(dealt[partitionOf('mallory', 5)]?.entries.get('mallory')).toBe(2)
    expect(dealt.map(({ entries }) => entries.get('own'))).toEqual(['a', 'b', undefined, undefined, undefined])
    expect(dealt.map(({ entries }) => entries.get('shared'))).toEqual([3, 3, 3, 3, 3])
    expect(dealt.reduce((sum, { entries }) => sum + entries.size, 0)).toBe(2 + 2 + 5)
  })

  test('is joined where different values meet, and refused where nobody can join them', () => {
    const tasks = [task({ clock: 9, shared: { version: 1 } }), task({ clock: 4, shared: { version: 2 } })]
    expect(dealAnew(tasks, 2, rekey).map(({ entries }) => Object.fromEntries(entries))).toEqual([
      { clock: 4, shared: { version: 2 } },
      { clock: 4, shared: { version: 2 } },
    ])
    const { join: _, ...nobody } = rekey
    expect(() => dealAnew(tasks, 2, nobody)).toThrow('nobody can join them')
  })

  test('knows all remembered ids in every partition, numbered without a gap', () => {
    const dealt = dealAnew(
      [task({ 'ids/7/3': 'aa', 'ids/7/4': 'bb' }), task({ 'ids/7/0': 'cc', 'ids/8/2': 'dd' })],
      3,
      rekey,
    )
    for (const { entries } of dealt)
      expect(Object.fromEntries(entries)).toEqual({
        'ids/7/0': 'cc',
        'ids/7/1': 'aa',
        'ids/7/2': 'bb',
        'ids/8/0': 'dd',
      })
  })

  test('keeps each place, and takes every mark over; event time goes back to what all have reached', () => {
    const dealt = dealAnew(
      [
        task({}, metaOf({ nextOffset: 10, marks: { up: [5, 1], down: [2, 0] } }, 300)),
        task({}, metaOf({ nextOffset: 20, marks: { up: [5, 2] } }, 200)),
      ],
      3,
      rekey,
    )
    expect(dealt.map(({ meta }) => meta?.nextOffset)).toEqual([10, 20, 0])
    for (const { meta } of dealt) {
      expect(meta?.marks).toEqual({ up: [5, 2], down: [2, 0] })
      expect(meta?.watermark.reachedMs).toBe(200)
      expect(meta?.content).toEqual({ rules: 'digest' })
    }
    expect(dealt[2]?.meta?.told).toEqual({ eventTimeMs: null, ended: false, appendedMs: 0 })
    const most = dealAnew([task({}, metaOf({}, 300)), task({}, metaOf({}, null))], 2, { ...rekey, reached: 'most' })
    expect(most.map(({ meta }) => meta?.watermark.reachedMs)).toEqual([300, 300])
  })
})
