import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assign } from './group.ts'

interface Log {
  readonly topic: string
  readonly partition: number
}
interface Member {
  readonly name: string
  readonly topics: ReadonlySet<string>
}

const logsOf = (topic: string, count: number): Log[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }))
const memberOf = (name: string, ...topics: string[]): Member => ({ name, topics: new Set(topics) })

function loads(wanted: ReadonlyMap<Log, Member>, members: readonly Member[]): number[] {
  return members.map((member) => [...wanted.values()].filter((owner) => owner === member).length)
}

test('partitions are spread evenly, and only as many move as that takes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
      (count, before, after) => {
        const logs = logsOf('t', count)
        const pool = Array.from({ length: 6 }, (_, i) => memberOf(`${i}`, 't'))
        const first = assign(logs, pool.slice(0, before), new Map<Log, Member>())
        const members = pool.slice(0, after)
        const second = assign(logs, members, first)
        expect(second.size).toBe(count)
        const counts = loads(second, members)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
        // Those of members that left, and those above the newcomers' fair share.
        const moved = logs.filter((log) => first.get(log) !== second.get(log)).length
        const gone = [...first.values()].filter((owner) => !members.includes(owner)).length
        const fair = Math.max(0, after - before) * Math.ceil(count / after)
        expect(moved).toBeLessThanOrEqual(gone + fair)
      },
    ),
  )
})

test('a partition goes only to members that asked for its topic, and to nobody where there is none', () => {
  const logs = [...logsOf('a', 4), ...logsOf('b', 2), ...logsOf('c', 1)]
  const members = [memberOf('one', 'a'), memberOf('two', 'a', 'b')]
  const wanted = assign(logs, members, new Map<Log, Member>())
  for (const [log, owner] of wanted) expect(owner.topics.has(log.topic)).toBe(true)
  expect([...wanted.keys()].some((log) => log.topic === 'c')).toBe(false)
  expect(loads(wanted, members)).toEqual([3, 3])
})
