import { describe, expect, it } from 'vitest'
import { credentialId, sha256Hex } from '../../core/ids.ts'
import type { Credential, CredentialState, LicenseRecord } from '../../core/license.ts'
import { LicenseMap } from './license-map.ts'

const key = new Uint8Array(32).fill(3)
const at = '2026-05-01T00:00:00Z'
const record = (
  id: string,
  version: number,
  state: CredentialState,
  more: Partial<Credential> = {},
): LicenseRecord => ({
  kind: 'credential',
  version,
  updatedAt: at,
  credential: { id, tenant: 'acme', principal: 'acme/bob', ...more },
  state,
})

describe('the map of licenses', () => {
  it('takes no older record for news: a late writer does not bring a revoked credential back', () => {
    const map = new LicenseMap()
    expect(map.apply(record('c', 7, 'revoked'))).toBe(true)
    expect(map.apply(record('c', 6, 'active'))).toBe(false)
    expect(map.apply(record('c', 7, 'active'))).toBe(false)
    expect(map.credential('c')?.state).toBe('revoked')
    const license = { id: 'l', tenant: 'acme', models: ['*'], form: 'api', tier: 'standard' } as const
    expect(map.apply({ kind: 'license', version: 2, updatedAt: at, license: { ...license, models: ['a'] } })).toBe(true)
    expect(map.apply({ kind: 'license', version: 1, updatedAt: at, license: { ...license, models: ['*'] } })).toBe(
      false,
    )
    expect(map.license('l')?.covers('b')).toBe(false)
  })

  it('knows no credential any more after its tombstone', () => {
    const map = new LicenseMap()
    map.apply(record('a/b', 1, 'active'))
    map.remove('credential/a/b')
    map.remove('credential/never')
    expect(map.credential('a/b')).toBeUndefined()
    expect(map.ofPrincipal('acme/bob')).toEqual([])
  })

  it('follows a credential that moves to another principal', () => {
    const map = new LicenseMap()
    map.apply(record('c', 1, 'active'))
    map.apply(record('c', 2, 'active', { principal: 'acme/eve' }))
    expect(map.ofPrincipal('acme/bob')).toEqual([])
    expect(map.ofPrincipal('acme/eve').map(({ id }) => id)).toEqual(['c'])
  })

  it('finds the credential that a principal is named after', () => {
    const map = new LicenseMap()
    const id = credentialId('bare', key)
    map.apply(record(id, 1, 'revoked', { principal: '' }))
    expect(map.ofPrincipal(`acme/${id}`).map((known) => known.state)).toEqual(['revoked'])
  })

  it('refuses a key whose SHA-256 a gateway logged and had revoked', () => {
    const secret = 'sk-litellm-0123456789'
    const raw = credentialId(secret, key)
    const hashed = credentialId(sha256Hex(secret), key)
    const map = new LicenseMap()
    expect(map.bySecret(secret, key)).toBeUndefined()
    map.apply(record(raw, 1, 'active', { licenseId: 'l' }))
    map.apply(record(hashed, 2, 'revoked', { principal: '' }))
    expect(map.bySecret(secret, key)).toMatchObject({ id: raw, state: 'revoked', licenseId: 'l' })
    // Registered under the hash, as a gateway's own export has it.
    const other = new LicenseMap()
    other.apply(record(hashed, 1, 'active', { licenseId: 'l' }))
    expect(other.bySecret(secret, key)).toMatchObject({ id: hashed, state: 'active' })
    other.apply(record(raw, 2, 'suspended', { principal: '' }))
    expect(other.bySecret(secret, key)).toMatchObject({ id: hashed, state: 'suspended' })
  })
})
