import { expect, it } from 'vitest'
import type { BusRecord } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import { TakenSeals } from './taken-seals.ts'

const dayMs = 86_400_000

function sealed(atMs: number, more: Partial<BusRecord> = {}): BusRecord {
  const named = { [headers.seal]: `${atMs}.${String(atMs).padStart(64, '0')}` }
  return { topic: 't', partition: 0, offset: 0, key: undefined, value: null, headers: named, appendedMs: atMs, ...more }
}

it('what was taken is known again, after a checkpoint too', () => {
  const taken = new TakenSeals()
  expect(taken.repeats(sealed(1))).toBe(false)
  taken.take(sealed(1))
  expect([taken.repeats(sealed(1)), taken.repeats(sealed(2))]).toEqual([true, false])
  const back = new TakenSeals(taken.save().seals)
  expect([back.repeats(sealed(1)), back.repeats(sealed(2))]).toEqual([true, false])
})

it('records of topics that we alone write to have no seal, and are kept nowhere', () => {
  const taken = new TakenSeals()
  for (let n = 0; n < 2; n++) {
    expect(taken.repeats(sealed(1, { headers: {} }))).toBe(false)
    taken.take(sealed(1, { headers: {} }))
  }
  expect(taken.save()).toEqual({})
})

it('what can not hold any more is forgotten, and more than a thousand are never kept', () => {
  const taken = new TakenSeals()
  for (let atMs = 1; atMs <= 5_000; atMs++) taken.take(sealed(atMs))
  expect(taken.save().seals).toHaveLength(1_000)
  expect(taken.repeats(sealed(5_000))).toBe(true)
  taken.take(sealed(2 * dayMs))
  expect(taken.save().seals).toHaveLength(1)
})
