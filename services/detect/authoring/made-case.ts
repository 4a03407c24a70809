/**
 * Makes a test case out of an event of production: what `modelwarden rules case` writes.
 *
 * Pure. Promises: what looks like a secret, or stands under a secret's name, is masked; what a case fills in by itself
 * (ids, times of arrival, digests, positions) is left out; nothing of the event is more than text or number in the
 * case.
 */
import { maskSecrets } from '../../../core/mask.ts'
import { isSecretName } from '../../../engine/sources/secret-names.ts'
import type { EventTree } from '../../../engine/sigma/types.ts'

/** Filled in by the case runner, or true of this one delivery alone. */
const leftOut = /^(?:@timestamp|event\.(?:id|kind|created|hash)|warden\.(?:position|mapping|synthetic)(?:\..*)?)$/
const fieldsMax = 400
const charsMax = 2_000
const itemsMax = 64

/** The event's fields by dotted names. `wanted`: only these and what is inside of them. */
export function caseFields(event: EventTree, wanted?: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  let left = fieldsMax
  const visit = (node: unknown, path: string): void => {
    if (typeof node === 'object' && node !== null && !Array.isArray(node)) {
      for (const [key, value] of Object.entries(node)) {
        // A name with a dot in it could not be told from a path.
        if (!key.includes('.')) visit(value, path === '' ? key : `${path}.${key}`)
      }
      return
    }
    if (leftOut.test(path) || left <= 0 || wanted?.every((name) => !isAt(path, name)) === true) return
    left--
    const value = masked(node, path.slice(path.lastIndexOf('.') + 1))
    Object.defineProperty(fields, path, { value, enumerable: true, configurable: true, writable: true })
  }
  visit(event, '')
  return fields
}

function isAt(path: string, wanted: string): boolean {
  return path === wanted || path.startsWith(`${wanted}.`) || wanted.startsWith(`${path}.`)
}

function masked(value: unknown, name: string): unknown {
  if (isSecretName(name) && value !== null && typeof value !== 'boolean') return '[masked]'
  if (typeof value === 'string') return maskSecrets(value.slice(0, charsMax)).replaceAll('{n}', '{ n }')
  if (Array.isArray(value)) return value.slice(0, itemsMax).map((item) => masked(item, ''))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]))
}
