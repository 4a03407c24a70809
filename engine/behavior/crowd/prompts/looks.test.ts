import { expect, test } from 'vitest'
import { Looks, type LooksJson } from './looks.ts'

const all = Array.from({ length: 30 }, () => ({ calls: 40, atLeast: 7, exposureMs: 1e7 }))

function after(count: number): LooksJson {
  const looks = new Looks({ count, since: 0, due: 64, evidence: 0 })
  looks.look(all, 4, 25)
  return looks.toJSON()
}

test('the tenth look must bring 55 times as much as the first, so that however many there are none is too many', () => {
  expect(after(0).evidence - after(9).evidence).toBeCloseTo(Math.log(55))
})

test('the next look is due when there are a quarter more calls, after a restart as well', () => {
  const looks = new Looks(JSON.parse(JSON.stringify(after(3))) as LooksJson)
  const due = Array.from({ length: 300 }, () => looks.isDue())
  expect(due.indexOf(true)).toBe(299)
})
