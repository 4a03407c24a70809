/** The times between which a command looks. */
import { CliError, exitCodes } from './exit.ts'

export interface SpanOptions {
  readonly since?: string
  readonly from?: string
  readonly to?: string
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** `from` and `to` as the API takes them. Throws CliError where they make no sense. */
export function spanOf(
  { since, from, to }: SpanOptions,
  nowMs: number,
): { readonly from?: string; readonly to?: string } {
  if (since !== undefined && from !== undefined) throw wrong('Give either --since or --from.')
  const begin = since === undefined ? timeOf(from, '--from') : nowMs - spanMs(since)
  const end = timeOf(to, '--to')
  if (begin !== undefined && end !== undefined && begin >= end) throw wrong('--from is before --to.')
  return {
    ...(begin === undefined ? {} : { from: new Date(begin).toISOString() }),
    ...(end === undefined ? {} : { to: new Date(end).toISOString() }),
  }
}

function spanMs(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  if (amount !== undefined) return Number(amount) * unitMs[unit!]!
  throw wrong('--since is a number and s, m, h, d or w: 30m, 24h, 7d.')
}

function timeOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw wrong(`${option} is a date or a time: 2026-03-01, 2026-03-01T10:00:00Z.`)
}

function wrong(message: string): CliError {
  return new CliError(exitCodes.usage, 'TIME_INVALID', message)
}
