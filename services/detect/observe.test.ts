import { expect, test } from 'vitest'
import { FamiliarPrincipals } from './observe.ts'

test('a principal that goes on asking stays familiar among any number of others', () => {
  const principals = new FamiliarPrincipals()
  const first = principals.get('regular')
  const stranger = principals.get('stranger')
  for (let n = 0; n < 30_000; n++) {
    principals.get(`x${n}`)
    if (n % 4_000 === 0) expect(principals.get('regular')).toBe(first)
  }
  // What is kept is bounded.
  expect(principals.get('stranger')).not.toBe(stranger)
})
