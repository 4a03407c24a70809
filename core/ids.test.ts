import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalDigest, canonicalJson, credentialId, derivedId, isCredentialId } from './ids.ts'

describe('a derived id', () => {
  it('is the same for the same parts, and 32 hex digits long', () => {
    expect(derivedId('event', 'cloudtrail', 'e-1')).toBe(derivedId('event', 'cloudtrail', 'e-1'))
    expect(derivedId('event', 'cloudtrail', 'e-1')).toMatch(/^[0-9a-f]{32}$/)
  })

  it('differs for different lists of parts, wherever the text is cut and whatever stands in it', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b))
        expect(derivedId('x', ...a)).not.toBe(derivedId('x', ...b))
      }),
    )
    expect(derivedId('x', 'ab', 'c')).not.toBe(derivedId('x', 'a', 'bc'))
    expect(derivedId('x', 'a\u00001:b')).not.toBe(derivedId('x', 'a', 'b'))
  })
})

describe('a credential id', () => {
  it('depends on the key, tells nothing of the secret, and is known by its form', () => {
    const id = credentialId('sk-live-123', Buffer.from('key one'))
    expect(id).not.toBe(credentialId('sk-live-123', Buffer.from('key two')))
    expect(id).not.toContain('123')
    expect(isCredentialId(id)).toBe(true)
    expect(isCredentialId('hmac-xyz')).toBe(false)
  })
})

describe('canonical JSON', () => {
  it('does not depend on the order in which keys were set', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalDigest(reversed)).toBe(canonicalDigest(value))
      }),
    )
  })

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
