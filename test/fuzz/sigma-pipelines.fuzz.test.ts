/**
 * Pipelines are files like any other: whatever they say, compiling ends, throws nothing, and each mistake has a place. And what
 * was made to explode (repetitions, nests, aliases, lists, long fields) is refused or done within bounded time.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { compileSigma } from '../../engine/sigma/compile.ts'
import { createMatcher } from '../../engine/sigma/matcher.ts'
import { EventLines } from '../../engine/sigma/ndjson.ts'

const word = fc.constantFrom(
  'f',
  'g',
  'x',
  'a*',
  '(a',
  '(?P<n>.)',
  '\\1',
  '\\g<n>',
  '__proto__',
  'constructor',
  '%p%',
  '',
)
const scalar = fc.oneof(word, fc.integer(), fc.constantFrom(true, null))
const anything = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(word, scalar, { maxKeys: 3 }))
const type = fc.constantFrom(
  'field_name_mapping',
  'field_name_prefix_mapping',
  'field_name_prefix',
  'field_name_suffix',
  'drop_detection_item',
  'hashes_fields',
  'extract_fields',
  'replace_string',
  'map_string',
  'regex',
  'set_value',
  'convert_type',
  'case',
  'add_condition',
  'value_placeholders',
  'wildcard_placeholders',
  'set_state',
  'nest',
  'strict_field_mapping_failure',
  'http_placeholders',
)
const mapping = fc.dictionary(word, fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 2 })), { maxKeys: 3 })
const condition = fc.constantFrom(
  { type: 'include_fields', fields: ['f'] },
  { type: 'exclude_fields', mode: 're', fields: ['(g'] },
  { type: 'match_string', cond: 'all', pattern: 'x' },
  { type: 'contains_field', field: 'f' },
  { type: 'processing_state', key: 'k', val: 1, op: 'gt' },
  { type: 'made_up' },
)
const item = fc.record(
  {
    type,
    mapping,
    prefix: word,
    suffix: word,
    regex: word,
    replacement: word,
    field_prefix: word,
    valid_hash_algos: fc.constant(['MD5', 'SHA1']),
    value: anything,
    target_type: fc.constantFrom('str', 'num', 'x'),
    method: fc.constantFrom('lower', 'plain', 'x'),
    conditions: fc.dictionary(word, anything, { maxKeys: 2 }),
    items: fc.constant([{ type: 'regex' }]),
    key: word,
    val: scalar,
    field_name_conditions: fc.array(condition, { maxLength: 2 }),
    rule_conditions: fc.oneof(fc.array(condition, { maxLength: 2 }), fc.constant({ a: { type: 'is_sigma_rule' } })),
    rule_cond_expr: fc.constantFrom('a', 'a and', 'not a'),
  },
  { requiredKeys: ['type'], noNullPrototype: true },
)
/** An item with just the keys that its type knows, most of the time. */
const known: Readonly<Record<string, readonly string[]>> = {
  field_name_mapping: ['mapping'],
  field_name_prefix_mapping: ['mapping'],
  field_name_prefix: ['prefix'],
  field_name_suffix: ['suffix'],
  hashes_fields: ['valid_hash_algos'],
  extract_fields: ['regex', 'field_prefix'],
  replace_string: ['regex', 'replacement'],
  map_string: ['mapping'],
  set_value: ['value'],
  convert_type: ['target_type'],
  add_condition: ['conditions'],
  set_state: ['key', 'val'],
  nest: ['items'],
}
const tidy = item.map((drawn) => {
  const keys = ['type', 'field_name_conditions', ...(known[drawn.type] ?? [])]
  return Object.fromEntries(Object.entries(drawn).filter(([key]) => keys.includes(key)))
})
const rule = stringify({
  title: 'R',
  logsource: { product: 'p' },
  detection: {
    a: { f: ['x', 'a*', 1, null], 'g|contains': 'a', 'f|re': 'x+', Hashes: 'MD5=x' },
    b: ['x', 'a'],
    c: { 'g|fieldref': 'f' },
    condition: 'a or b and not c',
  },
})
const event = { f: ['x', 1], g: 'a', Hashes: 'x', product: 'p', x: { f: 'x' } }

describe('pipelines that nobody vouches for', () => {
  it('end with rules or with mistakes that have a place, and what they made matches without throwing', () => {
    let compiled = 0
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: tidy }, item), { maxLength: 4 }), (items) => {
        const text = stringify({ name: 'p', vars: { p: ['v'] }, transformations: items })
        const { rules, mistakes } = compileSigma([
          { path: 'pipelines/p.yml', text },
          { path: 'r.yml', text: rule },
        ])
        for (const { place } of mistakes) {
          expect(['pipelines/p.yml', 'r.yml']).toContain(place?.file)
          expect(place!.line).toBeGreaterThan(0)
        }
        compiled += rules.length
        createMatcher(rules, 'open').match(event, () => undefined)
      }),
      { numRuns: 3_000 },
    )
    expect(compiled).toBeGreaterThan(200)
  })
})

/** Milliseconds of processor time. */
function timed(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

function ruleOf(detection: Record<string, unknown>): { readonly path: string; readonly text: string } {
  return { path: 'r.yml', text: stringify({ title: 'R', logsource: { product: 'p' }, detection }) }
}

function match(detection: Record<string, unknown>, hostile: Record<string, unknown>): boolean {
  const { rules, mistakes } = compileSigma([ruleOf(detection)])
  expect(mistakes).toEqual([])
  let found = false
  createMatcher(rules, 'open').match(hostile, () => (found = true))
  return found
}

describe('what is made to explode', () => {
  it.each(['(a+)+$', '(a|aa)+$', '(a|a?)+c$', '(.*a){12}$', '([a-z]+)*!'])(
    'the expression %s takes linear time',
    (source) => {
      const ms = timed(() => {
        expect(match({ a: { 'f|re': source }, condition: 'a' }, { f: `${'a'.repeat(20_000)}b` })).toBe(false)
      })
      expect(ms).toBeLessThan(4_000)
    },
  )

  it('a pattern with many wildcards on a field of a megabyte takes bounded time', () => {
    const ms = timed(() => {
      const value = `${'*a?'.repeat(40)}*z`
      expect(match({ a: { 'f|contains': value }, condition: 'a' }, { f: 'a'.repeat(1_000_000) })).toBe(false)
    })
    expect(ms).toBeLessThan(4_000)
  })

  it('a field of a megabyte meets thousands of literals that it nearly has', () => {
    const ms = timed(() => {
      const list = Array.from({ length: 5_000 }, (_, index) => `${'a'.repeat(12)}${index}`)
      expect(match({ a: { 'f|contains': list }, condition: 'a' }, { f: 'a'.repeat(1_000_000) })).toBe(false)
    })
    expect(ms).toBeLessThan(6_000)
  })

  it('a list of 100,000 values is over the size of a content file, or compiles and finds each of them', () => {
    const list = Array.from({ length: 100_000 }, (_, index) => `v${index}`)
    const big = compileSigma([ruleOf({ a: { f: list }, condition: 'a' })])
    expect(big.mistakes.map(({ code }) => code)).toEqual(['YAML_TOO_LARGE'])
    const ms = timed(() => {
      expect(match({ a: { f: list.slice(0, 20_000) }, condition: 'a' }, { f: 'V19999' })).toBe(true)
    })
    expect(ms).toBeLessThan(8_000)
  })

  it('aliases that multiply, conditions without end and expressions that unfold are refused', () => {
    const aliases = Array.from({ length: 9 }, (_, n) => `k${n + 1}: &k${n + 1} [${Array(9).fill(`*k${n}`).join(', ')}]`)
    const bomb = `k0: &k0 [x]\n${aliases.join('\n')}\ntitle: T\n`
    const codes = (text: string): readonly string[] =>
      compileSigma([{ path: 'r.yml', text }]).mistakes.map(({ code }) => code)
    expect(codes(bomb)).toEqual(['YAML_ALIASES'])
    const deep = ruleOf({ a: { f: 1 }, condition: `${'not ('.repeat(60)}a${')'.repeat(60)}` })
    expect(codes(deep.text)).toEqual(['SIGMA_TOO_LARGE'])
    const unfolding = ruleOf({ a: { 'f|re': '((a{100}){100}){100}' }, condition: 'a' })
    expect(codes(unfolding.text)[0]).toMatch(/SIGMA_(TOO_LARGE|REGEX_INVALID)/)
  })

  it('an event as deep or as wide as JSON can be is matched, or its line is bad', () => {
    const { rules } = compileSigma([ruleOf({ a: ['needle'], b: { 'x.x.x': 1 }, condition: 'a or b' })])
    const bad: number[] = []
    const lines = new EventLines(createMatcher(rules, 'open'), {
      onMatch: () => undefined,
      onBadLine: (line) => bad.push(line),
    })
    const ms = timed(() => {
      lines.write(`${'{"x":'.repeat(200_000)}1${'}'.repeat(200_000)}\n`)
      lines.write(`{"x":${'['.repeat(200_000)}1${']'.repeat(200_000)}}\n`)
      lines.write(`{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":${index}`).join(',')}}\n`)
      lines.end()
    })
    expect(lines.events + bad.length).toBe(3)
    expect(ms).toBeLessThan(8_000)
  })
})
