/**
 * Sigma files are bytes that nobody vouches for: whatever stands in them, compiling ends, throws nothing, and every mistake has a
 * place in the file. Rules that compile match whatever events without throwing, and the index finds what trying every rule finds.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { compileSigma } from '../../engine/sigma/compile.ts'
import { compileCondition } from '../../engine/sigma/evaluate.ts'
import { explain } from '../../engine/sigma/explain.ts'
import { FieldReader } from '../../engine/sigma/fields.ts'
import { createMatcher } from '../../engine/sigma/matcher.ts'

const fragments = fc.constantFrom(
  'title: ',
  'id: ',
  'logsource:',
  'detection:',
  'condition: ',
  'selection',
  'correlation:',
  'filter:',
  '\n',
  '\n  ',
  '\n    ',
  '- ',
  '|contains',
  '|re',
  '|all',
  '|base64offset',
  '%x%',
  '*',
  '?',
  '\\',
  '1 of them',
  'not ',
  '(',
  ')',
  'and',
  '&a ',
  '*a',
  '---\n',
  '{',
  '}',
  '[',
  ']',
  ': ',
  "'",
  '"',
  '__proto__',
  'constructor',
  'null',
  '\u0000',
  '\ud800',
  '10.0.0.0/8',
  'timespan: 5m',
)

/** Small alphabets make values and texts meet. */
const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.', '-', ' ', '\\', 'é', 'Σ', '1'), maxLength: 6 })
const value = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'B', '*', '?', '\\', '.', '-', ' ', 'Σ', '1', '2'), maxLength: 6 }),
  fc.integer({ min: -3, max: 20 }),
  fc.constantFrom(true, null, '10.0.0.0/8', '[ab]+c?', 'a|b', '(a', '%p%', 'g.h', '2026-01-01T10:00:00Z'),
)
const names = ['f', 'g', 'g.h', '__proto__', 'constructor']
const modifiers = [
  'all',
  'startswith',
  'endswith',
  'contains',
  'exists',
  'cased',
  'neq',
  'windash',
  're',
  'i',
  'm',
  's',
  'base64',
  'base64offset',
  'utf16le',
  'wide',
  'lt',
  'gte',
  'hour',
  'cidr',
  'fieldref',
  'expand',
]
const key = fc
  .tuple(
    fc.constantFrom('', ...names),
    fc.oneof(fc.constant<string[]>([]), fc.array(fc.constantFrom(...modifiers), { maxLength: 3 })),
  )
  .map(([field, list]) => [field, ...list].join('|'))
const item = fc.oneof(value, fc.array(value, { maxLength: 4 }))
const map = fc.dictionary(key, item, { maxKeys: 3, noNullPrototype: true })
const selection = fc.oneof({ weight: 3, arbitrary: map }, fc.array(fc.oneof(map, value), { maxLength: 3 }))
const condition = fc
  .array(fc.constantFrom('a', 'b', '_c', 'and', 'or', 'not', '(', ')', '1 of them', 'all of b*'), {
    minLength: 1,
    maxLength: 7,
  })
  .map((words) => words.join(' '))
const rule = fc.record({
  title: fc.constant('T'),
  logsource: fc.constantFrom({ product: 'p' }, { product: 'p', service: 's' }, { category: 'c' }),
  detection: fc.record({
    a: selection,
    b: selection,
    _c: map,
    condition: fc.oneof(fc.constantFrom('a', 'not b', 'a or b', 'a and not _c', '1 of them'), condition),
  }),
})
const leaf = fc.oneof(
  letters,
  fc.integer({ min: -3, max: 20 }),
  fc.constantFrom(null, true, '10.1.2.3', '2026-01-01T10:30:00Z'),
)
const event = fc.record(
  {
    f: fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })),
    g: fc.oneof(leaf, fc.record({ h: leaf }), fc.array(fc.record({ h: leaf }), { maxLength: 2 })),
    warden: fc.record({ logsource: fc.constantFrom({ product: 'p' }, { product: 'p', service: 's', category: 'c' }) }),
  },
  { requiredKeys: ['warden'] },
)

/** Rules and events of two letters: most compile, and many match. */
const few = fc.string({ unit: fc.constantFrom('a', 'B', '*', '?'), minLength: 1, maxLength: 4 })
const calmKey = fc
  .tuple(
    fc.constantFrom('f', 'f', 'g'),
    fc.constantFrom('', '|contains', '|startswith', '|endswith', '|contains|all', '|cased', '|re|i'),
  )
  .map((parts) => parts.join(''))
const calmMap = fc.dictionary(calmKey, fc.oneof(few, fc.array(few, { minLength: 1, maxLength: 20 })), {
  minKeys: 1,
  maxKeys: 2,
  noNullPrototype: true,
})
const calmRule = fc.record({
  title: fc.constant('T'),
  logsource: fc.constant({ product: 'p' }),
  detection: fc.record({
    a: calmMap,
    b: fc.oneof(calmMap, fc.array(calmMap, { minLength: 1, maxLength: 2 })),
    condition: fc.constantFrom('a', 'b', 'a or b', 'a and b', 'a and not b', 'not a'),
  }),
})
const short = fc.string({ unit: fc.constantFrom('a', 'b', 'A'), maxLength: 5 })
const calmEvent = fc.record({
  f: fc.oneof(short, fc.array(short, { maxLength: 2 })),
  g: short,
  warden: fc.constant({ logsource: { product: 'p' } }),
})
const wild = fc.tuple(fc.array(rule, { maxLength: 20 }), fc.array(event, { minLength: 1, maxLength: 8 }))
const calm = fc.tuple(fc.array(calmRule, { maxLength: 30 }), fc.array(calmEvent, { minLength: 1, maxLength: 8 }))

function fileOf(rules: readonly unknown[]): { path: string; text: string } {
  return { path: 'r.yml', text: rules.map((each) => stringify(each)).join('---\n') }
}

describe('Sigma files that nobody vouches for', () => {
  it('compile to rules and mistakes, each mistake with its place', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fragments, fc.string({ maxLength: 8 })), { maxLength: 40 }),
        fc.boolean(),
        (parts, pipeline) => {
          const path = pipeline ? 'pipelines/x.yml' : 'r.yml'
          const { mistakes } = compileSigma([{ path, text: parts.join('') }])
          for (const { code, place, hint } of mistakes) {
            if (code.startsWith('SIGMA_')) expect(hint).toBeDefined()
            expect(place?.file).toBe(path)
            expect(place!.line).toBeGreaterThan(0)
            expect(place!.column).toBeGreaterThan(0)
          }
        },
      ),
      { numRuns: 1_500 },
    )
  })

  it('well-formed rules with any values either compile or have mistakes', () => {
    fc.assert(
      fc.property(rule, (drawn) => {
        const { rules, mistakes } = compileSigma([fileOf([drawn])])
        expect(rules.length === 1).toBe(mistakes.length === 0)
      }),
      { numRuns: 1_500 },
    )
  })

  it('match through the index exactly what they match when each is tried', () => {
    fc.assert(
      fc.property(fc.oneof<[typeof calm, typeof wild]>(calm, wild), ([drawn, events]) => {
        const { rules } = compileSigma([fileOf(drawn)])
        const matcher = createMatcher(rules)
        for (const each of events) {
          const reader = new FieldReader()
          reader.read(each)
          const tried = rules.filter(
            ({ meta, condition }) =>
              Object.entries(meta.logsource).every(
                ([name, wanted]) => (each.warden.logsource as Record<string, string>)[name] === wanted,
              ) && compileCondition(condition, reader)(),
          )
          const matched: unknown[] = []
          matcher.match(each, (found) => matched.push(found))
          expect(matched).toEqual(tried)
          for (const found of rules) expect(explain(found, each).matches).toBe(tried.includes(found))
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
