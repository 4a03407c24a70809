/**
 * Spans of time and amounts of bytes as people write them in rules, and as they read them in explanations.
 */
import { z } from 'zod'

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const unitBytes: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** `90s`, `15m`, `6h`, `30d`, `2w`: milliseconds. */
export const Duration = z
  .string()
  .regex(/^[0-9]{1,6}[smhdw]$/, 'A span of time is a number and one of s, m, h, d, w, such as 30d')
  .transform((text) => Number(text.slice(0, -1)) * unitMs[text.slice(-1)]!)

/** `500MB`, `2GB`, or a plain number of bytes. Units are decimal, as bills and dashboards have them. */
export const Bytes = z.union([
  z.number().nonnegative(),
  z
    .string()
    .regex(
      /^[0-9]{1,9}(\.[0-9]{1,3})?(B|KB|MB|GB|TB)$/,
      'An amount is a number and one of B, KB, MB, GB, TB, such as 2GB',
    )
    .transform((text) => {
      const unit = /[A-Z]+$/.exec(text)![0]
      return Number(text.slice(0, -unit.length)) * unitBytes[unit]!
    }),
])

export function formatBytes(bytes: number): string {
  const unit = bytes >= 1e12 ? 'TB' : bytes >= 1e9 ? 'GB' : bytes >= 1e6 ? 'MB' : bytes >= 1e3 ? 'KB' : 'B'
  const value = bytes / unitBytes[unit]!
  return `${value >= 100 || unit === 'B' ? Math.round(value) : value.toFixed(1)} ${unit}`
}

export function formatSpan(ms: number): string {
  for (const [unit, name] of [
    ['d', 'day'],
    ['h', 'hour'],
    ['m', 'minute'],
  ] as const) {
    const count = ms / unitMs[unit]!
    if (count >= 1 && Number.isInteger(count)) return count === 1 ? name : `${count} ${name}s`
  }
  return `${Math.round(ms / 1_000)} seconds`
}
