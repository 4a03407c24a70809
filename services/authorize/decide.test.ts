import { describe, expect, it } from 'vitest'
import type { License, LicenseRecord } from '../../core/license.ts'
import { decide, type Call, type UsageReading } from './decide.ts'
import type { KnownLicense, Standing } from './known.ts'
import { LicenseMap } from './license-map.ts'

const now = Date.parse('2026-05-01T12:00:00Z')

function known(more: Partial<License> = {}): KnownLicense {
  const map = new LicenseMap()
  const license: License = {
    id: 'l',
    tenant: 'acme',
    models: ['llm-*', 'embed'],
    form: 'api',
    tier: 'standard',
    ...more,
  }
  const record: LicenseRecord = { kind: 'license', version: 1, updatedAt: '2026-05-01T00:00:00Z', license }
  map.apply(record)
  return map.license('l')!
}
const standing = (more: Partial<Standing> = {}): Standing => ({
  state: 'active',
  tenant: 'acme',
  expiresAtMs: undefined,
  ...more,
})
const idle: UsageReading = {
  second: 0,
  secondUntilMs: now + 300,
  minute: 0,
  minuteUntilMs: now,
  day: 0,
  tokens: 0,
  dayUntilMs: now + 1_000,
  concurrent: 0,
  concurrentUntilMs: now,
  leasable: true,
}
const call: Call = { model: 'llm-7b', address: '203.0.113.9', country: 'de' }
const ask = (of: {
  standing?: Standing | undefined
  license?: KnownLicense | undefined
  call?: Call
  usage?: Partial<UsageReading>
}) =>
  decide(
    of.call ?? call,
    'standing' in of ? of.standing : standing(),
    'license' in of ? of.license : known(),
    { ...idle, ...of.usage },
    now,
  )

describe('the decision', () => {
  it('allows what credential and license cover', () => {
    expect(ask({})).toEqual({
      decision: 'allow',
      code: 'OK',
      message: expect.any(String),
      obligations: [],
      leased: false,
    })
  })

  it('denies by the credential first', () => {
    expect(ask({ standing: undefined }).code).toBe('CREDENTIAL_UNKNOWN')
    expect(ask({ standing: standing({ state: 'revoked' }), license: undefined }).code).toBe('CREDENTIAL_REVOKED')
    expect(ask({ standing: standing({ state: 'suspended' }) }).code).toBe('CREDENTIAL_SUSPENDED')
    expect(ask({ standing: standing({ expiresAtMs: now }) }).code).toBe('CREDENTIAL_EXPIRED')
    expect(ask({ standing: standing({ expiresAtMs: now + 1 }) }).code).toBe('OK')
  })

  it('denies where no license stands behind it, or another tenant’s', () => {
    expect(ask({ license: undefined }).code).toBe('LICENSE_MISSING')
    expect(ask({ license: known({ tenant: 'globex' }) }).code).toBe('LICENSE_MISSING')
  })

  it('holds the license to its time, its end excluded', () => {
    const at = (ms: number) => new Date(now + ms).toISOString()
    expect(ask({ license: known({ validFrom: at(1) }) }).code).toBe('LICENSE_NOT_YET_VALID')
    expect(ask({ license: known({ validFrom: at(0) }) }).code).toBe('OK')
    expect(ask({ license: known({ validUntil: at(0) }) }).code).toBe('LICENSE_EXPIRED')
    expect(ask({ license: known({ validUntil: at(1) }) }).code).toBe('OK')
  })

  it('covers models by name or by beginning, and a call that names none only where all are covered', () => {
    for (const model of ['llm-', 'llm-70b', 'embed']) expect(ask({ call: { model } }).code).toBe('OK')
    for (const model of ['embed2', 'LLM-7b', 'xllm-7b', undefined])
      expect(ask({ call: { model } }).code).toBe('MODEL_NOT_LICENSED')
    expect(ask({ call: {}, license: known({ models: ['*'] }) }).code).toBe('OK')
  })

  it('does not take a license of the weights for one of the API', () => {
    expect(ask({ license: known({ form: 'weights' }) }).code).toBe('MODEL_NOT_LICENSED')
    expect(ask({ call: { ...call, operation: 'weights.read' } }).code).toBe('MODEL_NOT_LICENSED')
    expect(ask({ call: { ...call, operation: 'weights.read' }, license: known({ form: 'weights' }) }).code).toBe('OK')
    expect(
      ask({ call: { ...call, operation: 'training-data.read' }, license: known({ form: 'training-data' }) }).code,
    ).toBe('OK')
  })

  it('keeps to addresses and countries, and denies where the call does not tell them', () => {
    const here = known({ addresses: ['203.0.113.0/24', '2001:db8::/32'] })
    for (const address of ['203.0.113.9', '::ffff:203.0.113.9', '::ffff:cb00:7109', '2001:db8:1::1']) {
      expect(ask({ license: here, call: { ...call, address } }).code).toBe('OK')
    }
    for (const address of ['203.0.114.9', '0313.0.113.9', '203.0.28937', 'localhost', '', undefined, '203.0.113.9 ']) {
      expect(ask({ license: here, call: { ...call, address } }).code).toBe('ADDRESS_NOT_ALLOWED')
    }
    expect(ask({ license: known({ addresses: ['::ffff:203.0.113.0/120'] }) }).code).toBe('OK')
    expect(ask({ license: known({ addresses: ['everywhere', '0.0.0.0/-1', '203.0.113.0/x'] }) }).code).toBe(
      'ADDRESS_NOT_ALLOWED',
    )
    const german = known({ countries: ['DE'] })
    expect(ask({ license: german }).code).toBe('OK')
    for (const country of ['FR', undefined])
      expect(ask({ license: german, call: { ...call, country } }).code).toBe('COUNTRY_NOT_ALLOWED')
  })

  it('throttles at each cap, and says when to come again', () => {
    const full: readonly [Partial<License>, Partial<UsageReading>, string, number][] = [
      [{ requestsPerSecondMax: 2 }, { second: 2 }, 'RATE_EXCEEDED', 300],
      [{ requestsPerMinuteMax: 5 }, { minute: 5, minuteUntilMs: now + 700 }, 'RATE_EXCEEDED', 700],
      [{ requestsPerDayMax: 5 }, { day: 5 }, 'DAILY_CAP_EXCEEDED', 1_000],
      [{ tokensPerDayMax: 100 }, { tokens: 100 }, 'TOKENS_EXCEEDED', 1_000],
      [{ concurrencyMax: 2 }, { concurrent: 2, concurrentUntilMs: now + 50 }, 'CONCURRENCY_EXCEEDED', 50],
      [{ concurrencyMax: 2 }, { leasable: false }, 'CONCURRENCY_EXCEEDED', 1_000],
    ]
    for (const [license, usage, code, retryAfterMs] of full) {
      expect(ask({ license: known(license), usage })).toMatchObject({ decision: 'throttle', code, retryAfterMs })
      const room = { ...usage, second: 1, minute: 4, day: 4, tokens: 99, concurrent: 1, leasable: true }
      expect(ask({ license: known(license), usage: room }).code).toBe('OK')
    }
  })

  it('holds an estimate of tokens against what is left', () => {
    const license = known({ tokensPerDayMax: 100 })
    expect(ask({ license, usage: { tokens: 60 }, call: { ...call, tokens: 40 } }).code).toBe('OK')
    expect(ask({ license, usage: { tokens: 60 }, call: { ...call, tokens: 41 } }).code).toBe('TOKENS_EXCEEDED')
  })

  it('asks for a report where a lease or a count depends on it, and to observe the watched', () => {
    expect(ask({ license: known({ concurrencyMax: 1 }) })).toMatchObject({
      leased: true,
      obligations: ['report-usage'],
    })
    expect(ask({ license: known({ tier: 'watched', tokensPerDayMax: 9 }) }).obligations).toEqual([
      'report-usage',
      'observe',
    ])
    expect(ask({ license: known({ tier: 'watched' }) })).toMatchObject({ leased: false, obligations: ['observe'] })
  })
})
