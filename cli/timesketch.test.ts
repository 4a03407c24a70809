import { expect, test } from 'vitest'
import { timesketchOf } from './timesketch.ts'

const base = { kind: 'event', id: 'e1', what: 'GetObject', summary: 'read a shard' }
const timeline = { incidentId: 'i', tenant: 'acme', title: 't', omitted: [] }

test('every row is a line with the three fields that Timesketch wants, or is named with the reason', () => {
  const rows = [
    { ...base, at: '2026-03-01T10:00:00.000Z', hash: 'f'.repeat(64) },
    { ...base, id: 'e2', at: 'never' },
    { ...base, id: 'e3', at: '2026-03-01T10:00:00.000Z', summary: ' ' },
  ]
  const { lines, leftOut } = timesketchOf({ ...timeline, rows })
  expect(lines).toMatchObject([
    {
      message: 'read a shard',
      datetime: '2026-03-01T10:00:00.000+00:00',
      timestamp_desc: 'Event Time',
      sha256: 'f'.repeat(64),
    },
  ])
  expect(leftOut.map(({ id }) => id)).toEqual(['e2', 'e3'])
})
