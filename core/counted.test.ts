import { expect, test } from 'vitest'
import { counted } from './counted.ts'

test('one is told as one, none and several as several', () => {
  expect([0, 1, 2, 1_204].map((n) => counted(n, 'mistake'))).toEqual(['0 mistakes', '1 mistake', '2 mistakes', '1,204 mistakes']) // prettier-ignore
  expect([1, 2].map((n) => counted(n, 'copy', 'copies'))).toEqual(['1 copy', '2 copies'])
})
