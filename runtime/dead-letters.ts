/**
 * Builds dead letters: what could not be processed, with the reason, bounded and freed of secrets.
 *
 * Pure. The same record refused twice for the same reason gives the same dead letter, id included.
 */
import { isUtf8 } from 'node:buffer'
import type { DeadLetter, DeadLetterCode } from '../core/dead-letter.ts'
import { derivedId, sha256Hex } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { maskSecrets } from '../core/mask.ts'
import type { OutgoingRecord } from '../core/ports/bus.ts'
import { headers, topics } from '../core/topics.ts'

export interface Refused {
  readonly stage: string
  readonly code: DeadLetterCode
  readonly message: string
  readonly hint?: string | undefined
  /** Which of the record's parts, 0 where it has one. */
  readonly index?: number
  /** Which of its pack, where several came in one record. */
  readonly item?: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key?: string | undefined
  readonly value: Uint8Array | null
  /** The record freed of what its source declares sensitive: kept in its stead, and marked so. */
  readonly redacted?: string | undefined
  /** Of a record too large to hold: its whole length and digest, where `value` is its beginning. */
  readonly whole?: { readonly bytes: number; readonly sha256: string } | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly atMs: number
}

const headersMax = 32
const messageCharsMax = 1_000

/** The record for `warden.dead-letters`, keyed by source. */
export function buildDeadLetter(refused: Refused): OutgoingRecord {
  const value = refused.value ?? new Uint8Array()
  const index = refused.index ?? 0
  const source = refused.headers[headers.source]
  const { stage, code, topic, partition, offset, item } = refused
  const parts = item === undefined ? [index] : [item, index]
  const letter: DeadLetter = {
    id: derivedId('dead-letter', stage, topic, partition, offset, ...parts, code),
    stage,
    code,
    message: maskSecrets(refused.message).slice(0, messageCharsMax),
    ...(refused.hint === undefined ? {} : { hint: refused.hint }),
    ...(source === undefined ? {} : { source: source.slice(0, 200) }),
    at: new Date(refused.atMs).toISOString(),
    position: { topic, partition, offset, index: item ?? index },
    bytes: refused.whole?.bytes ?? value.byteLength,
    sha256: refused.whole?.sha256 ?? sha256Hex(value),
    ...(refused.key === undefined ? {} : { key: refused.key.slice(0, limits.entityIdCharsMax) }),
    headers: boundedHeaders({
      ...refused.headers,
      ...(refused.redacted === undefined ? {} : { [headers.masked]: '1' }),
    }),
    ...boundedOriginal(refused.redacted === undefined ? value : Buffer.from(refused.redacted)),
    ...(refused.whole === undefined ? {} : { truncated: true }),
  }
  return { topic: topics.deadLetters, key: source?.slice(0, 200) ?? stage, value: JSON.stringify(letter) }
}

function boundedOriginal(value: Uint8Array): Pick<DeadLetter, 'original' | 'encoding' | 'truncated'> {
  const max = limits.deadLetterBytesMax
  const truncated = value.byteLength > max
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (isUtf8(buffer)) {
    // A cut through a multi-byte character leaves one replacement character at the end, which is cut off too.
    const text = buffer.toString('utf8', 0, max)
    return { original: maskSecrets(truncated ? text.replace(/\ufffd$/, '') : text), encoding: 'utf8', truncated }
  }
  // Broken text hides secrets from patterns that expect text: mask byte for byte, in latin1, which changes no other byte.
  const masked = maskSecrets(buffer.toString('latin1', 0, max))
  return { original: Buffer.from(masked, 'latin1').toString('base64'), encoding: 'base64', truncated }
}

function boundedHeaders(all: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(all).slice(0, headersMax)
  return Object.fromEntries(kept.map(([name, value]) => [name.slice(0, 100), maskSecrets(value).slice(0, 500)]))
}
