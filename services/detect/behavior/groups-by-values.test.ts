import { expect, test } from 'vitest'
import { MemoryState } from '../../../runtime/stage/memory-state.ts'
import { BehaviorGroup } from './behavior-group.ts'
import { openStore } from './behavior-store.ts'
import { GroupsByValues } from './groups-by-values.ts'

const store = openStore(new MemoryState(), { size: 0, all: () => [] })

function groupOf(rule: string, values: readonly string[]): BehaviorGroup {
  return new BehaviorGroup({ rule, version: 1, store }, { scope: 't', values, version: 1, names: [], dueMs: null })
}

function beside(groups: GroupsByValues, values: readonly string[]): BehaviorGroup[] {
  const all: BehaviorGroup[] = []
  for (let group = groups.placeOf(values).first; group !== undefined; group = group.beside) all.push(group)
  return all
}

test('a group that is forgotten stays beside the others until the last of them goes', () => {
  const groups = new GroupsByValues()
  const [one, two, three] = ['r', 's', 't'].map((rule) => groupOf(rule, ['a']))
  for (const group of [one!, two!, three!]) groups.put(group)
  for (const group of [two!, three!]) {
    group.forget()
    groups.forgotten(group)
  }
  expect(new Set(beside(groups, ['a']))).toEqual(new Set([one, two, three]))
  expect([...groups.all()]).toEqual([one])
  one!.forget()
  groups.forgotten(one!)
  expect(beside(groups, ['a'])).toEqual([])
})

test('of groups that are forgotten no more than a few stay, however many there were', () => {
  const groups = new GroupsByValues()
  const others = ['r', 's'].map((rule) => groupOf(rule, ['a']))
  groups.put(others[0]!)
  for (let n = 0; n < 100; n++) {
    const group = groupOf(`rule ${n}`, ['a'])
    groups.put(group)
    if (n === 50) groups.put(others[1]!)
    group.forget()
    groups.forgotten(group)
    expect(beside(groups, ['a']).length).toBeLessThanOrEqual(18)
  }
  expect(new Set(groups.all())).toEqual(new Set(others))
})

test('places of an account and its models, and of values that spell the same, are told apart, whichever was asked for last', () => {
  const groups = new GroupsByValues()
  const lists = [['a'], ['a', 'm'], ['a', 'n'], ['a\u0000m'], ['b'], ['b', 'm'], ['a', 'm\u0000n'], ['a', 'm', 'n']]
  const put = lists.map((values) => groupOf('r', [...values]))
  for (const group of put) groups.put(group)
  const find = (at: number): BehaviorGroup | undefined => groups.placeOf([...lists[at]!]).first
  for (let n = 0; n < 200; n++) expect(find((n * n) % 8)).toBe(put[(n * n) % 8])
  const [gone, begun] = [put[1]!, groupOf('r', ['a', 'm'])]
  find(0)
  gone.forget()
  groups.forgotten(gone)
  expect([find(1), find(3)]).toEqual([undefined, put[3]])
  groups.put(begun)
  for (let n = 0; n < 200; n++) expect(find((n * 5) % 8)).toBe((n * 5) % 8 === 1 ? begun : put[(n * 5) % 8])
  expect([...groups.all()].length).toBe(8)
})
