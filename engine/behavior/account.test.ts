import { expect, test } from 'vitest'
import type { Event } from '../../core/event.ts'
import { accountAndModel, accountOf } from './account.ts'

const by = (principal: string): Event => ({ warden: { principal } }) as Event

test('detectors that ask of one event, one after the other, are given the very same list; of another event, or model, its own', () => {
  const [event, other] = [by('t/a'), by('t/a')]
  const [account, both] = [accountOf(event), accountAndModel(event, 'm')]
  expect([account, both]).toEqual([['t/a'], ['t/a', 'm']])
  expect(accountOf(event)).toBe(account)
  expect(accountAndModel(event, 'm')).toBe(both)
  expect(accountAndModel(event, 'n')).toEqual(['t/a', 'n'])
  expect(accountAndModel(other, 'n')).not.toBe(both)
  expect(accountOf(other)).not.toBe(account)
  expect(accountOf(by('t/b'))).toEqual(['t/b'])
})
