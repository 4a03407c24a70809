import { expect, test } from 'vitest'
import { FamiliarPrincipals } from './observe.ts'

test('a principal that goes on asking stays familiar among any number of others', () => {
  const principals = new FamiliarPrincipals()
  principals.get('regular')
  const first = principals.get('regular')
  principals.get('stranger')
  const stranger = principals.get('stranger')
  for (let n = 0; n < 30_000; n++) {
    principals.get(`x${n}`)
    if (n % 4_000 === 0) expect(principals.get('regular')).toBe(first)
  }
  // What is kept is bounded.
  principals.get('stranger')
  expect(principals.get('stranger')).not.toBe(stranger)
})

test('principals that ask once share what they have, until one asks again', () => {
  const principals = new FamiliarPrincipals()
  const passing = principals.get('a')
  expect(principals.get('b')).toBe(passing)
  const again = principals.get('a')
  expect(again).not.toBe(passing)
  expect(principals.get('a')).toBe(again)
  for (let n = 0; n < 5_000; n++) expect(principals.get(`x${n}`)).toBe(passing)
  // Half of the room has filled up since.
  expect(principals.get('a')).toBe(again)
  expect(principals.get('b')).not.toBe(passing)
})
