import { expect, test } from 'vitest'
import { power, strengthOf, strengthSeries, strengthWords } from './strength.ts'

const strength = strengthOf(Math.log(2.6e7), Math.log(4e6))

test('evidence and its line are told as powers of ten, in words, as facts and in the chart alike', () => {
  expect(strength).toEqual({ evidenceLog10: 7.41, lineLog10: 6.6 })
  expect(strengthWords(strength)).toBe('The evidence is 10^7.4; the line is 10^6.6')
  expect(strengthSeries([[3, 7.4]], strength)).toEqual({
    name: 'evidence (log10)',
    x: 'queries',
    points: [[3, 7.4]],
    line: 6.6,
  })
})

test('less than one is a negative power, which says that it speaks for the account', () => {
  expect(power(strengthOf(Math.log(0.01), 0).evidenceLog10)).toBe('10^-2.0')
})
