import { expect, test } from 'vitest'
import { idsForgottenKey } from '../../runtime/recent-ids.ts'
import { meterRekey } from './rekey.ts'

test('up to where ids were forgotten in any partition, none can tell a repetition after they were dealt anew', () => {
  expect(meterRekey.deal(idsForgottenKey, 5, new Map(), 0)).toEqual([
    { home: 'everywhere', key: idsForgottenKey, value: 5 },
  ])
  expect(meterRekey.join!(idsForgottenKey, [5, 9, 7])).toBe(9)
})
