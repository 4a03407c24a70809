/**
 * Copies what a source keeps of its vendor's record, within limits, with keys that every index takes and without secrets.
 *
 * Pure. Promises: at most `nodesMax` values, `depthMax` deep; nothing but own enumerable data; keys that an index or a
 * reader could trip over are renamed, and counted; values under names that always mean a secret are digests.
 */
import { isCredentialId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { MappingContext } from './mapping-context.ts'
import { isSecretName } from './secret-names.ts'
import { boundedText } from './text.ts'

const nodesMax = 5_000
const depthMax = 24
const keyCharsMax = 256
/** Empty, with dots where an index splits names, or with control characters. */
const awkwardKey = /^$|^\.|\.$|\.\.|[\u0000-\u001f\u007f]/

interface Copying {
  readonly context: MappingContext
  nodes: number
}

export function boundedCopy(value: unknown, context: MappingContext): unknown {
  return copy(value, { context, nodes: 0 }, 0)
}

function copy(value: unknown, copying: Copying, depth: number): unknown {
  if (typeof value === 'string') return boundedText(value, copying.context)
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'object' || value === null) return value ?? undefined
  if (depth >= depthMax) {
    copying.context.truncated++
    return undefined
  }
  return Array.isArray(value) ? copyArray(value, copying, depth) : copyObject(value, copying, depth)
}

function copyArray(items: readonly unknown[], copying: Copying, depth: number): unknown[] {
  const out: unknown[] = []
  for (const item of items) {
    if (out.length === limits.fieldItemsMax || ++copying.nodes > nodesMax) {
      copying.context.truncated++
      break
    }
    const copied = copy(item, copying, depth + 1)
    if (copied !== undefined) out.push(copied)
  }
  return out
}

function copyObject(source: object, copying: Copying, depth: number): object {
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(source)) {
    if (++copying.nodes > nodesMax) {
      copying.context.truncated++
      break
    }
    const value = (source as Record<string, unknown>)[key]
    const copied =
      typeof value === 'string' && value !== '' && isSecretName(key)
        ? digestOf(value, copying.context)
        : copy(value, copying, depth + 1)
    if (copied !== undefined) out[safeKey(key, copying.context)] = copied
  }
  return out
}

function digestOf(secret: string, context: MappingContext): string {
  return isCredentialId(secret) ? secret : context.credential(secret)
}

function safeKey(key: string, context: MappingContext): string {
  if (key !== '__proto__' && key.length <= keyCharsMax && !awkwardKey.test(key) && key.isWellFormed()) return key
  context.truncated++
  if (key === '__proto__') return '_proto_'
  const cut = key.toWellFormed().slice(0, keyCharsMax).toWellFormed()
  const safe = cut.replaceAll(/[\u0000-\u001f\u007f]/g, '_').replaceAll(/\.{2,}|^\.|\.$/g, '_')
  return safe === '' ? '_' : safe
}
