/**
 * The open meters of one task: sums by account and period, in event time.
 *
 * Pure; kept in the task's state. Promises: what is added is in exactly one record of each period, and never leaves it; a
 * settled record is final, what comes later is a correction of its own; at most `metersMax` are open, no tenant having more
 * than half of them: what finds no room is added up by tenant and form alone, and says so, so that sums over a tenant stay
 * exact; past `coarseMax` of those, under the tenant `*`.
 */
import { derivedId } from '../../core/ids.ts'
import { usageOutcomes, usagePeriods, type UsageFigures, type UsagePeriod, type UsageRecord } from '../../core/usage.ts'
import type { KeyedState } from '../../runtime/stage/stage.ts'
import { figuresEach, type Account, type Use } from './use.ts'

const prefix = 'meter/'
const periodMs: Readonly<Record<UsagePeriod, number>> = { hour: 3_600_000, day: 86_400_000 }
const coarseMax = 10_000

/** One meter, as the state keeps it. */
interface Meter {
  readonly id: string
  readonly key: string
  readonly kind: UsageRecord['kind']
  readonly period: UsagePeriod
  readonly startMs: number
  readonly account: Account
  readonly coarse: boolean
  readonly incomplete: boolean
  readonly figures: number[]
  firstMs: number
  lastMs: number
  version: number
  unchecked: number
  overflown: boolean
  /** It has grown since it was published. */
  untold: boolean
}

export interface MeterLimits {
  readonly metersMax: number
}

/** Where and when what is added came. */
export interface Moment {
  readonly timeMs: number
  readonly offset: number
  /** Whether a repetition of it could be told. */
  readonly checked: boolean
}

export class Meters {
  readonly #state: KeyedState
  readonly #partition: number
  readonly #limits: MeterLimits
  readonly #open = new Map<string, Meter>()
  /** Totals by the end of their period. */
  readonly #totalsByEnd = new Map<number, Set<Meter>>()
  readonly #ofTenant = new Map<string, number>()
  readonly #untold = new Set<Meter>()
  readonly #changed = new Set<Meter>()
  #coarse = 0
  /** Before this append time nothing is known; -Infinity: the log was there from its beginning. */
  #beginsMs = -Infinity

  constructor(state: KeyedState, partition: number, limits: MeterLimits) {
    this.#state = state
    this.#partition = partition
    this.#limits = limits
    this.#beginsMs = state.get<number>('begins') ?? -Infinity
    state.beforeCheckpoint(() => this.#settleState())
    for (const [, meter] of state.entries<Meter>(prefix)) this.#take(meter)
  }

  get size(): number {
    return this.#open.size
  }

  beginsAt(appendedMs: number): void {
    this.#beginsMs = appendedMs
    this.#state.set('begins', appendedMs)
  }

  /** Adds a use to the meters of its periods; true where it found no room of its own. */
  add(use: Use, moment: Moment, completeMs: number): boolean {
    const account = keyOf(use.account)
    let coarse = false
    for (const period of usagePeriods) {
      const length = periodMs[period]
      const startMs = Math.floor(moment.timeMs / length) * length
      const late = startMs + length <= completeMs
      const key = `${late ? 'correction' : 'total'} ${period} ${startMs} `
      let meter = this.#open.get(key + account)
      if (meter === undefined) {
        const room = this.#hasRoomFor(use.account.tenant)
        if (!room) coarse = true
        const whose = room ? use.account : this.#coarseAccount(use.account, key)
        const place = room ? key + account : `${key}coarse ${keyOf(whose)}`
        meter = this.#open.get(place) ?? this.#openMeter(place, late, period, startMs, whose, !room, moment.offset)
      }
      this.#count(meter, use, moment)
    }
    return coarse
  }

  /** Event time is complete up to here: the records of the periods that are over, for good. */
  settle(completeMs: number): readonly UsageRecord[] {
    const over = [...this.#totalsByEnd.keys()].filter((endMs) => endMs <= completeMs)
    const settled = over.flatMap((endMs) => [...this.#totalsByEnd.get(endMs)!])
    return sorted(settled).map((meter) => this.#close(meter))
  }

  /** What has grown since it was told last. Corrections are told once, and closed with that. */
  publish(): readonly UsageRecord[] {
    return sorted([...this.#untold]).map((meter) => {
      if (meter.kind === 'correction') return this.#close(meter)
      return this.#told(meter, 'open')
    })
  }

  #hasRoomFor(tenant: string): boolean {
    const fine = this.#open.size - this.#coarse
    return fine < this.#limits.metersMax && (this.#ofTenant.get(tenant) ?? 0) < this.#limits.metersMax / 2
  }

  #coarseAccount({ tenant, form }: Account, key: string): Account {
    const account: Account = { tenant, form }
    const known = this.#open.has(`${key}coarse ${keyOf(account)}`)
    return known || this.#coarse < coarseMax ? account : { tenant: '*', form }
  }

  #openMeter(
    key: string,
    late: boolean,
    period: UsagePeriod,
    startMs: number,
    account: Account,
    coarse: boolean,
    offset: number,
  ): Meter {
    const kind = late ? 'correction' : 'total'
    const incomplete = startMs < this.#beginsMs
    // What may exist more than once for an account and period has its place in the name; two partitions share no name.
    const parts: (string | number)[] = late ? [this.#partition, offset] : coarse ? [this.#partition] : []
    if (incomplete) parts.push(this.#partition, this.#beginsMs)
    const meter: Meter = {
      id: derivedId('usage', key, ...parts),
      key,
      kind,
      period,
      startMs,
      account,
      coarse,
      incomplete,
      figures: new Array<number>(figuresEach * usageOutcomes.length).fill(0),
      firstMs: Infinity,
      lastMs: -Infinity,
      version: 0,
      unchecked: 0,
      overflown: false,
      untold: false,
    }
    this.#take(meter)
    return meter
  }

  #take(meter: Meter): void {
    const { key, kind, account, coarse } = meter
    this.#open.set(key, meter)
    if (kind === 'total') {
      const endMs = endOf(meter)
      const ending = this.#totalsByEnd.get(endMs)
      if (ending === undefined) this.#totalsByEnd.set(endMs, new Set([meter]))
      else ending.add(meter)
    }
    if (coarse) this.#coarse++
    else this.#ofTenant.set(account.tenant, (this.#ofTenant.get(account.tenant) ?? 0) + 1)
    if (meter.untold) this.#untold.add(meter)
  }

  #count(meter: Meter, { outcomeAt, amounts }: Use, { timeMs, checked }: Moment): void {
    for (const [index, amount] of amounts.entries()) {
      const sum = meter.figures[outcomeAt + index]! + amount
      if (sum > Number.MAX_SAFE_INTEGER) meter.overflown = true
      meter.figures[outcomeAt + index] = Math.min(sum, Number.MAX_SAFE_INTEGER)
    }
    meter.firstMs = Math.min(meter.firstMs, timeMs)
    meter.lastMs = Math.max(meter.lastMs, timeMs)
    if (!checked) meter.unchecked++
    meter.untold = true
    this.#untold.add(meter)
    this.#changed.add(meter)
  }

  #told(meter: Meter, state: UsageRecord['state']): UsageRecord {
    meter.version++
    meter.untold = false
    this.#untold.delete(meter)
    this.#changed.add(meter)
    return recordOf(meter, state)
  }

  #close(meter: Meter): UsageRecord {
    const record = this.#told(meter, 'settled')
    const { key, id, account, coarse } = meter
    this.#open.delete(key)
    const ending = this.#totalsByEnd.get(endOf(meter))
    if (ending?.delete(meter) === true && ending.size === 0) this.#totalsByEnd.delete(endOf(meter))
    if (coarse) this.#coarse--
    else {
      const left = (this.#ofTenant.get(account.tenant) ?? 1) - 1
      if (left === 0) this.#ofTenant.delete(account.tenant)
      else this.#ofTenant.set(account.tenant, left)
    }
    this.#changed.delete(meter)
    this.#state.delete(prefix + id)
    return record
  }

  #settleState(): void {
    for (const meter of this.#changed) this.#state.set(prefix + meter.id, meter)
    this.#changed.clear()
  }
}

function endOf({ startMs, period }: Meter): number {
  return startMs + periodMs[period]
}

function sorted(meters: readonly Meter[]): Meter[] {
  return [...meters].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}

/** No two accounts are spelled the same way, whatever their parts hold. */
function keyOf({ tenant, principal, credentialId, licenseId, model, form }: Account): string {
  return [tenant, principal, credentialId, licenseId, model, form]
    .map((part) => (part === undefined ? '-' : `${part.length}:${part}`))
    .join('')
}

function recordOf(meter: Meter, state: UsageRecord['state']): UsageRecord {
  const { id, version, kind, period, startMs, account, coarse, incomplete, overflown, unchecked } = meter
  return {
    id,
    version,
    kind,
    period,
    start: iso(startMs),
    end: iso(startMs + periodMs[period]),
    state,
    ...account,
    success: figuresAt(meter.figures, 0),
    failure: figuresAt(meter.figures, 1),
    unknown: figuresAt(meter.figures, 2),
    firstAt: iso(meter.firstMs),
    lastAt: iso(meter.lastMs),
    ...(coarse ? { coarse } : {}),
    ...(incomplete ? { incomplete } : {}),
    ...(overflown ? { overflown } : {}),
    ...(unchecked > 0 ? { unchecked } : {}),
  }
}

function figuresAt(all: readonly number[], outcome: number): UsageFigures {
  const [calls = 0, inputTokens = 0, outputTokens = 0, bytes = 0, callsWithoutTokens = 0] = all.slice(
    outcome * figuresEach,
    (outcome + 1) * figuresEach,
  )
  return { calls, inputTokens, outputTokens, bytes, callsWithoutTokens }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
