import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueGroups, notFiled, type Filed } from './due-groups.ts'

class Group implements Filed<Group> {
  slot: number = notFiled
  earlier: Group | undefined
  later: Group | undefined
  readonly key: string
  readonly dueMs: number

  constructor(key: string, dueMs: number) {
    this.key = key
    this.dueMs = dueMs
  }

  compareTo(other: Group): number {
    return this.key < other.key ? -1 : 1
  }
}

const dues = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 400_000 }),
    fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.constant(0), fc.constant(Infinity)),
  ),
  { maxLength: 60 },
)

const keysOf = (groups: readonly Group[]): readonly string[] => groups.map(({ key }) => key)

test('the groups that are due first are those of all in order, however early they were filed, and stay filed', () => {
  fc.assert(
    fc.property(dues, fc.nat({ max: 70 }), fc.nat({ max: 5 }), (given, count, removed) => {
      const all = given.map(([filedMs, more], at) => new Group(`k${at}`, filedMs + more))
      const index = new DueGroups<Group>(({ dueMs }) => dueMs)
      for (const [at, [filedMs]] of given.entries()) index.file(all[at]!, filedMs)
      for (const group of all.splice(0, removed)) index.remove(group)
      all.sort((a, b) => (a.dueMs === b.dueMs ? (a.key < b.key ? -1 : 1) : a.dueMs - b.dueMs))
      expect(keysOf(index.earliest(count))).toEqual(keysOf(all.slice(0, count)))
      expect(keysOf(index.take(1e9))).toEqual(keysOf(all.filter(({ dueMs }) => dueMs !== Infinity)))
      expect(index.take(1e9)).toEqual([])
    }),
  )
})

test('a group is told of the watermark once that has come to its due time, not before', () => {
  fc.assert(
    fc.property(dues, fc.array(fc.nat({ max: 700_000 }), { maxLength: 20 }), (given, marks) => {
      const all = given.map(([filedMs, more], at) => new Group(`k${at}`, filedMs + more))
      const index = new DueGroups<Group>(({ dueMs }) => dueMs)
      for (const [at, [filedMs]] of given.entries()) index.file(all[at]!, filedMs)
      let before = -1
      for (const mark of marks.sort((a, b) => a - b)) {
        const due = all.filter(({ dueMs }) => dueMs > before && dueMs <= mark)
        expect(new Set(index.take(mark))).toEqual(new Set(due))
        before = mark
      }
    }),
  )
})

test('a group that is due earlier than it was filed under is told of the watermark as early', () => {
  const index = new DueGroups<Group>(({ dueMs }) => dueMs)
  const groups = ['a', 'b', 'c'].map((key) => new Group(key, 60_000))
  for (const group of groups) index.file(group, 600_000)
  for (const group of groups.slice(1)) index.file(group)
  expect(keysOf(index.take(60_000))).toEqual(['b', 'c'])
  expect(keysOf(index.take(600_000))).toEqual(['a'])
})
