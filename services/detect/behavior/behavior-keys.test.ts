import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSame, keyOf, ruleKeyOf, sameLists } from './behavior-keys.ts'
import { groupKey } from '../observations.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '/', '\u0000', 'é', ' '), maxLength: 6 }),
  fc.string({ minLength: 90, maxLength: 150 }),
)

test('whatever a group is named, its key is the rule and the group as observations spell it', () => {
  fc.assert(
    fc.property(fc.tuple(text, text), fc.array(text, { maxLength: 3 }), ([one, other], values) => {
      for (const scope of [one, other, other, one]) {
        for (const of of [values, ['a'], values]) expect(keyOf('0123', scope, of)).toBe(`b/0123/${groupKey(scope, of)}`)
      }
    }),
    { numRuns: 500 },
  )
})

test('a group is spelled out in its key up to 300 characters, and past them is named by a digest', () => {
  const spelled = (chars: number): string => keyOf('0123', 't', ['a'.repeat(chars - '["t",""]'.length)])
  expect(spelled(300)).toMatch(/^b\/0123\/\["t","a+"\]$/)
  expect(spelled(301)).toMatch(/^b\/0123\/[0-9a-f]+$/)
  expect(ruleKeyOf(spelled(300))).toBe('0123')
})

test('lists that were found to hold the same texts are told at a glance, and never others', () => {
  const lists = [['a'], ['a'], ['b'], ['a', 'm'], ['a', 'm'], ['a', 'n'], ['b', 'm'], []]
  const pair = fc.tuple(fc.constantFrom(...lists), fc.constantFrom(...lists))
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 30 }), (pairs) => {
      const areSame = sameLists()
      for (const [a, b] of pairs) expect(areSame(a, b)).toBe(isSame(a, b))
    }),
  )
})
