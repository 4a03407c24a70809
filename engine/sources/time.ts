/**
 * Reads the times that records carry. Strict: what is not plainly a time is no time.
 *
 * Pure. ISO 8601 as RFC 3339 profiles it (date, `T` or a space, time with seconds, zone), and counts since 1970.
 */

export const timeFormats = ['iso', 'iso_utc', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns'] as const
export type TimeFormat = (typeof timeFormats)[number]

const isoPattern =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,12}))?(Z|z|[+-][0-9]{2}:?[0-9]{2})?$/
const decimalPattern = /^-?[0-9]{1,19}(?:\.[0-9]{1,9})?$/

const unitsPerMs = { epoch_s: 1 / 1_000, epoch_ms: 1, epoch_us: 1_000, epoch_ns: 1_000_000 } as const

/** Milliseconds since 1970, or `undefined` where the value is no time of this format. */
export function parseTime(value: unknown, format: TimeFormat): number | undefined {
  if (format === 'iso' || format === 'iso_utc') {
    return typeof value === 'string' ? parseIso(value, format === 'iso_utc') : undefined
  }
  // Numbers past 2^53 come as strings of digits.
  const count = typeof value === 'string' && decimalPattern.test(value) ? Number(value) : value
  if (typeof count !== 'number' || !Number.isFinite(count)) return undefined
  const ms = format === 'epoch_s' ? Math.round(count * 1_000) : Math.floor(count / unitsPerMs[format])
  return Math.abs(ms) <= 8.64e15 ? ms : undefined
}

function parseIso(text: string, assumeUtc: boolean): number | undefined {
  const quick = parseCanonical(text)
  if (quick !== undefined) return quick
  const found = isoPattern.exec(text)
  if (found === null || (found[8] === undefined && !assumeUtc)) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  // A leap second (60) counts as the last millisecond before it: UTC in milliseconds has no place for it.
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined
  if (day > daysIn(year, month)) return undefined
  const fraction = second === 60 ? 999 : Number((found[7] ?? '').padEnd(3, '0').slice(0, 3))
  const offset = zoneMinutes(found[8] ?? 'Z')
  if (offset === undefined) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, Math.min(second, 59), fraction)
  return date.getTime() - offset * 60_000
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function zoneMinutes(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/**
 * The time of a text spelled as `Date.prototype.toISOString` spells it (years from 1000), else `undefined`. Most records'
 * times are, and reading their digits is four times as fast as the pattern.
 */
export function parseCanonical(text: string): number | undefined {
  if (text.length !== 24 || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return undefined
  if (text[19] !== '.' || text[23] !== 'Z') return undefined
  if (!text.startsWith(lastDay.text)) {
    const dayMs = canonicalDay(text)
    if (dayMs === undefined) return undefined
    lastDay.text = text.slice(0, 10)
    lastDay.ms = dayMs
  }
  const hour = digits(text, 11, 13)
  const minute = digits(text, 14, 16)
  const second = digits(text, 17, 19)
  const ms = digits(text, 20, 23)
  // Not a number compares false: a character that is no digit ends here too.
  if (!(hour <= 23 && minute <= 59 && second <= 59 && ms >= 0)) return undefined
  return lastDay.ms + ((hour * 60 + minute) * 60 + second) * 1_000 + ms
}

/** The day of the text that was read last, and its beginning: mostly the next one is of the same. */
const lastDay = { text: '1970-01-01', ms: 0 }

function canonicalDay(text: string): number | undefined {
  if (text[4] !== '-' || text[7] !== '-') return undefined
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  if (!(year >= 1000 && month >= 1 && month <= 12 && day >= 1)) return undefined
  return day <= 28 || day <= daysIn(year, month) ? Date.UTC(year, month - 1, day) : undefined
}

/** Whether a text that has been read as an ISO time is spelled as `Date.prototype.toISOString` spells it. */
export function isSpelledCanonically(text: string): boolean {
  return text.length === 24 && text[10] === 'T' && text[17] !== '6' && text[19] === '.' && text[23] === 'Z'
}

function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  return value
}
