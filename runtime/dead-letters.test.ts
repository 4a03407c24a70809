import { describe, expect, it } from 'vitest'
import { DeadLetter } from '../core/dead-letter.ts'
import { sha256Hex } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { buildDeadLetter } from './dead-letters.ts'

const refused = {
  stage: 'normalize',
  code: 'NOT_JSON' as const,
  message: 'no',
  topic: 't',
  partition: 1,
  offset: 7,
  headers: { source: 'gateway' },
  atMs: 0,
}

function letterOf(value: Uint8Array, more = {}): DeadLetter {
  return DeadLetter.parse(JSON.parse(String(buildDeadLetter({ ...refused, value, ...more }).value)))
}

describe('a dead letter', () => {
  it('keeps what came, its length and its digest, and has the same id each time', () => {
    const value = Buffer.from('{"a":')
    expect(letterOf(value)).toEqual(letterOf(value))
    expect(letterOf(value)).toMatchObject({
      original: '{"a":',
      encoding: 'utf8',
      bytes: 5,
      sha256: sha256Hex(value),
      truncated: false,
      source: 'gateway',
    })
  })

  it('keeps 64 KiB of what is longer, cut between characters, with the digest of the whole', () => {
    const value = Buffer.from(`x${'é'.repeat(limits.deadLetterBytesMax)}`)
    const letter = letterOf(value)
    expect(letter).toMatchObject({ truncated: true, bytes: value.length, sha256: sha256Hex(value) })
    expect(Buffer.byteLength(letter.original)).toBeLessThanOrEqual(limits.deadLetterBytesMax)
    expect(letter.original).toMatch(/^xé+$/)
  })

  it('keeps bytes that are not UTF-8 as base64, with secrets masked in them all the same', () => {
    const value = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(' "password":"hunter22" ')])
    const letter = letterOf(value)
    const kept = Buffer.from(letter.original, 'base64')
    expect(letter.encoding).toBe('base64')
    expect([kept[0], kept[1]]).toEqual([0xff, 0xfe])
    expect(kept.toString('latin1')).not.toContain('hunter22')
  })

  it('shows no secret in original, message or headers', () => {
    const secret = 'sk-live-0123456789abcdef'
    const letter = letterOf(Buffer.from(`{"apiKey":"${secret}"`), {
      message: `bad ${secret}`,
      headers: { authorization: `Bearer ${secret}` },
    })
    expect(JSON.stringify(letter)).not.toContain(secret)
  })
})
