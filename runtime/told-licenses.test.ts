import { describe, expect, it } from 'vitest'
import type { LicenseRecord } from '../core/license.ts'
import { MemoryState } from './stage/memory-state.ts'
import { ToldLicenses } from './told-licenses.ts'

const updatedAt = '2026-03-01T00:00:00.000Z'
const license = (version: number, models: string[]): LicenseRecord => ({
  ...{ kind: 'license', version, updatedAt },
  license: { id: 'l', tenant: 'acme', models, form: 'api', tier: 'standard' },
})
const credential = (version: number, licenseId?: string): LicenseRecord => ({
  ...{ kind: 'credential', version, updatedAt, state: 'active' },
  credential: {
    id: 'hmac-a',
    tenant: 'acme',
    principal: 'acme/bob',
    ...(licenseId === undefined ? {} : { licenseId }),
  },
})

describe('licenses told in a log', () => {
  it('stand as the newest version says, also where all are told again, and after a restart', () => {
    const state = new MemoryState()
    const told = new ToldLicenses(state, 'all')
    expect(told.take(license(5, ['new']))).toBe('news')
    expect(told.take(license(4, ['old']))).toBe('stale')
    expect(told.take(license(5, ['again']))).toBe('stale')
    expect(told.take(credential(2, 'l'))).toBe('news')
    expect(told.take(credential(3))).toBe('news')
    expect(told.take(credential(2, 'l'))).toBe('stale')
    const back = new MemoryState()
    for (const [key, json] of state.takeChanges()) back.restore(key, JSON.parse(json!))
    for (const each of [told, new ToldLicenses(back, 'all')]) {
      expect(each.license('l')?.models).toEqual(['new'])
      expect(each.licenseOf('hmac-a')).toBeUndefined()
      expect(each.licenses()).toHaveLength(1)
    }
  })

  it('say from when on a credential is off, also where an earlier version has kept it without that', () => {
    const off = { ...credential(2), state: 'revoked' } as const
    const state = new MemoryState()
    state.set('told-credential/hmac-a', { version: 2 })
    const told = new ToldLicenses(state, 'all')
    expect(told.endOf('hmac-a')).toBeUndefined()
    expect(told.take(off)).toBe('news')
    expect(told.take(off)).toBe('stale')
    expect(told.endOf('hmac-a')).toEqual({
      tenant: 'acme',
      off: { state: 'revoked', sinceMs: Date.parse(updatedAt) },
    })
    expect(told.take(credential(1))).toBe('stale')
    told.take(credential(3))
    expect(told.endOf('hmac-a')).toBeUndefined()
  })

  it('say since when a credential is whose it is, also where an earlier version has kept it without that', () => {
    const state = new MemoryState()
    state.set('told-credential/hmac-a', { version: 2 })
    const told = new ToldLicenses(state, 'credentials')
    expect(told.ownedSinceMs('hmac-a')).toBe(-Infinity)
    expect(told.take(credential(2))).toBe('news')
    expect(told.take(credential(2))).toBe('stale')
    expect(told.ownedSinceMs('hmac-a')).toBe(Date.parse(updatedAt))
    const all = new ToldLicenses(new MemoryState(), 'all')
    all.take(credential(2))
    expect(all.ownedSinceMs('hmac-a')).toBe(-Infinity)
  })

  it('are not kept by who has no use for more than credentials', () => {
    const told = new ToldLicenses(new MemoryState(), 'credentials')
    told.take(license(1, ['m']))
    told.take(credential(1, 'l'))
    expect(told.license('l')).toBeUndefined()
    expect(told.licenseOf('hmac-a')).toBe('l')
  })
})
