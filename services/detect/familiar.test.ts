import { expect, test } from 'vitest'
import { FamiliarPrincipals } from './familiar.ts'

test('a principal that goes on asking stays familiar among any number of others', () => {
  const principals = new FamiliarPrincipals()
  principals.get('regular')
  const first = principals.get('regular')
  for (let n = 0; n < 30_000; n++) principals.get(`x${n}`)
  expect(principals.get('regular')).toBe(first)
})

test('principals that ask once share what they have, until one asks again', () => {
  const principals = new FamiliarPrincipals()
  const passing = principals.get('a')
  expect(principals.get('b')).toBe(passing)
  const again = principals.get('a')
  expect(again).not.toBe(passing)
  expect(principals.get('a')).toBe(again)
  const strangers = new Set(Array.from({ length: 5_000 }, (_, n) => principals.get(`x${n}`)))
  expect([...strangers]).toEqual([passing])
  expect(principals.get('a')).toBe(again)
})

test('those that keep asking take the room of others, one each', () => {
  const principals = new FamiliarPrincipals()
  const all = Array.from({ length: 30_000 }, (_, n) => {
    principals.get(`x${n}`)
    return principals.get(`x${n}`)
  })
  expect(new Set(all).size).toBe(30_000)
  const kept = all.filter((familiar, n) => principals.get(`x${n}`) === familiar)
  expect(kept.length).toBeGreaterThan(4_000)
  expect(kept.length).toBeLessThanOrEqual(8_192)
})
