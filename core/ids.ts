/**
 * Derived ids: the same happening always gets the same id, whoever computes it and however often.
 *
 * Pure. An id is the first 128 bits of a SHA-256 over length-prefixed parts, as 32 hex digits: no two different
 * lists of parts can be spelled the same way.
 */
import { createHash, createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

/** SHA-256 of bytes or UTF-8 text, as 64 hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/** The id that belongs to this list of parts: 32 hex digits. `kind` keeps the kinds of ids apart. */
export function derivedId(kind: string, ...parts: readonly (string | number)[]): string {
  let spelled = kind
  for (const part of parts) {
    const text = String(part)
    spelled += `\u0000${text.length}:${text}`
  }
  return hash('sha256', spelled, 'hex').slice(0, 32)
}

/** Prepared once for each key: that is most of the cost of a digest (2 µs in place of 15). */
const preparedKeys = new WeakMap<Uint8Array, KeyObject>()

/** A keyed digest that stands for a credential everywhere past the edge: `hmac-` and 32 hex digits. */
export function credentialId(secret: string, key: Uint8Array): string {
  let prepared = preparedKeys.get(key)
  if (prepared === undefined) preparedKeys.set(key, (prepared = createSecretKey(key)))
  return `hmac-${createHmac('sha256', prepared).update(secret, 'utf8').digest('hex').slice(0, 32)}`
}

const credentialIdPattern = /^hmac-[0-9a-f]{32}$/

/** Whether a text has the form of a credential id. */
export function isCredentialId(text: string): boolean {
  return credentialIdPattern.test(text)
}

/** A digest over a JSON value that does not depend on the order of keys: 64 hex digits. */
export function canonicalDigest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/** JSON with sorted keys (RFC 8785 in spirit: no insignificant space, keys in code-unit order). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
  }
  return JSON.stringify(value ?? null)
}
