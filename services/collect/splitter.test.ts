import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { RecordSplitter, type SplitterOptions } from './splitter.ts'

function split(text: string | Buffer, options: SplitterOptions = {}, chunkBytes = 7) {
  const bytes = Buffer.from(text as string)
  const splitter = new RecordSplitter(options)
  const units = []
  for (let at = 0; at < bytes.length; at += chunkBytes)
    units.push(...splitter.push(bytes.subarray(at, at + chunkBytes)))
  units.push(...splitter.end())
  return units
}
const texts = (text: string, options?: SplitterOptions) => split(text, options).map((unit) => unit.bytes.toString())

const records = { recordsKey: 'Records' }

describe('a stream of records', () => {
  test.each<[string, string, SplitterOptions, string[]]>([
    ['one a line', '{"a":1}\n{"b":2}\n', {}, ['{"a":1}', '{"b":2}']],
    ['one a line, with CR and empty lines', '{"a":1}\r\n\r\n \n{"b":2}', {}, ['{"a":1}\r', '{"b":2}']],
    ['a line that is broken', '{"a":1}\n{"b":\n{"c":3}\n', {}, ['{"a":1}', '{"b":', '{"c":3}']],
    ['a first line that is broken', '{"a":\n{"b":2}\n{"c":3}\n', {}, ['{"a":', '{"b":2}', '{"c":3}']],
    ['a last line that is cut off', '{"a":1}\n{"b":"x', {}, ['{"a":1}', '{"b":"x']],
    ['one object', '{"a":{"b":[1,2]}}', {}, ['{"a":{"b":[1,2]}}']],
    ['an object over several lines', '{\n "a": {\n  "b": 1\n }\n}\n', {}, ['{\n "a": {\n  "b": 1\n }\n}']],
    [
      'objects over several lines, one after the other',
      '{\n "a": 1\n}\n{\n "b": 2\n}',
      {},
      ['{\n "a": 1\n}', '{\n "b": 2\n}'],
    ],
    ['objects without anything between', '{"a":1}{"b":"}"}{"c":3}', {}, ['{"a":1}', '{"b":"}"}', '{"c":3}']],
    ['an array', '[{"a":1}, {"b":[2]},3,"x,]",null]', {}, ['{"a":1}', '{"b":[2]}', '3', '"x,]"', 'null']],
    ['an array over lines', '[\n{"a":1},\n{"b":2}\n]', {}, ['{"a":1}', '{"b":2}']],
    ['an empty array', '[]', {}, []],
    ['an array that is cut off', '[{"a":1},{"b":', {}, ['{"a":1}', '{"b":']],
    ['an envelope', '{"Records":[{"a":1},{"b":{"Records":[1]}}]}', records, ['{"a":1}', '{"b":{"Records":[1]}}']],
    [
      'an envelope with more in it',
      '{"v":"1","x":{"Records":[9]},"Records" : [ {"a":1} ],"z":[{"q":"]}"}]}{"b":2}',
      records,
      ['{"a":1}', '{"b":2}'],
    ],
    ['an envelope without records', '{"Records":[]}', records, []],
    ['a record with a field of the envelope’s name', '{"Records":5,"a":1}', records, ['{"Records":5,"a":1}']],
    ['a text that only ends like the key', '{"a\\"Records":[{"b":1}]}', records, ['{"a\\"Records":[{"b":1}]}']],
    [
      'envelopes one a line',
      '{"Records":[{"a":1}]}\n{"Records":[{"b":2}]}\n',
      records,
      ['{"Records":[{"a":1}]}', '{"Records":[{"b":2}]}'],
    ],
    ['a byte order mark', '\ufeff{"a":1}\n{"b":2}', {}, ['{"a":1}', '{"b":2}']],
    ['what is no JSON', 'hello\nworld', {}, ['hello', 'world']],
    ['brackets that close nothing', '{"a":1}]]} x\n{"b":2}', { mode: 'values' }, ['{"a":1}', ']]} x', '{"b":2}']],
    ['nothing', '', {}, []],
    ['only space', ' \n\n ', {}, []],
  ])('%s', (_name, text, options, expected) => {
    expect(texts(text, options)).toEqual(expected)
  })

  test('offsets and lines are those of the stream', () => {
    expect(split('{"a":1}\n\n{"b":2}\n').map(({ offset, line }) => [offset, line])).toEqual([
      [0, 1],
      [9, 3],
    ])
    expect(split('\ufeff[\n {"a":"\u00e4"},\n {"b":2}]').map(({ offset, line }) => [offset, line])).toEqual([
      [6, 2],
      [19, 3],
    ])
  })

  test('lines without anything in them are passed over at once, not one by one, and still counted', () => {
    const cut = vi.spyOn(Buffer.prototype, 'subarray')
    const text = `${'\n'.repeat(50_000)}${' \r\n'.repeat(50_000)}  {"a":1}\n\n{"b":2}`
    const units = split(text, { mode: 'lines' }, text.length)
    expect(units.map(({ line, bytes }) => [line, bytes.toString()])).toEqual([
      [100_001, '  {"a":1}'],
      [100_003, '{"b":2}'],
    ])
    expect(cut.mock.calls.length).toBeLessThan(20)
  })

  test('a record too long to hold comes out as its beginning, length and digest, and the next is found', () => {
    const long = JSON.stringify({ a: 'x'.repeat(300_000) })
    for (const text of [`${long}\n{"b":2}\n{"c":3}`, `[${long},{"b":2},{"c":3}]`]) {
      const [first, ...rest] = split(text, { recordBytesMax: 200_000 }, 1_000)
      expect(first?.whole).toEqual({ bytes: long.length, sha256: createHash('sha256').update(long).digest('hex') })
      expect(first?.bytes.length).toBe(65_536)
      expect(rest.map((unit) => unit.bytes.toString())).toEqual(['{"b":2}', '{"c":3}'])
    }
  })

  test('however it is cut into chunks, the records are the same', () => {
    const value = fc.jsonValue({ maxDepth: 3 }).filter((one) => typeof one === 'object' && one !== null)
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(0, 2),
        (values, chunk, indent) => {
          const wanted = values.map((one) => JSON.stringify(one, null, indent))
          const array = split(`[${wanted.join(',')}]`, {}, chunk).map((unit) => unit.bytes.toString())
          expect(array).toEqual(wanted)
          const envelope = split(`{"v":[],"Records":[${wanted.join(' , ')}],"w":{}}`, records, chunk)
          expect(envelope.map((unit) => unit.bytes.toString())).toEqual(wanted)
        },
      ),
    )
  })

  test('whatever the bytes, it ends, and loses nothing but space between lines', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const total = split(Buffer.from(bytes), { mode: 'lines' }).reduce((sum, unit) => sum + unit.bytes.length, 0)
        const solid = Buffer.from(bytes)
          .toString('latin1')
          .split('\n')
          .filter((line) => /[^\s\u00a0\ufeff]|[\u00a0]/.test(line))
        expect(total).toBeLessThanOrEqual(bytes.length)
        expect(total).toBeGreaterThanOrEqual(solid.length === 0 ? 0 : 1)
        split(Buffer.from(bytes), { mode: 'values', recordsKey: 'Records' })
      }),
    )
  })
})
