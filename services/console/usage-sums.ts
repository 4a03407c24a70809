/**
 * Sums over usage records: what an invoice has lines of.
 *
 * Pure. Promises: each record is in exactly one line; a line says whether it may still grow, whether corrections are in it
 * and how much they make up, and whatever else keeps it from being exact.
 */
import { z } from 'zod'
import { usageOutcomes, UsageFigures, type UsageRecord } from '../../core/usage.ts'

/** What lines may be told apart by, beside the period. */
export const usageGroups = ['tenant', 'license', 'model', 'credential', 'principal', 'form'] as const
export type UsageGroup = (typeof usageGroups)[number]
export const usageIntervals = ['hour', 'day', 'month'] as const
export type UsageInterval = (typeof usageIntervals)[number]

const Sums = z.strictObject({
  success: UsageFigures,
  failure: UsageFigures,
  unknown: UsageFigures,
  /** Of these, what came as corrections of settled periods. */
  corrections: z.strictObject({ records: z.int(), calls: z.int() }),
  /** `open`: some of it may still grow. `corrected`: settled, and corrected since. */
  state: z.enum(['open', 'settled', 'corrected']),
  /** Records without principal, credential, license and model: the meter was full. */
  coarse: z.int(),
  /** Records in which a part of the period was not counted. */
  incomplete: z.int(),
  overflown: z.int(),
  /** Events so late that a repetition could not be told. */
  unchecked: z.int(),
})
export type UsageSums = z.infer<typeof Sums>

export const UsageLine = Sums.extend({
  start: z.iso.datetime(),
  tenant: z.string().optional(),
  license: z.string().optional(),
  model: z.string().optional(),
  credential: z.string().optional(),
  principal: z.string().optional(),
  form: z.string().optional(),
})
export type UsageLine = z.infer<typeof UsageLine>

export const UsageTotals = z.strictObject({
  by: z.enum(usageIntervals),
  per: z.array(z.enum(usageGroups)),
  items: z.array(UsageLine),
  total: Sums,
})
export type UsageTotals = z.infer<typeof UsageTotals>

const fieldOf: Readonly<Record<UsageGroup, keyof UsageRecord>> = {
  tenant: 'tenant',
  license: 'licenseId',
  model: 'model',
  credential: 'credentialId',
  principal: 'principal',
  form: 'form',
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends object ? Writable<T[K]> : T[K] }

export class UsageAdder {
  readonly #by: UsageInterval
  readonly #per: readonly UsageGroup[]
  readonly #lines = new Map<string, Writable<UsageLine>>()
  readonly #total = emptySums()

  constructor(by: UsageInterval, per: readonly UsageGroup[]) {
    this.#by = by
    this.#per = per
  }

  get lines(): number {
    return this.#lines.size
  }

  add(record: UsageRecord): void {
    const start = this.#by === 'month' ? `${record.start.slice(0, 7)}-01T00:00:00.000Z` : record.start
    const groups = this.#per.flatMap((group) => {
      const value = record[fieldOf[group]]
      return typeof value === 'string' ? [[group, value] as const] : []
    })
    const key = JSON.stringify([start, groups])
    let line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, (line = { start, ...Object.fromEntries(groups), ...emptySums() }))
    addTo(line, record)
    addTo(this.#total, record)
  }

  result(): UsageTotals {
    const sorted = [...this.#lines].sort(([a], [b]) => (a < b ? -1 : 1))
    return { by: this.#by, per: [...this.#per], items: sorted.map(([, line]) => line), total: this.#total }
  }
}

function emptySums(): Writable<UsageSums> {
  const figures = () => ({ calls: 0, inputTokens: 0, outputTokens: 0, bytes: 0, callsWithoutTokens: 0 })
  return {
    ...{ success: figures(), failure: figures(), unknown: figures() },
    corrections: { records: 0, calls: 0 },
    state: 'settled',
    ...{ coarse: 0, incomplete: 0, overflown: 0, unchecked: 0 },
  }
}

function addTo(sums: Writable<UsageSums>, record: UsageRecord): void {
  let calls = 0
  for (const outcome of usageOutcomes) {
    const [into, from] = [sums[outcome], record[outcome]]
    calls += from.calls
    for (const name of Object.keys(into) as (keyof UsageFigures)[]) {
      const sum = into[name] + from[name]
      if (sum > Number.MAX_SAFE_INTEGER) sums.overflown++
      into[name] = Math.min(sum, Number.MAX_SAFE_INTEGER)
    }
  }
  if (record.kind === 'correction') {
    sums.corrections.records++
    sums.corrections.calls += calls
    if (sums.state === 'settled') sums.state = 'corrected'
  }
  if (record.state === 'open') sums.state = 'open'
  if (record.coarse === true) sums.coarse++
  if (record.incomplete === true) sums.incomplete++
  if (record.overflown === true) sums.overflown++
  sums.unchecked += record.unchecked ?? 0
}
