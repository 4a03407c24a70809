/**
 * Parts of a point in time, in UTC: what Sigma's time modifiers compare.
 *
 * Pure. Takes ISO 8601 texts and numbers of seconds or milliseconds since 1970 (told apart by size). `week` is ISO 8601's.
 */
import type { TimePart } from './types.ts'

const dayMs = 86_400_000
const epochDigits = /^\d{9,13}(?:\.\d+)?$/
const iso = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i

export function timePartOf(text: string, part: TimePart): number | undefined {
  const time = timeOf(text.trim())
  if (time === undefined) return undefined
  const date = new Date(time)
  switch (part) {
    case 'minute':
      return date.getUTCMinutes()
    case 'hour':
      return date.getUTCHours()
    case 'day':
      return date.getUTCDate()
    case 'week':
      return isoWeek(date)
    case 'month':
      return date.getUTCMonth() + 1
    case 'year':
      return date.getUTCFullYear()
  }
}

function timeOf(text: string): number | undefined {
  if (epochDigits.test(text)) {
    const number = Number(text)
    return number < 1e11 ? number * 1_000 : number
  }
  if (!iso.test(text)) return undefined
  // Without a zone a text is taken as UTC, wherever this runs.
  const zoned = text.length > 10 && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? `${text}Z` : text
  const time = Date.parse(zoned.replace(' ', 'T').replace(',', '.'))
  return Number.isNaN(time) ? undefined : time
}

/** The week that holds the year's first Thursday is week 1. */
function isoWeek(date: Date): number {
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
  const thursday = day + (4 - (new Date(day).getUTCDay() || 7)) * dayMs
  const firstDay = Date.UTC(new Date(thursday).getUTCFullYear(), 0, 1)
  return 1 + Math.floor((thursday - firstDay) / dayMs / 7)
}
