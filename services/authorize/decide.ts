/**
 * The decision: may this call pass?
 *
 * Pure: what is known of credential and license, the counters and the time come in, a verdict goes out. Promises: what is
 * wrong is told in a fixed order (the credential, its license, the model, from where, how much), so that the same call
 * gets the same code everywhere; what is not known is denied.
 */
import { inBlocks } from '../../core/addresses.ts'
import type { KnownLicense, Standing } from './known.ts'

export const codes = [
  'OK',
  'CREDENTIAL_UNKNOWN',
  'CREDENTIAL_REVOKED',
  'CREDENTIAL_SUSPENDED',
  'CREDENTIAL_EXPIRED',
  'LICENSE_MISSING',
  'LICENSE_NOT_YET_VALID',
  'LICENSE_EXPIRED',
  'MODEL_NOT_LICENSED',
  'ADDRESS_NOT_ALLOWED',
  'COUNTRY_NOT_ALLOWED',
  'RATE_EXCEEDED',
  'DAILY_CAP_EXCEEDED',
  'TOKENS_EXCEEDED',
  'CONCURRENCY_EXCEEDED',
] as const
export type Code = (typeof codes)[number]

/** What the gateway must do with a call that it lets through. */
export const obligationNames = [
  /** Tell /v1/usage when the call has ended: until then it counts as under way. */
  'report-usage',
  /** The license is watched: the call must appear in the inference events in full. */
  'observe',
] as const
export type Obligation = (typeof obligationNames)[number]

/** What is asked about. */
export interface Call {
  readonly model?: string | undefined
  /** `weights.…` and `training-data.…` need a license of that form; all else one of the API. */
  readonly operation?: string | undefined
  readonly address?: string | undefined
  readonly country?: string | undefined
  /** Estimate of input and output tokens together. */
  readonly tokens?: number | undefined
}

/** What has been counted for the license. Times: until when it is as it is, ms since 1970. */
export interface UsageReading {
  /** Requests within the second of the clock that it is. */
  readonly second: number
  readonly secondUntilMs: number
  /** Requests within the last minute. */
  readonly minute: number
  readonly minuteUntilMs: number
  /** Requests and tokens of the UTC day. */
  readonly day: number
  readonly tokens: number
  readonly dayUntilMs: number
  /** Calls under way. */
  readonly concurrent: number
  readonly concurrentUntilMs: number
  /** Whether a lease can be kept for one more call. */
  readonly leasable: boolean
}

export interface Verdict {
  readonly decision: 'allow' | 'deny' | 'throttle'
  readonly code: Code
  readonly message: string
  readonly obligations: readonly Obligation[]
  readonly retryAfterMs?: number
  /** Whether the call is to be kept as under way until its usage is told. */
  readonly leased: boolean
}

/** Room in a full table of leases, or an end nobody can foresee, is asked for again after this. */
const retryMs = 1_000

export function decide(
  call: Call,
  standing: Standing | undefined,
  license: KnownLicense | undefined,
  usage: UsageReading,
  nowMs: number,
): Verdict {
  if (standing === undefined) return deny('CREDENTIAL_UNKNOWN', 'This credential is not known.')
  if (standing.state === 'revoked') return deny('CREDENTIAL_REVOKED', 'This credential is revoked.')
  if (standing.state !== 'active') return deny('CREDENTIAL_SUSPENDED', 'This credential is suspended.')
  if (standing.expiresAtMs !== undefined && nowMs >= standing.expiresAtMs) {
    return deny('CREDENTIAL_EXPIRED', 'This credential has expired.')
  }
  if (license === undefined || license.tenant !== standing.tenant) {
    return deny('LICENSE_MISSING', 'No license stands behind this credential.')
  }
  return judgeLicense(call, license, nowMs) ?? judgeUsage(call, license, usage, nowMs) ?? allow(license)
}

/** Whether the license covers the call at all. */
function judgeLicense(call: Call, license: KnownLicense, nowMs: number): Verdict | undefined {
  if (license.validFromMs !== undefined && nowMs < license.validFromMs) {
    return deny('LICENSE_NOT_YET_VALID', 'The license is not valid yet.')
  }
  if (license.validUntilMs !== undefined && nowMs >= license.validUntilMs) {
    return deny('LICENSE_EXPIRED', 'The license has expired.')
  }
  if (formOf(call.operation) !== license.form) {
    return deny('MODEL_NOT_LICENSED', 'The license does not cover this form of use.')
  }
  if (!license.covers(call.model)) return deny('MODEL_NOT_LICENSED', 'The license does not cover this model.')
  if (license.blocks !== undefined && !inBlocks(license.blocks, call.address)) {
    return deny('ADDRESS_NOT_ALLOWED', 'The license does not allow calls from this address.')
  }
  if (license.countries !== undefined && !license.countries.has((call.country ?? '').toUpperCase())) {
    return deny('COUNTRY_NOT_ALLOWED', 'The license does not allow calls from this country.')
  }
  return undefined
}

/** Whether there is room for the call. */
function judgeUsage(call: Call, license: KnownLicense, usage: UsageReading, nowMs: number): Verdict | undefined {
  const { requestsPerSecondMax, requestsPerMinuteMax, requestsPerDayMax, tokensPerDayMax, concurrencyMax } = license
  if (requestsPerSecondMax !== undefined && usage.second >= requestsPerSecondMax) {
    const message = `At most ${requestsPerSecondMax} requests in a second.`
    return throttle('RATE_EXCEEDED', message, usage.secondUntilMs - nowMs)
  }
  if (requestsPerMinuteMax !== undefined && usage.minute >= requestsPerMinuteMax) {
    return throttle(
      'RATE_EXCEEDED',
      `At most ${requestsPerMinuteMax} requests in a minute.`,
      usage.minuteUntilMs - nowMs,
    )
  }
  if (requestsPerDayMax !== undefined && usage.day >= requestsPerDayMax) {
    return throttle(
      'DAILY_CAP_EXCEEDED',
      `At most ${requestsPerDayMax} requests in a day (UTC).`,
      usage.dayUntilMs - nowMs,
    )
  }
  // Without an estimate a call needs room for one token.
  if (tokensPerDayMax !== undefined && usage.tokens + Math.max(1, call.tokens ?? 1) > tokensPerDayMax) {
    return throttle('TOKENS_EXCEEDED', `At most ${tokensPerDayMax} tokens in a day (UTC).`, usage.dayUntilMs - nowMs)
  }
  if (concurrencyMax !== undefined && usage.concurrent >= concurrencyMax) {
    const untilMs = Math.min(usage.concurrentUntilMs - nowMs, retryMs)
    return throttle('CONCURRENCY_EXCEEDED', `At most ${concurrencyMax} calls at a time.`, untilMs)
  }
  if (concurrencyMax !== undefined && !usage.leasable) {
    return throttle('CONCURRENCY_EXCEEDED', 'Too many calls are under way here.', retryMs)
  }
  return undefined
}

function allow(license: KnownLicense): Verdict {
  const leased = license.concurrencyMax !== undefined || license.tokensPerDayMax !== undefined
  const obligations: Obligation[] = []
  if (leased) obligations.push('report-usage')
  if (license.tier === 'watched') obligations.push('observe')
  return { decision: 'allow', code: 'OK', message: 'The license covers this call.', obligations, leased }
}

function formOf(operation: string | undefined): KnownLicense['form'] {
  if (operation?.startsWith('weights.') === true) return 'weights'
  return operation?.startsWith('training-data.') === true ? 'training-data' : 'api'
}

function deny(code: Code, message: string): Verdict {
  return { decision: 'deny', code, message, obligations: [], leased: false }
}

function throttle(code: Code, message: string, retryAfterMs: number): Verdict {
  return {
    decision: 'throttle',
    code,
    message,
    obligations: [],
    leased: false,
    retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)),
  }
}
