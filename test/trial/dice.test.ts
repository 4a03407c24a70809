import { expect, test } from 'vitest'
import { Dice } from './dice.ts'

const drawn = (dice: Dice): number[] => Array.from({ length: 20 }, () => dice.int(0, 1_000_000))

test('the same name draws the same again, another name something else', () => {
  expect(drawn(new Dice('trial 1'))).toEqual(drawn(new Dice('trial 1')))
  expect(drawn(new Dice('trial 2'))).not.toEqual(drawn(new Dice('trial 1')))
})

test('a fork does not depend on what was drawn before it', () => {
  const used = new Dice('trial 1')
  drawn(used)
  expect(drawn(used.fork('x'))).toEqual(drawn(new Dice('trial 1').fork('x')))
})

test('both ends of a range of whole numbers are drawn, and nothing outside', () => {
  const dice = new Dice('ends')
  expect(new Set(Array.from({ length: 200 }, () => dice.int(2, 4)))).toEqual(new Set([2, 3, 4]))
})

test('weights of nothing are never drawn', () => {
  const dice = new Dice('weights')
  expect(new Set(Array.from({ length: 200 }, () => dice.weighted([0, 1, 0, 2])))).toEqual(new Set([1, 3]))
})
