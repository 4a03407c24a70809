import { describe, expect, test } from 'vitest'
import { formatMistake } from '../../core/errors.ts'
import { sha256Hex } from '../../core/ids.ts'
import { parseJson } from '../../core/json.ts'
import { compileSources } from './compile.ts'
import { MappingContext } from './mapping-context.ts'
import type { RawRecord } from './source.ts'

const head = `name: test
title: Test
topic: audit
logsource: { product: test }
time: ts
tenant: tenant
principal: user
identity: { field: id }
`
const compile = (body: string, start = head) => compileSources([{ path: 'sources/test.yml', text: start + body }])
const mistakes = (body: string, start?: string) => compile(body, start).mistakes.map(formatMistake)

const raw: RawRecord = {
  position: { topic: 'audit.events', partition: 3, offset: 7, index: 0 },
  appendedMs: Date.parse('2026-03-02T10:00:00Z'),
  hash: sha256Hex('x'),
  masked: false,
  origin: undefined,
  tenant: undefined,
}
const basics = { id: 1, ts: '2026-03-02T09:00:00Z', tenant: 't', user: 'u' }

function run(body: string, record: unknown, known: Partial<RawRecord> = {}, start = head) {
  const { sources, mistakes } = compile(body, start)
  expect(mistakes.map(formatMistake)).toEqual([])
  const text = typeof record === 'string' ? record : JSON.stringify(record)
  const parsed = parseJson(text)
  if (!parsed.ok) throw new Error(parsed.message)
  return sources.get('test')!.normalize(parsed.value, { ...raw, ...known }, new MappingContext(new Uint8Array(32)))
}

/** An event, looked into at any depth. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Tree = any

function event(body: string, record: object, known?: Partial<RawRecord>, start?: string): Tree {
  const result = run(body, { ...basics, ...record }, known, start)
  if (result.outcome !== 'event') throw new Error(JSON.stringify(result))
  return result.event as unknown
}

const one = (expression: string, record: object): unknown => event(`map:\n  labels.x: ${expression}`, record).labels?.x

describe('mistakes in a source file', () => {
  test('are all told, each with file, line and column', () => {
    const body = `map:
  event.action: { form: a }
  event.id: x
  nothing.here: x
  user.name: a..b
  user.id: { from: a, convert: florb }
  source.ip: { regex: '(a', of: b }
  message: { table: missing, of: x }
  warden.asset.kind: { cases: [{ when: { field: a, equal: 1 }, then: b }] }
keep: { only: ['a[0]'] }
sensitive: ['a..b']
`
    const told = mistakes(body)
    for (const part of [
      'yml:10:17: SOURCE_INVALID: An expression has one of',
      'yml:11:3: SOURCE_INVALID: "event.id" is filled by the mapper',
      'yml:12:3: SOURCE_INVALID: Events have no field "nothing"',
      'yml:13:14: SOURCE_INVALID: "a..b" is no path',
      'yml:14:32: SOURCE_INVALID: Unknown conversion "florb"',
      "yml:15:23: SOURCE_INVALID: The pattern can't be used",
      'yml:16:21: SOURCE_INVALID: There is no table "missing"',
      'SOURCE_INVALID: Unknown test "equal"',
      'yml:18:16: SOURCE_INVALID: "a[0]" is no path of keys',
      'yml:19:13: SOURCE_INVALID: "a..b" is no path',
    ]) {
      expect(
        told.some((line) => line.includes(part)),
        `${part}\n${told.join('\n')}`,
      ).toBe(true)
    }
  })

  test('an unknown key does not hide what is wrong in the map', () => {
    const told = mistakes('florb: 1\nmap:\n  nothing.here: x\n')
    expect(told).toEqual([
      'sources/test.yml:9:1: SOURCE_INVALID: Unknown key "florb".',
      'sources/test.yml:11:3: SOURCE_INVALID: Events have no field "nothing".',
    ])
  })

  test('one broken file among good ones is told, and leaves the good ones', () => {
    const good = { path: 'a.yml', text: `${head}map: {}` }
    const { sources, mistakes } = compileSources([good, { path: 'b.yml', text: 'name: [' }])
    expect([...sources.keys()]).toEqual(['test'])
    expect(mistakes[0]?.place?.file).toBe('b.yml')
  })

  test.each([
    ['two sources of one name', [`${head}map: {}`, `${head}map: {}`], 'There is another source "test"'],
    [
      'a delegate that is not there',
      [`${head}map: {}\ndelegate: [{ when: { field: a, exists: true }, to: gone }]`],
      'no source "gone"',
    ],
    [
      'a name that an event field has',
      [`${head.replace('name: test', 'name: user.test')}map: {}`],
      'begins like an event field',
    ],
    ['a value where a group is', [`${head}map: { user.target: a, user.target.name: b }`], 'is a value, so'],
    ['an event marked synthetic by an ordinary source', [`${head}map: { warden.synthetic: a }`], 'Only a source with'],
    ['a duration without a unit', [`${head}map: {}\nlateness: 10`], 'sources/0.yml:10:11'],
  ])('%s is a mistake', (_name, texts, expected) => {
    const told = compileSources(texts.map((text, index) => ({ path: `sources/${index}.yml`, text }))).mistakes
    expect(told.map(formatMistake).join('\n')).toContain(expected)
  })
})

describe('expressions', () => {
  test.each<[string, object, unknown]>([
    ['a.b', { a: { b: 'x' } }, 'x'],
    ['a.b', { a: { b: '' } }, undefined],
    ['a.b', { a: { b: null } }, undefined],
    ['a[-1]', { a: ['x', 'y'] }, 'y'],
    ['{ value: 5 }', {}, '5'],
    ['[a, b, { value: z }]', { b: 'y' }, 'y'],
    ['[a, b, { value: z }]', {}, 'z'],
    ["{ template: '${a}-${b}' }", { a: 1, b: true }, '1-true'],
    ["{ template: '${a}-${b}' }", { a: 1 }, undefined],
    ["{ join: [a, { value: '/' }, b] }", { a: 'x', b: 'y' }, 'x/y'],
    ['{ table: { a: 1 }, of: k }', { k: 'a' }, '1'],
    ['{ table: { a: 1 }, of: k, else: { value: no } }', { k: 'constructor' }, 'no'],
    ['{ table: [{ prefix: ab, value: 1 }, { suffix: .PT, value: 2 }], of: k }', { k: 'x.pt' }, '2'],
    ["{ regex: 'id=([0-9]+)', of: k }", { k: 'a id=77' }, '77'],
    ["{ regex: 'id=([0-9]+)', of: k, else: j }", { k: 'a', j: 'q' }, 'q'],
    ["{ split: '/', of: k, at: -1 }", { k: 'a/b/c' }, 'c'],
    ['{ sum: [a, b, c] }', { a: 1, b: '2.5', c: 'x' }, '3.5'],
    ['{ sum: [a] }', { a: 'x' }, undefined],
    ['{ count: a }', { a: [1, 2] }, '2'],
    ['{ count: a }', { a: { x: 1 } }, '1'],
    ['{ cases: [{ when: { field: a, above: 3 }, then: b }], else: { value: no } }', { a: 4, b: 'yes' }, 'yes'],
    ['{ cases: [{ when: { field: a, above: 3 }, then: b }], else: { value: no } }', { a: '4', b: 'yes' }, 'no'],
    ['{ from: a, convert: [lowercase] }', { a: 'X' }, 'x'],
    ['{ from: a, convert: unescape }', { a: 'x%20y' }, 'x y'],
    ['{ from: a, convert: unescape }', { a: 'x%zz' }, 'x%zz'],
    ['{ from: a, convert: epoch_s }', { a: 1772409907 }, '2026-03-02T00:05:07.000Z'],
  ])('%s of %j is %j', (expression, record, expected) => {
    expect(one(expression, record)).toBe(expected)
  })

  test('a pattern made to run forever ends at once', () => {
    const started = performance.now()
    one("{ regex: '(a+)+$', of: k }", { k: `${'a'.repeat(5_000)}!` })
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('what a field asks for', () => {
  test.each<[string, unknown, unknown]>([
    ['source.ip', '198.51.100.7', '198.51.100.7'],
    ['source.ip', '::FFFF:198.51.100.7', '198.51.100.7'],
    ['source.ip', '2001:db8:0::1', '2001:db8::1'],
    ['source.ip', '010.0.0.1', undefined],
    ['source.ip', '1.2.3', undefined],
    ['source.ip', '1.2.3.256', undefined],
    ['source.ip', 'x'.repeat(1_000_000), undefined],
    ['source.port', 443, 443],
    ['source.port', '443', 443],
    ['source.port', 1.5, undefined],
    ['warden.bytes', '12', 12],
    ['warden.bytes', '0x12', undefined],
    ['warden.bytes', [1], undefined],
    ['event.category', 'iam', ['iam']],
    ['event.category', ['iam', 'file'], ['iam', 'file']],
    ['event.category', [{}], undefined],
    ['warden.input.features', [1, 2.5], [1, 2.5]],
    ['warden.input.features', [1, null], undefined],
    ['warden.bytes', 1e100, 1e100],
    ['warden.bytes', '-1e100', -1e100],
    ['warden.bytes', 1.1e100, undefined],
    ['warden.bytes', -1.1e100, undefined],
    ['warden.bytes', '1.1e100', undefined],
    ['warden.output.label', 3, 3],
    ['warden.output.label', -1.1e100, undefined],
    ['warden.output.label', 'cat', 'cat'],
    ['message', { a: 1 }, undefined],
  ])('%s from %j is %j', (field, value, expected) => {
    const made = event(`map:\n  ${field}: v`, { v: value })
    const got = field
      .split('.')
      .reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], made)
    expect(got).toEqual(expected)
    expect(made.warden.mapping).toEqual(expected === undefined ? { unreadable: [field] } : undefined)
  })

  test('numbers that JSON can spell and nothing can count are unreadable, in vectors too', () => {
    const text = JSON.stringify({ ...basics, v: 0, w: [0] })
      .replace('"v":0', '"v":1e999')
      .replace('[0]', '[1e999]')
    const result = run('map:\n  warden.bytes: v\n  warden.input.features: w', text)
    expect(result.outcome === 'event' && result.event.warden).toMatchObject({
      mapping: { unreadable: ['warden.bytes', 'warden.input.features'] },
    })
  })

  test('text and vectors past their limits are cut, marked and counted', () => {
    const made = event('map:\n  message: a\n  warden.input.features: b', {
      a: 'x'.repeat(10_000),
      b: Array<number>(5_000).fill(1),
    })
    expect(made.message).toHaveLength(8_192)
    expect(made.message).toMatch(/x…$/)
    expect(made.warden.input.features).toHaveLength(4_096)
    expect(made.warden.mapping).toEqual({ truncated: 2 })
  })

  test('a vector is handed on, not copied', () => {
    const { sources } = compile('map:\n  warden.input.features: v')
    const record = { ...basics, v: [1, 2, 3] }
    const result = sources.get('test')!.normalize(record, raw, new MappingContext(new Uint8Array(32)))
    expect(result.outcome === 'event' && result.event.warden.input?.features).toBe(record.v)
  })

  test('lone surrogates become U+FFFD', () => {
    expect(event('map:\n  message: a', { a: 'x\ud800y' }).message).toBe('x\ufffdy')
  })
})

describe('who and when', () => {
  test('two long principals with the same beginning stay two', () => {
    const long = 'x'.repeat(600)
    const [a, b] = [`${long}1`, `${long}2`].map((user) => String(event('map: {}', { user }).warden.principal))
    expect(a).not.toBe(b)
    expect(a?.length).toBeLessThanOrEqual(515)
  })

  test('control characters and directions can’t hide in a principal, and don’t make two of them one', () => {
    const [a, b] = ['u\u0000', 'u\u202e'].map((user) => String(event('map: {}', { user }).warden.principal))
    expect(a).toMatch(/^t\/u\ufffd~[0-9a-f]{16}$/)
    expect(a).not.toBe(b)
  })

  test('a slash in a tenant can’t make one tenant’s user another’s', () => {
    const a = event('map: {}', { tenant: 'a', user: 'b/c' }).warden.principal
    const b = event('map: {}', { tenant: 'a/b', user: 'c' }).warden.principal
    expect(a).toBe('a/b/c')
    expect(b).not.toBe(a)
  })

  test('a sender bound to a tenant speaks for no other', () => {
    expect(event('map: {}', { tenant: 'victim' }, { tenant: 'mine' }).organization.id).toBe('mine')
  })

  test('the same id in another tenant is another event', () => {
    expect(event('map: {}', { tenant: 'a' }).event.id).not.toBe(event('map: {}', { tenant: 'b' }).event.id)
  })

  test.each([
    [
      'position',
      { position: { topic: 'a', partition: 0, offset: 1, index: 0 } },
      { position: { topic: 'a', partition: 0, offset: 2, index: 0 } },
    ],
    ['position', { origin: 'file:aa:0' }, { origin: 'file:aa:90' }],
    ['content', { hash: sha256Hex('a') }, { hash: sha256Hex('b') }],
  ])('identity by %s tells records apart, and knows one that comes again', (identity, one, other) => {
    const start = head.replace('identity: { field: id }', `identity: ${identity}`)
    const id = (known: Partial<RawRecord>) => String(event('map: {}', {}, known, start).event.id)
    expect(id(one)).toBe(id(one))
    expect(id(one)).not.toBe(id(other))
  })

  test.each([
    [{ ts: undefined }, 'TIME_MISSING'],
    [{ ts: '' }, 'TIME_MISSING'],
    [{ ts: 'yesterday' }, 'TIME_INVALID'],
    [{ ts: {} }, 'TIME_INVALID'],
    [{ ts: '1601-01-01T00:00:00Z' }, 'EVENT_TOO_OLD'],
    [{ ts: '9999-12-31T23:59:59Z' }, 'EVENT_FROM_FUTURE'],
    [{ ts: '2026-03-02T10:05:00.001Z' }, 'EVENT_FROM_FUTURE'],
    [{ tenant: undefined }, 'TENANT_MISSING'],
    [{ id: undefined }, 'IDENTITY_MISSING'],
    [{ id: {} }, 'IDENTITY_MISSING'],
  ])('%j is refused as %s', (change, code) => {
    expect(run('map: {}', { ...basics, ...change })).toMatchObject({ outcome: 'refused', code })
  })

  test('a record exactly five minutes ahead of its arrival is taken', () => {
    expect(event('map: {}', { ts: '2026-03-02T10:05:00Z' })['@timestamp']).toBe('2026-03-02T10:05:00.000Z')
  })

  test('what is no object is refused', () => {
    for (const text of ['1', '"x"', 'null', '[1]']) {
      expect(run('map: {}', text)).toMatchObject({ outcome: 'refused', code: 'NOT_AN_OBJECT' })
    }
  })
})

describe('what is kept of a record', () => {
  test('keys that name the prototype, empty keys and odd dots are data with safe names', () => {
    const text = JSON.stringify(basics).replace(
      /}$/,
      ',"__proto__":{"polluted":1},"constructor":{"prototype":1},"":2,".a.":3,"x\\u0000y":4}',
    )
    const result = run('map: {}\nkeep: all', text)
    const kept: object = result.outcome === 'event' ? ((result.event as Tree).test as object) : {}
    expect(Object.keys(kept)).toEqual([...Object.keys(basics), '_proto_', 'constructor', '_', '_a_', 'x_y'])
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype)
    expect(({} as Tree).polluted).toBeUndefined()
  })

  test('values under secrets’ names are digests, however the name is spelled', () => {
    const kept = event('map: {}\nkeep: all', {
      nested: { 'X-Api-Key': 'abc', Authorization: 'Bearer abc', note: 'abc' },
    }).test
    expect(kept.nested['X-Api-Key']).toMatch(/^hmac-/)
    expect(kept.nested.Authorization).toBe(kept.nested['X-Api-Key'])
    expect(kept.nested.note).toBe('abc')
  })

  test('only and except name what stays', () => {
    expect(event('map: {}\nkeep: { only: [a.b, c] }', { a: { b: 1, x: 2 }, c: [3] }).test).toEqual({
      a: { b: 1 },
      c: [3],
    })
    expect(event('map: {}\nkeep: { except: [a.b, ts] }', { a: { b: 1, x: 2 } }).test).toEqual({
      id: 1,
      tenant: 't',
      user: 'u',
      a: { x: 2 },
    })
  })

  test('a huge record is kept in part, and counted', () => {
    const made = event('map: {}\nkeep: all', { many: Array.from({ length: 20_000 }, (_, n) => ({ n })) })
    expect(JSON.stringify(made).length).toBeLessThan(200_000)
    expect(made.warden.mapping.truncated).toBeGreaterThan(0)
  })
})
