import { expect, test } from 'vitest'
import { outcomeOf } from './figures.ts'

const of = (value: number, within: number | undefined, target: { least: number } | { most: number } = { most: 1 }) =>
  outcomeOf({ name: 'f', value, unit: 'MB', baseline: { name: 'b', value: 100 }, within, target })

test('a figure meets its target or misses it, also where it is none', () => {
  expect([of(100, undefined), of(101, undefined), of(0, undefined)]).toEqual(['met', 'missed', 'met'])
  expect([of(100, undefined, { least: 1 }), of(0, undefined, { least: 1 })]).toEqual(['met', 'missed'])
})

test('a difference that can’t be told from nothing, or that its own inexactness could turn, shows nothing', () => {
  expect([of(-3, 0), of(0, 0), of(5, 5), of(NaN, 0)]).toEqual(Array(4).fill('not shown'))
  expect([of(90, 9), of(110, 9)]).toEqual(['met', 'missed'])
  expect([of(95, 9), of(105, 9)]).toEqual(['not shown', 'not shown'])
})
