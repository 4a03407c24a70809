import { expect, test } from 'vitest'
import { buildRecordFilters, filterRecordsMax, openRecordFilter } from './record-filter.ts'
import { sha256Hex } from './ids.ts'

test('every record that was added passes a filter, and hardly a stranger does', () => {
  const records = Array.from({ length: 2_000 }, (_, n) => sha256Hex(`record ${n}`))
  const [filter] = buildRecordFilters([...records, records[0]!])
  expect(filter!.records).toBe(2_000)
  const isRecord = openRecordFilter(JSON.parse(JSON.stringify(filter)) as typeof filter & object)
  expect(records.every(isRecord)).toBe(true)
  // 7e-5 a stranger: 1.4 of 20,000 on average; 10 or more would come once in a million filters.
  const strangers = Array.from({ length: 20_000 }, (_, n) => sha256Hex(`stranger ${n}`))
  expect(strangers.filter(isRecord).length).toBeLessThan(10)
})

test.each([
  [100, 1.3e-4],
  [898, 1.1e-4],
  [20_000, 9e-5],
])('of %d records, hardly one of a million strangers passes, also where texts are numbers in turn', (count, share) => {
  const isRecord = openRecordFilter(buildRecordFilters(Array.from({ length: count }, (_, n) => String(n)))[0]!)
  let passed = 0
  for (let n = 0; n < 1_000_000; n++) if (isRecord(String(5_000_000 + n))) passed++
  // Four standard errors of what such a filter's bits make likely, 6.7e-5, are 3e-5; of small ones some more pass.
  expect(passed / 1_000_000).toBeGreaterThan(3e-5)
  expect(passed / 1_000_000).toBeLessThan(share)
})

test('a training set past the size of one filter is several', () => {
  const records = Array.from({ length: filterRecordsMax + 1 }, (_, n) => String(n))
  const filters = buildRecordFilters(records)
  expect(filters.map(({ records: count }) => count)).toEqual([filterRecordsMax, 1])
  expect(openRecordFilter(filters[1]!)(records.at(-1)!)).toBe(true)
  expect(JSON.stringify(filters[0]).length).toBeLessThan(512 * 1024)
})
