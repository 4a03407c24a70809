import { describe, expect, test } from 'vitest'
import { isDeeperThan, parseJson } from './json.ts'

const value = (input: string | Uint8Array): unknown => {
  const parsed = parseJson(input)
  return parsed.ok ? parsed.value : parsed.code
}

describe('JSON that nobody vouches for', () => {
  test('a byte order mark is passed over, in bytes and in text', () => {
    expect(value('\ufeff{"a":1}')).toEqual({ a: 1 })
    expect(value(Buffer.from('\ufeff{"a":1}'))).toEqual({ a: 1 })
  })

  test('bytes that are not UTF-8 are refused, a replacement character that was written is kept', () => {
    expect(value(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe('NOT_UTF8')
    expect(value(Buffer.from('{"a":"\ufffd"}'))).toEqual({ a: '\ufffd' })
    expect(value(Buffer.concat([Buffer.from('{"a":"\ufffd'), Buffer.from([0xc3]), Buffer.from('"}')]))).toBe('NOT_UTF8')
  })

  test.each([
    ['{"n":9007199254740993}', { n: '9007199254740993' }],
    ['{"n": -12345678901234567890}', { n: '-12345678901234567890' }],
    ['[9007199254740993,1]', ['9007199254740993', 1]],
    ['9007199254740993', '9007199254740993'],
    ['{"n":9007199254740991}', { n: 9007199254740991 }],
    ['{"n":0.12345678901234567}', { n: 0.12345678901234567 }],
    ['{"n":1234567890123456.5}', { n: 1234567890123456.5 }],
    ['{"f":0.12345678901234567,"n":9007199254740993}', { f: 0.12345678901234567, n: '9007199254740993' }],
    ['[0.1234567890123456789,9007199254740993]', [0.1234567890123456789, '9007199254740993']],
    ['{"f":1.2345678901234567e-5,"s":"0123456789012345678"}', { f: 1.2345678901234567e-5, s: '0123456789012345678' }],
    ['{"n":1e300}', { n: 1e300 }],
  ])('whole numbers past 2^53 keep all digits: %s', (text, expected) => {
    expect(value(text)).toEqual(expected)
  })

  test('a long whole number keeps its digits wherever in the text it stands', () => {
    for (let before = 0; before < 40; before++) {
      const text = `{"${'k'.repeat(before)}":9007199254740993,"f":0.12345678901234567}`
      expect(value(text)).toEqual({ ['k'.repeat(before)]: '9007199254740993', f: 0.12345678901234567 })
    }
  })

  test('a megabyte of digits behind a point is read in time linear in its length', () => {
    const startedMs = performance.now()
    expect(value(`[0.${'1'.repeat(1_000_000)}]`)).toEqual([0.1111111111111111])
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })

  test('many brackets side by side are not nesting', () => {
    const wide = { a: Array.from({ length: 500 }, () => [{}]) }
    expect(value(JSON.stringify(wide))).toEqual(wide)
    expect(value(`${'[['.repeat(40)}${']]'.repeat(40)}`)).toBe('TOO_DEEP')
  })

  test.each([
    ['', 'EMPTY'],
    [' \n\t', 'EMPTY'],
    ['\ufeff', 'EMPTY'],
    ['{"a":', 'NOT_JSON'],
    ['{"a":1} {"b":2}', 'NOT_JSON'],
    ['NaN', 'NOT_JSON'],
    ['{"a":"\u0000"}', 'NOT_JSON'],
    [`${'['.repeat(1000)}${']'.repeat(1000)}`, 'TOO_DEEP'],
    [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 'TOO_DEEP'],
  ])('%j is refused as %s', (text, code) => {
    expect(value(text)).toBe(code)
  })

  test('a vector of numbers that hides an array is still measured', () => {
    expect(isDeeperThan([1, 2, 3, 4, [[[1]]], 6, 7, 8, 9, 10], 3)).toBe(true)
    expect(isDeeperThan([1, 2, 3, 4, [[1]], 6, 7, 8, 9, 10], 3)).toBe(false)
  })
})

describe('the complaint about a text that is not JSON', () => {
  test.each([
    '{"apiKey":sk-UNIQ7SECRET}',
    'sk-UNIQ7SECRET',
    '{"a": "sk-UNIQ7SECRET',
    '["x" sk-UNIQ7SECRET, 1, 2, 3, 4, 5, 6, 7, 8, 9]',
  ])('quotes nothing of %j', (text) => {
    const parsed = parseJson(text)
    expect(parsed).toMatchObject({ ok: false, code: 'NOT_JSON' })
    expect(parsed.ok ? '' : parsed.message).not.toMatch(/sk-|UNIQ/)
  })
})
