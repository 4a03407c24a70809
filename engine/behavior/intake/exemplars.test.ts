import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { Exemplars } from './exemplars.ts'

test('a source has one voice about a record, that of its nearest, however many it brings', () => {
  const entries = new KeptEntries()
  const exemplars = new Exemplars(entries, 64)
  const brought = [
    ['x', 'a', 0],
    ['y', 'b', 3],
    ['y', 'c', 1],
    ['y', 'b', 2],
    ['z', 'a', 1.5],
  ] as const
  for (const [n, [s, l, at]] of brought.entries()) {
    const own = { v: [at, 0], l, s }
    exemplars.add(n, own, exemplars.meet(own, 3, new Set()).voters)
  }
  const [[, voters]] = [...exemplars.withVoters()] as [readonly [unknown, unknown]]
  expect(voters).toEqual([
    ['y', 'c', 1],
    ['z', 'a', 1.5],
  ])
})
