/** Detections whole: what each modifier, wildcard, list, map and condition means. One rule, events that match and that don't. */
import { describe, expect, it } from 'vitest'
import { compileSigma } from './compile.ts'
import { explain } from './explain.ts'
import { createMatcher } from './matcher.ts'

function ruleWith(detection: string): string {
  const indented = detection.trim().replace(/^/gm, '  ')
  return `title: T\nid: r\nlogsource: {product: p}\ndetection:\n${indented}\n`
}

function matches(detection: string, fields: Record<string, unknown>): boolean {
  const { rules, mistakes } = compileSigma([{ path: 'rule.yml', text: ruleWith(detection) }])
  expect(mistakes).toEqual([])
  const event = { warden: { logsource: { product: 'p' } }, ...fields }
  let matched = false
  createMatcher(rules).match(event, () => (matched = true))
  expect(explain(rules[0]!, event).matches).toBe(matched)
  return matched
}

function expectMatches(
  selection: string,
  yes: readonly Record<string, unknown>[],
  no: readonly Record<string, unknown>[],
): void {
  const detection = `selection:\n${selection.trim().replace(/^/gm, '  ')}\ncondition: selection`
  for (const fields of yes) expect([matches(detection, fields), fields]).toEqual([true, fields])
  for (const fields of no) expect([matches(detection, fields), fields]).toEqual([false, fields])
}

describe('values', () => {
  it('strings meet without regard to case, as a whole', () => {
    expectMatches('f: Abc', [{ f: 'abc' }, { f: 'ABC' }], [{ f: 'abcd' }, { f: '' }, {}, { f: null }])
  })

  it('case is folded the way Unicode folds it, so that no spelling slips by', () => {
    expectMatches('f|contains: ΣΑΣ', [{ f: 'xσας' }, { f: 'ΣΑΣΒ' }, { f: 'σασ' }], [{ f: 'σα' }])
    expectMatches('f: mask', [{ f: 'MA\u017fK' }, { f: 'mas\u212a' }], [])
  })

  it('numbers and booleans meet their texts', () => {
    expectMatches('f: 4625', [{ f: 4625 }, { f: '4625' }], [{ f: 46 }, { f: '04625' }])
    expectMatches('f: 007', [{ f: 7 }, { f: '007' }], [{ f: '07' }])
    expectMatches('f: true', [{ f: true }, { f: 'True' }], [{ f: false }, { f: 1 }])
  })

  it('null is a missing field or null, the empty string only itself', () => {
    expectMatches('f: null', [{}, { f: null }, { f: [] }], [{ f: '' }, { f: 0 }])
    expectMatches("f: ''", [{ f: '' }], [{}, { f: null }, { f: ' ' }])
  })

  it('a list is any, a map is all, a list of maps is any of them', () => {
    expectMatches('f: [a, b]', [{ f: 'a' }, { f: 'b' }], [{ f: 'c' }])
    expectMatches('f: a\ng: b', [{ f: 'a', g: 'b' }], [{ f: 'a' }, { g: 'b' }])
    expectMatches('- f: a\n- g: b\n  h: c', [{ f: 'a' }, { g: 'b', h: 'c' }], [{ g: 'b' }])
  })

  it('wildcards: * any text, ? one character, a backslash takes their meaning', () => {
    expectMatches("f: 'a*c?e'", [{ f: 'acxe' }, { f: 'abbcde' }], [{ f: 'ace' }, { f: 'acxef' }])
    expectMatches(String.raw`f: 'a\*b\?'`, [{ f: 'a*b?' }], [{ f: 'axb?' }])
    expectMatches(String.raw`f: 'C:\Win\\*'`, [{ f: 'c:\\win\\x' }], [{ f: 'c:\\win' }])
    expectMatches(String.raw`f: '\\\\server'`, [{ f: '\\\\server' }], [{ f: '\\server' }])
    expectMatches("f: '*'", [{ f: 'x' }, { f: '' }], [{}, { f: null }])
    expectMatches("f: 'a*b*a'", [{ f: 'aba' }, { f: 'axbxa' }], [{ f: 'ab' }, { f: 'aa' }])
  })
})

describe('fields', () => {
  it('paths go through nesting, arrays and names with dots', () => {
    expectMatches(
      'a.b.c: x',
      [{ a: { b: { c: 'x' } } }, { a: [{ b: { c: 'y' } }, { b: [{ c: 'x' }] }] }, { 'a.b': { c: 'x' } }],
      [{ a: { b: { c: 'y' } } }, { a: 'x' }],
    )
    expectMatches('labels.app.kubernetes.io/name: x', [{ labels: { 'app.kubernetes.io/name': 'x' } }], [])
    expectMatches('a.1: x', [{ a: ['y', 'x'] }], [{ a: ['x'] }])
  })

  it('any element of an array matches, each of `all` may be another', () => {
    expectMatches('f: x', [{ f: ['y', 'x'] }], [{ f: ['y'] }, { f: [] }])
    expectMatches('f|contains|all: [a, b]', [{ f: ['xa', 'xb'] }], [{ f: ['xa'] }])
  })

  it('an object meets as its JSON, as public CloudTrail rules expect of requestParameters', () => {
    expectMatches('f|contains: "publiclyAccessible\\":true"', [{ f: { publiclyAccessible: true } }], [{ f: {} }])
  })

  it('inherited names are fields like any other: prototypes are out of reach', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'a.constructor.name', 'a.length']) {
      expectMatches(`${name}|exists: true`, [], [{ a: {} }])
    }
    expectMatches('constructor: x', [JSON.parse('{"constructor":"x"}') as Record<string, unknown>], [])
    expectMatches('__proto__.f: x', [JSON.parse('{"__proto__":{"f":"x"}}') as Record<string, unknown>], [{ f: 'x' }])
  })
})

describe('modifiers', () => {
  it('contains, startswith, endswith', () => {
    expectMatches('f|contains: b', [{ f: 'aBc' }], [{ f: 'ac' }])
    expectMatches('f|startswith: ab', [{ f: 'ABc' }], [{ f: 'cab' }])
    expectMatches(String.raw`f|endswith: '\cmd.exe'`, [{ f: 'C:\\x\\CMD.exe' }], [{ f: 'cmd.exe' }])
    expectMatches('f|contains: 44', [{ f: 1442 }], [{ f: 4 }])
  })

  it('all links a list by AND, neq negates', () => {
    expectMatches('f|contains|all: [a, b]', [{ f: 'xbxa' }], [{ f: 'a' }])
    expectMatches('f|neq: [a, b]', [{ f: 'c' }, {}], [{ f: 'a' }, { f: 'B' }])
    expectMatches('f|neq: 4', [{ f: 5 }], [{ f: 4 }])
  })

  it('cased regards case, also beside contains', () => {
    expectMatches('f|cased: Ab', [{ f: 'Ab' }], [{ f: 'ab' }])
    expectMatches('f|contains|cased: Ab', [{ f: 'xAbx' }], [{ f: 'xabx' }])
  })

  it('exists looks at presence alone', () => {
    expectMatches('f|exists: true', [{ f: null }, { f: '' }, { f: 1 }], [{}])
    expectMatches('f|exists: false', [{}], [{ f: null }])
  })

  it('windash takes every dash that begins an option for any other', () => {
    expectMatches(
      "f|contains|windash: ' -param-name '",
      [{ f: 'x /param-name y' }, { f: 'x \u2014param-name y' }],
      [{ f: 'x -param/name y' }, { f: 'x +param-name y' }],
    )
    expectMatches("f|windash|contains: '-a -b'", [{ f: '/a \u2015b' }], [{ f: 'a b' }])
  })

  it('base64, base64offset and the wide encodings find what they encode', () => {
    expectMatches('f|base64: foo', [{ f: Buffer.from('foo').toString('base64') }], [{ f: 'foo' }])
    for (const before of ['', 'x', 'xy', 'xyz']) {
      const hidden = Buffer.from(`${before}http://evil?`).toString('base64')
      expectMatches("f|base64offset|contains: 'http://'", [{ f: hidden }], [{ f: 'aHR0' }])
      const wide = Buffer.from(`${before}Invoke-Expression `, 'utf16le').toString('base64')
      expectMatches("f|wide|base64offset|contains: 'Invoke-'", [{ f: wide }], [{ f: hidden }])
      expectMatches("f|utf16le|base64offset|contains: 'Invoke-'", [{ f: wide }], [])
      const big = Buffer.from(`${before}Invoke-Expression `, 'utf16le').swap16().toString('base64')
      expectMatches("f|utf16be|base64offset|contains: 'Invoke-'", [{ f: big }], [{ f: hidden }])
    }
    const marked = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('cmd', 'utf16le')]).toString('base64')
    expectMatches('f|utf16|base64: cmd', [{ f: marked }], [])
    expectMatches('f|base64offset|contains: schädlich', [{ f: Buffer.from('a schädlich b').toString('base64') }], [])
  })

  it('re is searched for, with regard to case unless i; m and s change anchors and the dot', () => {
    expectMatches('f|re: b.d', [{ f: 'abxd' }], [{ f: 'abd' }, { f: 'aBxd' }, { f: 'ab\nd' }])
    expectMatches('f|re|i: b.d', [{ f: 'aBxD' }], [])
    expectMatches('f|re|s: b.d', [{ f: 'ab\nd' }], [])
    expectMatches("f|re|m: '^b$'", [{ f: 'a\nb' }], [{ f: 'ab' }])
    expectMatches("f|re: '^b$'", [{ f: 'b' }], [{ f: 'a\nb' }])
    expectMatches(String.raw`f|re: '(?:foo|bar)\.exe\s+-[a-f]{2,3}'`, [{ f: 'bar.exe  -abc' }], [{ f: 'bar.exe -a' }])
    expectMatches('f|re: 12', [{ f: 3124 }, { f: [1, 12] }], [{ f: 3 }])
    expectMatches('f|re|startswith: b+', [{ f: 'bbc' }], [{ f: 'abb' }])
  })

  it('cidr holds for both families and for mapped addresses', () => {
    expectMatches(
      'f|cidr: 10.0.0.0/8',
      [{ f: '10.1.2.3' }, { f: '::ffff:10.9.9.9' }, { f: ['1.1.1.1', '10.0.0.0'] }],
      [{ f: '11.0.0.1' }, { f: '10.1.2' }, { f: 'x10.1.2.3' }, { f: '10.1.2.300' }, { f: '10.1.2.3.4' }, {}],
    )
    expectMatches(
      'f|cidr: [192.168.0.0/16, 0.0.0.0/32]',
      [{ f: '192.168.255.255' }, { f: '0.0.0.0' }],
      [{ f: '192.169.0.0' }],
    )
    expectMatches("f|cidr: '2001:db8::/32'", [{ f: '2001:db8:1::1' }], [{ f: '2001:db9::' }, { f: '10.0.0.1' }])
    expectMatches('f|cidr: 1.2.3.4', [{ f: '1.2.3.4' }], [{ f: '1.2.3.5' }])
  })

  it('numbers compare as numbers, texts that are none never', () => {
    expectMatches('f|gt: 5', [{ f: 6 }, { f: '6.5' }, { f: '1e3' }], [{ f: 5 }, { f: 'x' }, { f: '' }, {}, { f: true }])
    expectMatches('f|gte: 5\ng|lt: 0.5', [{ f: 5, g: 0.4 }], [{ f: 5, g: 0.5 }])
    expectMatches("f|lte: '-3'", [{ f: -3 }], [{ f: -2 }])
  })

  it('fieldref compares fields, also partly', () => {
    expectMatches(
      'f|fieldref: g',
      [
        { f: 'A', g: 'a' },
        { f: [1, 2], g: 2 },
      ],
      [{ f: 'a', g: 'b' }, { f: 'a' }, {}],
    )
    expectMatches('f|fieldref|startswith: g', [{ f: 'abc', g: 'ab' }], [{ f: 'ab', g: 'abc' }])
    expectMatches('f|fieldref|neq: g', [{ f: 'a', g: 'b' }], [{ f: 'a', g: 'a' }])
    expectMatches('f|fieldref|contains|cased: g', [{ f: 'xAx', g: 'A' }], [{ f: 'xax', g: 'A' }])
  })

  it('time parts are those of UTC, and may be compared', () => {
    const t = '2026-01-01T23:59:30.5+01:00'
    for (const [part, value] of [
      ['minute', 59],
      ['hour', 22],
      ['day', 1],
      ['week', 1],
      ['month', 1],
      ['year', 2026],
    ] as const) {
      expectMatches(`f|${part}: ${value}`, [{ f: t }], [{ f: 'soon' }, { f: 5 }, {}])
    }
    expectMatches(
      'f|hour|gte: 20',
      [{ f: t }, { f: 1_767_303_000 }, { f: 1_767_303_000_000 }],
      [{ f: '2026-01-01T19:00:00Z' }],
    )
    expectMatches('f|week: 53', [{ f: '2027-01-03' }], [{ f: '2027-01-04' }])
    expectMatches('f|hour: 7', [{ f: '2026-01-01 07:00:00' }], [])
  })
})

describe('keywords', () => {
  it('are sought in every value of the event, not in names', () => {
    expectMatches(
      "- 'event::clear'\n- x*y",
      [{ a: { b: ['1 EVENT::CLEAR 2'] } }, { f: 'axxy' }],
      [{ event: 'clear' }, { 'event::clear': 1 }],
    )
    expectMatches("'|all': [Oab, ' -url ']", [{ f: 'oab', g: 'x -url y' }], [{ f: 'oab' }])
    expectMatches("'|re': ['ab+c']", [{ f: 'xabbc' }], [{ f: 'ABC' }])
    expectMatches("'|cased': Ab", [{ f: 'xAb' }], [{ f: 'xab' }])
  })
})

describe('conditions', () => {
  const abc = 'a: {f|contains: a}\nb: {f|contains: b}\n_c: {f|contains: c}\n'
  const truth = (condition: string): string =>
    ['', 'a', 'b', 'c', 'ab', 'ac', 'bc', 'abc']
      .filter((f) => matches(`${abc}condition: ${condition}`, { f }))
      .join(' ')

  it.each([
    ['a or b and _c', 'a ab ac bc abc'],
    ['(a or b) and _c', 'ac bc abc'],
    ['not a and b', 'b bc'],
    ['not (a and b)', ' a b c ac bc'],
    ['not not a', 'a ab ac abc'],
    ['1 of them', 'a b ab ac bc abc'],
    ['any of them', 'a b ab ac bc abc'],
    ['all of them', 'ab abc'],
    ['all of them and not 1 of _*', 'ab'],
    ['a AND NOT b', 'a ac'],
    ['1 of a* or all of b', 'a b ab ac bc abc'],
  ])('%s', (condition, wanted) => {
    expect(truth(condition)).toBe(wanted)
  })

  it('a list of conditions is any of them', () => {
    expect(matches(`${abc}condition: [a and b, _c]`, { f: 'c' })).toBe(true)
    expect(matches(`${abc}condition: [a and b, _c]`, { f: 'a' })).toBe(false)
  })
})
