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
    value = JSON.parse(text)
  } catch (error) {
    if (text.trim() === '') return { ok: false, code: 'EMPTY', message: 'The record is empty.' }
    return { ok: false, code: 'NOT_JSON', message: `The record is not JSON: ${withoutQuotes(error as Error)}` }
  }
  // Most texts show by themselves that there is nothing to look for in their values.
  if (!opensMoreThan(text, depthMax) && !mayHoldLongNumber(text)) return { ok: true, value }
  const shape = look(value, depthMax)
  if (shape === 'deeper') {
    return { ok: false, code: 'TOO_DEEP', message: `The record is nested more than ${depthMax} levels deep.` }
  }
  return { ok: true, value: shape === 'imprecise' ? JSON.parse(text, keepLongNumbers) : value }
}

/** Whether more than `max` brackets open in a text: where not, nothing in it nests deeper. */
export function opensMoreThan(text: string, max: number): boolean {
  if (text.length <= max) return false
  let opened = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) if (++opened > max) return true
  }
  return false
}

/** Digits of 2^53. */
const longDigits = 16
const dot = 0x2e

/**
 * Whether so many digits stand in a row, not behind a point, that they may be a whole number past 2^53. A stretch of so many
 * characters is looked at from its end: behind the first that is no digit begins the next, so most are passed over. Linear.
 */
function mayHoldLongNumber(text: string): boolean {
  const last = text.length - longDigits
  for (let from = 0; from <= last;) {
    let at = from + longDigits - 1
    while (at >= from && isDigit(text, at)) at--
    if (at >= from) {
      from = at + 1
      continue
    }
    if (from === 0 || text.charCodeAt(from - 1) !== dot) return true
    while (from < text.length && isDigit(text, from)) from++
  }
  return false
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}

/** What V8 says, less the piece of the text that it quotes: that may be a piece of a secret. */
function withoutQuotes({ message }: Error): string {
  return message
    .replace(/(?:\.\.\.)?"[^]*"(?:\.\.\.)? is not valid JSON$/, 'it is not valid JSON')
    .replace(/^Unexpected token [^]{1,4}, it/, 'unexpected character; it')
    .slice(0, 200)
}

function keepLongNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?[0-9]+$/.test(source) ? source : value
}

/** Whether arrays and objects nest deeper than `max`. */
export function isDeeperThan(value: unknown, max: number): boolean {
  return look(value, max) === 'deeper'
}

/**
 * Looks through a value once: whether it nests deeper than `depthMax`, else whether a number in it is so great that digits
 * may have been lost. Iterative: hostile depth can't overflow the stack.
 */
function look(value: unknown, depthMax: number): 'plain' | 'imprecise' | 'deeper' {
  let level: object[] = typeof value === 'object' && value !== null ? [value] : []
  let imprecise = typeof value === 'number' && isImprecise(value)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > depthMax) return 'deeper'
    const next: object[] = []
    for (const node of level) {
      if (Array.isArray(node)) {
        // Not by index: where vectors and lists meet at one place, V8 turns the vectors into lists, a box for each number.
        node.forEach((item: unknown) => {
          if (typeof item === 'number') imprecise ||= isImprecise(item)
          else if (typeof item === 'object' && item !== null) next.push(item)
        })
        continue
      }
      for (const key in node) {
        const item = (node as Record<string, unknown>)[key]
        if (typeof item === 'number') imprecise ||= isImprecise(item)
        else if (typeof item === 'object' && item !== null) next.push(item)
      }
    }
    level = next
  }
  return imprecise ? 'imprecise' : 'plain'
}

function isImprecise(value: number): boolean {
  return value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER
}
