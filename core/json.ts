/**
 * Reads JSON that nobody vouches for.
 *
 * Pure. Promises: bytes that are not UTF-8 are refused, not mended; whole numbers past 2^53 come out as strings with all
 * their digits; nesting past the limit is refused; never throws.
 */
import type { DeadLetterCode } from './dead-letter.ts'
import { limits } from './limits.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: DeadLetterCode; readonly message: string }

const byteOrderMark = 0xfeff
/**
 * Only then can a whole number lie past 2^53: 16 digits in a row at the start of a number. Also hits long digit strings
 * after a comma or a space in text, which only costs time.
 */
const longDigits = /[:[,\s-][0-9]{16}|^[0-9]{16}/

/** Text without its byte order mark; `undefined` where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString('utf8')
  // Broken bytes turn into U+FFFD; where there is one, it must have been written as such.
  if (text.includes('\ufffd') && Buffer.compare(Buffer.from(text, 'utf8'), buffer) !== 0) return undefined
  return withoutByteOrderMark(text)
}

function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text
}

/** Parses one JSON text. `depthMax` counts nested arrays and objects. A byte order mark at the start is passed over. */
export function parseJson(input: Uint8Array | string, depthMax: number = limits.recordDepthMax): ParsedJson {
  const text = typeof input === 'string' ? withoutByteOrderMark(input) : decodeUtf8(input)
  if (text === undefined) return { ok: false, code: 'NOT_UTF8', message: 'The record is not valid UTF-8.' }
  let value: unknown
  try {
    value = longDigits.test(text) ? JSON.parse(text, keepLongNumbers) : JSON.parse(text)
  } catch (error) {
    if (text.trim() === '') return { ok: false, code: 'EMPTY', message: 'The record is empty.' }
    return { ok: false, code: 'NOT_JSON', message: `The record is not JSON: ${(error as Error).message.slice(0, 200)}` }
  }
  if (isDeeperThan(value, depthMax)) {
    return { ok: false, code: 'TOO_DEEP', message: `The record is nested more than ${depthMax} levels deep.` }
  }
  return { ok: true, value }
}

function keepLongNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?[0-9]+$/.test(source) ? source : value
}

/** Whether arrays and objects nest deeper than `max`. Iterative: hostile depth can't overflow the stack. */
export function isDeeperThan(value: unknown, max: number): boolean {
  let level: object[] = typeof value === 'object' && value !== null ? [value] : []
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > max) return true
    const next: object[] = []
    for (const node of level) {
      if (Array.isArray(node)) {
        // Vectors of numbers are the bulk of inference records: their first element tells.
        if (node.length > 8 && typeof node[0] === 'number' && typeof node[node.length - 1] === 'number') {
          if (!holdsObject(node)) continue
        }
        for (const item of node as unknown[]) if (typeof item === 'object' && item !== null) next.push(item)
      } else {
        for (const key in node) {
          const item = (node as Record<string, unknown>)[key]
          if (typeof item === 'object' && item !== null) next.push(item)
        }
      }
    }
    level = next
  }
  return false
}

function holdsObject(items: readonly unknown[]): boolean {
  for (let at = 0; at < items.length; at++) if (typeof items[at] === 'object') return true
  return false
}
