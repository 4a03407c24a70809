import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../core/content.ts'
import type { Event } from '../../core/event.ts'
import { derivedId, sha256Hex } from '../../core/ids.ts'
import type { Credential, License, LicenseRecord } from '../../core/license.ts'
import { DetectInProcess } from './in-process.ts'

const name = 'licenses/license-breached.yml'
const rules: ContentFile[] = [
  { path: name, text: readFileSync(path.resolve(import.meta.dirname, '../../rules', name), 'utf8') },
]
const startMs = Date.parse('2026-03-02T09:00:00.000Z')
let version = 0

const updatedAt = '2026-03-01T00:00:00.000Z'
const granted = (id: string, terms: Partial<License>): LicenseRecord => ({
  ...{ kind: 'license', version: ++version, updatedAt },
  license: { id, tenant: 'acme', models: ['llm-7b'], form: 'api', tier: 'standard', ...terms },
})
const pointing = (credential: string, licenseId: string): LicenseRecord => ({
  ...{ kind: 'credential', version: ++version, updatedAt, state: 'active' },
  credential: { id: credential, tenant: 'acme', principal: 'acme/bob', licenseId },
})

const standing = (
  id: string,
  state: 'active' | 'suspended' | 'revoked',
  sinceMs: number,
  more: Partial<Credential> = {},
): LicenseRecord => ({
  ...{ kind: 'credential', version: ++version, updatedAt: new Date(sinceMs).toISOString(), state },
  credential: { id, tenant: 'acme', principal: 'acme/bob', ...more },
})

class Traffic {
  readonly detect: DetectInProcess
  #number = 0

  constructor(inventory: readonly object[] = []) {
    const files = [{ path: 'licenses.json', text: JSON.stringify({ licenses: inventory }) }]
    this.detect = new DetectInProcess(rules, { inventory: files, tasks: 3 })
  }

  call(model: string, credential: string | undefined, user = 'bob', tenant = 'acme', atMs?: number): void {
    const number = this.#number++
    const at = new Date(atMs ?? startMs + number * 60_000).toISOString()
    const id = derivedId('event', number)
    const event: Event = {
      '@timestamp': at,
      event: {
        id,
        kind: 'event',
        action: 'inference',
        outcome: 'success',
        dataset: 'g',
        created: at,
        hash: sha256Hex(id),
      },
      organization: { id: tenant },
      user: { name: user },
      warden: {
        principal: `${tenant}/${user}`,
        logsource: {},
        position: { topic: 'inference.events', partition: 0, offset: number, index: 0 },
        model: { id: model },
        ...(credential === undefined ? {} : { credential: { id: credential } }),
      },
    }
    this.detect.event(event, startMs)
  }

  /** What was found, as kind of breach and license. */
  get found(): string[] {
    return this.detect.signals
      .filter((each) => each.version === 1)
      .map(({ facts }) => `${facts['breach']} ${facts['license'] ?? 'none'}`)
  }
}

describe('a license that changes while things run', () => {
  test('judges calls from its place in the log on, and none before', () => {
    const traffic = new Traffic()
    traffic.call('llm-70b', 'hmac-a')
    traffic.detect.licenses(granted('acme-api', {}), pointing('hmac-a', 'acme-api'))
    expect(traffic.found).toEqual([])
    traffic.call('llm-7b', 'hmac-a')
    expect(traffic.found).toEqual([])
    traffic.call('llm-70b', 'hmac-a')
    expect(traffic.found).toEqual(['model acme-api'])
  })

  test('narrowed makes what was allowed a breach; extended, what was a breach is allowed', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(granted('acme-api', { models: ['*'] }), pointing('hmac-a', 'acme-api'))
    traffic.call('llm-70b', 'hmac-a')
    traffic.detect.licenses(granted('acme-api', { models: ['llm-7b'] }))
    traffic.call('llm-70b', 'hmac-a')
    expect(traffic.found).toEqual(['model acme-api'])
    traffic.detect.licenses(granted('acme-api', { models: ['*'], validUntil: '2026-03-02T09:04:00.000Z' }))
    traffic.call('llm-70b', 'hmac-a')
    traffic.call('llm-70b', 'hmac-a')
    expect(traffic.found).toEqual(['model acme-api'])
    traffic.call('llm-70b', 'hmac-a')
    expect(traffic.found).toEqual(['model acme-api', 'expired acme-api'])
  })

  test('holds after a restart as before', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(granted('acme-api', {}), pointing('hmac-a', 'acme-api'))
    traffic.detect.restart()
    traffic.call('llm-70b', 'hmac-a')
    expect(traffic.found).toEqual(['model acme-api'])
  })

  test('is the one that the credential points to, not any that its tenant has', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(
      granted('small', { models: ['llm-7b'], requestsPerDayMax: 2 }),
      granted('large', { models: ['llm-7b', 'llm-70b'] }),
      pointing('hmac-a', 'small'),
      pointing('hmac-b', 'large'),
    )
    for (let n = 0; n < 5; n++) traffic.call('llm-7b', 'hmac-b')
    traffic.call('llm-70b', 'hmac-b')
    expect(traffic.found).toEqual([])
    traffic.call('llm-7b', 'hmac-a')
    traffic.call('llm-7b', 'hmac-a', 'ana')
    expect(traffic.found).toEqual([])
    traffic.call('llm-7b', 'hmac-a')
    traffic.call('llm-70b', 'hmac-a')
    expect(traffic.found.sort()).toEqual(['model small', 'requests-day small'])
  })

  test('replaces the terms that the inventory has under its name, for whoever they are registered for', () => {
    const registered = {
      id: 'acme-api',
      tenant: 'acme',
      principal: 'acme/ana',
      models: ['llm-7b', 'llm-70b'],
      form: 'api',
    }
    const traffic = new Traffic([registered])
    traffic.call('llm-70b', undefined, 'ana')
    traffic.detect.licenses(granted('acme-api', { models: ['llm-7b'] }))
    traffic.call('llm-70b', undefined, 'ana')
    expect(traffic.found).toEqual(['model acme-api'])
  })

  test('judges nobody without a credential of its own, and no other tenant’s events', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(granted('acme-api', {}), pointing('hmac-a', 'acme-api'))
    traffic.call('llm-70b', undefined)
    traffic.call('llm-70b', 'hmac-unknown')
    traffic.call('llm-70b', 'hmac-a', 'bob', 'globex')
    expect(traffic.found).toEqual([])
  })
})

describe('a credential that is no good any more', () => {
  const offMs = startMs + 10_000
  const call = (traffic: Traffic, credential: string, atMs: number, tenant = 'acme'): void =>
    traffic.call('llm-7b', credential, 'bob', tenant, atMs)

  test('is told with its first use after it was switched off, license or none, and not told with one from before', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(granted('acme-api', {}), pointing('hmac-a', 'acme-api'))
    call(traffic, 'hmac-a', offMs - 2)
    traffic.detect.licenses(standing('hmac-a', 'revoked', offMs, { licenseId: 'acme-api' }))
    traffic.detect.licenses(standing('hmac-b', 'suspended', offMs))
    call(traffic, 'hmac-a', offMs - 1)
    call(traffic, 'hmac-a', offMs + 2_000)
    call(traffic, 'hmac-b', offMs - 1)
    expect(traffic.found).toEqual([])
    call(traffic, 'hmac-a', offMs + 2_001)
    expect(traffic.found).toEqual(['revoked acme-api'])
    call(traffic, 'hmac-b', offMs + 2_001)
    expect(traffic.found).toEqual(['revoked acme-api', 'suspended none'])
    expect(traffic.detect.signals.at(-1)?.explanation).toContain('the credential hmac-b was suspended at')
  })

  test('is told after a restart as before, and not after it was reinstated', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(standing('hmac-a', 'suspended', offMs), standing('hmac-b', 'revoked', offMs))
    traffic.detect.restart()
    traffic.detect.licenses(standing('hmac-a', 'active', offMs + 60_000))
    call(traffic, 'hmac-a', offMs + 61_000)
    expect(traffic.found).toEqual([])
    call(traffic, 'hmac-b', offMs + 61_000)
    expect(traffic.found).toEqual(['revoked none'])
  })

  test('stays off since the first time, however often it is told again', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(standing('hmac-a', 'suspended', offMs))
    traffic.detect.licenses(standing('hmac-a', 'revoked', offMs + 3_600_000, { label: 'bob' }))
    call(traffic, 'hmac-a', offMs + 60_000)
    expect(traffic.found).toEqual(['revoked none'])
  })

  test('has run out at the very moment that it was given until', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(standing('hmac-a', 'active', startMs, { expiresAt: new Date(offMs).toISOString() }))
    call(traffic, 'hmac-a', offMs - 1)
    expect(traffic.found).toEqual([])
    call(traffic, 'hmac-a', offMs)
    expect(traffic.found).toEqual(['credential-expired none'])
  })

  test('of another tenant is no matter of ours; what nobody has registered and the operator has switched off is anybody’s', () => {
    const traffic = new Traffic()
    traffic.detect.licenses(standing('hmac-a', 'revoked', offMs))
    call(traffic, 'hmac-a', offMs + 60_000, 'globex')
    expect(traffic.found).toEqual([])
    traffic.detect.licenses(standing('hmac-b', 'revoked', offMs, { tenant: 'operator', principal: '' }))
    call(traffic, 'hmac-b', offMs + 60_000, 'globex')
    expect(traffic.found).toEqual(['revoked none'])
  })
})
