import { describe, expect, test } from 'vitest'
import { parseCanonical, parseTime, type TimeFormat } from './time.ts'

const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

describe('times in records', () => {
  test.each<[unknown, TimeFormat, string]>([
    ['2026-03-02T00:05:07.000Z', 'iso', '2026-03-02T00:05:07.000Z'],
    ['2026-03-02T00:05:07Z', 'iso', '2026-03-02T00:05:07.000Z'],
    ['2026-03-02t00:05:07.123456789z', 'iso', '2026-03-02T00:05:07.123Z'],
    ['2026-03-02 02:05:07,5+02:00', 'iso', '2026-03-02T00:05:07.500Z'],
    ['2026-03-01T19:05:07-0500', 'iso', '2026-03-02T00:05:07.000Z'],
    ['2024-02-29T12:00:00.000Z', 'iso', '2024-02-29T12:00:00.000Z'],
    ['2016-12-31T23:59:60Z', 'iso', '2016-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00.000Z', 'iso', '0001-01-01T00:00:00.000Z'],
    ['1601-01-01T00:00:00.000Z', 'iso', '1601-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', 'iso', '9999-12-31T23:59:59.999Z'],
    ['2026-03-02T00:05:07', 'iso_utc', '2026-03-02T00:05:07.000Z'],
    [1772409907, 'epoch_s', '2026-03-02T00:05:07.000Z'],
    [1772409907.25, 'epoch_s', '2026-03-02T00:05:07.250Z'],
    ['1772409907.25', 'epoch_s', '2026-03-02T00:05:07.250Z'],
    [1772409907000, 'epoch_ms', '2026-03-02T00:05:07.000Z'],
    [1772409907000123, 'epoch_us', '2026-03-02T00:05:07.000Z'],
    ['1772409907000123456', 'epoch_ns', '2026-03-02T00:05:07.000Z'],
  ])('%j as %s is %s', (value, format, expected) => {
    expect(iso(parseTime(value, format))).toBe(expected)
  })

  test.each<[unknown, TimeFormat]>([
    ['yesterday', 'iso'],
    ['2026-03-02', 'iso'],
    ['2026-03-02T00:05:07', 'iso'],
    ['2026-02-29T00:00:00.000Z', 'iso'],
    ['2026-04-31T00:00:00Z', 'iso'],
    ['2026-03-02T24:00:00.000Z', 'iso'],
    ['2026-13-02T00:00:00.000Z', 'iso'],
    ['2026-03-0xT00:00:00.000Z', 'iso'],
    ['2026x03-02T00:00:00.000Z', 'iso'],
    ['2026-03x02T00:00:00.000Z', 'iso'],
    ['2026x03x02T00:00:00.000Z', 'iso'],
    ['2026-03-02T00:00:61Z', 'iso'],
    ['2026-03-02T00:00:00+25:00', 'iso'],
    [1772409907, 'iso'],
    ['', 'epoch_s'],
    ['1e12', 'epoch_ms'],
    [Infinity, 'epoch_s'],
    [1e300, 'epoch_ms'],
    [null, 'epoch_ms'],
    [{}, 'iso'],
  ])('%j as %s is no time', (value, format) => {
    expect(parseTime(value, format)).toBeUndefined()
  })

  test.each(['2031x01-05', '2031-01x05', '2031x01x05'])('a day spelled %s is none, also read quickly', (day) => {
    expect(parseCanonical(`${day}T00:00:00.000Z`)).toBeUndefined()
  })

  test('the quick reading agrees with the language’s own on every day of many years', () => {
    for (let ms = Date.UTC(1899, 11, 20); ms < Date.UTC(2101, 1, 1); ms += 86_399_017) {
      expect(parseCanonical(new Date(ms).toISOString())).toBe(ms)
    }
  })
})
