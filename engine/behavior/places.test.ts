import { expect, test } from 'vitest'
import { Places } from './places.ts'

const dayMs = 86_400_000

/** Who has one of two places after these calls. */
function placed(calls: readonly (readonly [name: string, timeMs: number])[]): readonly string[] {
  const places = new Places<{ lastMs: number }>()
  const accounts: Record<string, { lastMs: number }> = {}
  for (const [name, timeMs] of calls) {
    const known = places.of(accounts).get(name)
    if (known !== undefined) known.lastMs = timeMs
    else if (places.hasRoom(accounts, 2, timeMs, (silent) => places.delete(accounts, silent))) {
      places.set(accounts, name, { lastMs: timeMs })
    }
  }
  return Object.keys(accounts).sort()
}

test('accounts that ask at least weekly keep their places, though others ask between any two of their calls', () => {
  const weekly = [0, 7, 14].flatMap((day) => ['a', 'b', 'c', 'd'].map((name, n) => [name, day * dayMs + n] as const))
  expect(placed(weekly)).toEqual(['a', 'b'])
})

test('who has been silent for a week makes room for a newcomer, the longest silent first', () => {
  const silent = ['a', 'b'].map((name, n) => [name, n * dayMs] as const)
  expect(placed([...silent, ['c', 7 * dayMs]])).toEqual(['a', 'b'])
  expect(placed([...silent, ['c', 7 * dayMs + 1]])).toEqual(['b', 'c'])
  // That nobody had been silent for so long is not remembered for longer than it holds.
  expect(placed([...silent, ['c', 6 * dayMs], ['c', 7 * dayMs + 1], ['d', 8 * dayMs + 1]])).toEqual(['c', 'd'])
})

test('one whose call came late is looked at, too, when it is asked who has been silent', () => {
  expect(
    placed([
      ['a', 5 * dayMs],
      ['b', 5 * dayMs],
      ['c', 13 * dayMs],
      ['d', 5 * dayMs],
      ['e', 13 * dayMs],
    ]),
  ).toEqual(['c', 'e'])
})
