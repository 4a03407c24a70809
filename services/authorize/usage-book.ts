/**
 * What each license has used, as far as this copy has seen: requests within a minute, requests and tokens of the UTC day,
 * calls under way.
 *
 * In memory, one book per copy: n copies together let through at most n times a cap, and a copy that starts anew begins
 * with empty counters. Exact metering is drawn from events. Promises: within one copy no 60 s hold more requests than the
 * cap; a lease that nobody closes ends after its time to live; memory is bounded by licenses in use and `leasesMax`.
 */
import type { UsageReading } from './decide.ts'

/** The window moves by whole seconds; 61 of them cover any 60 s. */
const windowSeconds = 61
const dayMs = 86_400_000

export interface Lease {
  readonly id: string
  readonly licenseId: string
  readonly credentialId: string
  readonly expiresAtMs: number
  /** Tokens counted ahead, and the UTC day that they were counted for. */
  readonly tokens: number
  readonly day: number
}

interface LicenseUsage {
  readonly seconds: Uint32Array
  second: number
  minute: number
  day: number
  requests: number
  tokens: number
  leases: number
}

export interface UsageLimits {
  readonly leaseTtlMs: number
  readonly leasesMax: number
}

export class UsageBook {
  readonly #limits: UsageLimits
  readonly #licenses = new Map<string, LicenseUsage>()
  /** In the order in which they end: all live equally long. */
  readonly #leases = new Map<string, Lease>()
  /** Leases that were closed, until they would have ended: a report that is sent again counts once. */
  readonly #closed = new Map<string, number>()

  constructor(limits: UsageLimits) {
    this.#limits = limits
  }

  get leases(): number {
    return this.#leases.size
  }

  /** What has been counted for a license. */
  read(licenseId: string | undefined, nowMs: number): UsageReading {
    this.expire(nowMs)
    const usage = licenseId === undefined ? undefined : this.#licenses.get(licenseId)
    if (usage !== undefined) advance(usage, nowMs)
    return {
      second: usage?.seconds[usage.second % windowSeconds] ?? 0,
      secondUntilMs: ((usage?.second ?? Math.floor(nowMs / 1_000)) + 1) * 1_000,
      minute: usage?.minute ?? 0,
      get minuteUntilMs() {
        return usage === undefined ? nowMs : oldestLeavesMs(usage)
      },
      day: usage?.requests ?? 0,
      tokens: usage?.tokens ?? 0,
      dayUntilMs: (dayOf(nowMs) + 1) * dayMs,
      concurrent: usage?.leases ?? 0,
      concurrentUntilMs: this.#leases.values().next().value?.expiresAtMs ?? nowMs,
      leasable: this.#leases.size < this.#limits.leasesMax,
    }
  }

  /** Counts an admitted call. */
  admit(licenseId: string, tokens: number, nowMs: number): void {
    const usage = this.#usageOf(licenseId, nowMs)
    usage.seconds[usage.second % windowSeconds]! += 1
    usage.minute++
    usage.requests++
    usage.tokens += tokens
  }

  /** Keeps an admitted call as under way; `undefined` where there is no room: what was counted ahead then stays counted. */
  lease(
    id: string,
    call: { readonly licenseId: string; readonly credentialId: string; readonly tokens: number },
    nowMs: number,
  ): Lease | undefined {
    if (this.#leases.size >= this.#limits.leasesMax) return undefined
    const lease: Lease = { id, ...call, expiresAtMs: nowMs + this.#limits.leaseTtlMs, day: dayOf(nowMs) }
    this.#leases.set(id, lease)
    this.#usageOf(call.licenseId, nowMs).leases++
    return lease
  }

  find(id: string): Lease | 'closed' | undefined {
    return this.#leases.get(id) ?? (this.#closed.has(id) ? 'closed' : undefined)
  }

  /** Ends a lease: what it used takes the place of what was counted ahead. */
  close(lease: Lease, tokens: number, nowMs: number): void {
    if (!this.#leases.delete(lease.id)) return
    this.#closed.set(lease.id, lease.expiresAtMs)
    if (this.#closed.size > this.#limits.leasesMax) this.#closed.delete(this.#closed.keys().next().value!)
    const usage = this.#usageOf(lease.licenseId, nowMs)
    usage.leases = Math.max(0, usage.leases - 1)
    usage.tokens = Math.max(0, usage.tokens + tokens - (lease.day === usage.day ? lease.tokens : 0))
  }

  /** Counts tokens of a call without a lease here. */
  addTokens(licenseId: string, tokens: number, nowMs: number): void {
    this.#usageOf(licenseId, nowMs).tokens += tokens
  }

  /** Ends the leases whose time is over. Their tokens stay counted: the call was let through. */
  expire(nowMs: number): void {
    for (const lease of this.#leases.values()) {
      if (lease.expiresAtMs > nowMs) break
      this.#leases.delete(lease.id)
      const usage = this.#licenses.get(lease.licenseId)
      if (usage !== undefined) usage.leases = Math.max(0, usage.leases - 1)
    }
    for (const [id, untilMs] of this.#closed) {
      if (untilMs > nowMs) break
      this.#closed.delete(id)
    }
  }

  /** Forgets licenses that have nothing counted any more. */
  prune(nowMs: number): void {
    this.expire(nowMs)
    for (const [id, usage] of this.#licenses) {
      advance(usage, nowMs)
      if (usage.minute === 0 && usage.requests === 0 && usage.tokens === 0 && usage.leases === 0)
        this.#licenses.delete(id)
    }
  }

  #usageOf(licenseId: string, nowMs: number): LicenseUsage {
    let usage = this.#licenses.get(licenseId)
    if (usage === undefined) {
      usage = {
        seconds: new Uint32Array(windowSeconds),
        second: Math.floor(nowMs / 1_000),
        minute: 0,
        day: dayOf(nowMs),
        requests: 0,
        tokens: 0,
        leases: 0,
      }
      this.#licenses.set(licenseId, usage)
    }
    advance(usage, nowMs)
    return usage
  }
}

function dayOf(ms: number): number {
  return Math.floor(ms / dayMs)
}

/** Lets what has become old fall out. A clock that is set back moves nothing back. */
function advance(usage: LicenseUsage, nowMs: number): void {
  const second = Math.floor(nowMs / 1_000)
  const steps = Math.min(second - usage.second, windowSeconds)
  for (let step = 1; step <= steps; step++) {
    const at = (usage.second + step) % windowSeconds
    usage.minute -= usage.seconds[at]!
    usage.seconds[at] = 0
  }
  if (second > usage.second) usage.second = second
  const day = dayOf(nowMs)
  if (day > usage.day) {
    usage.day = day
    usage.requests = 0
    usage.tokens = 0
  }
}

/** When the oldest requests of the window leave it. */
function oldestLeavesMs(usage: LicenseUsage): number {
  for (let back = windowSeconds - 1; back >= 0; back--) {
    if (usage.seconds[(usage.second - back) % windowSeconds]! > 0) return (usage.second - back + windowSeconds) * 1_000
  }
  return usage.second * 1_000
}
