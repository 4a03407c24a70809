/**
 * Whatever JSON comes in, a source ends with an event, a refusal or a record passed over; and what collect makes of its text
 * differs from it by the secrets alone.
 */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deadLetterCodes } from '../../core/dead-letter.ts'
import { Event } from '../../core/event.ts'
import { parseJson } from '../../core/json.ts'
import { parseYaml } from '../../core/yaml.ts'
import { compileSources } from '../../engine/sources/compile.ts'
import { MappingContext } from '../../engine/sources/mapping-context.ts'
import { redactText, sensitivePlan, type SensitivePlan } from '../../engine/sources/redact.ts'
import type { RawRecord } from '../../engine/sources/source.ts'

const folder = new URL('../../sources/', import.meta.url)
const files = readdirSync(folder).map((name) => ({ path: name, text: readFileSync(new URL(name, folder), 'utf8') }))
const { sources } = compileSources(files)
const context = new MappingContext(new Uint8Array(32))
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 300)

const raw: RawRecord = {
  position: { topic: 'audit.events', partition: 0, offset: 0, index: 0 },
  appendedMs: Date.parse('2026-06-01T00:00:00Z'),
  hash: 'f'.repeat(64),
  masked: false,
  origin: undefined,
  tenant: undefined,
}

/** Records of the cases, as ground to break. */
const seeds = files
  .filter((file) => file.path.endsWith('.cases.yml'))
  .flatMap((file) => {
    const value = parseYaml(file).value as { source: string; cases: { record?: object }[] }
    return value.cases
      .filter((one) => one.record !== undefined)
      .map((one) => ({ source: value.source, record: one.record }))
  })

const hostileKey = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  '',
  '.',
  'a..b',
  'toString',
  'length',
  '\u0000',
  '\ud800',
  'x'.repeat(500),
)
const hostile = fc.oneof(
  { maxDepth: 4 },
  fc.constantFrom<unknown>(
    null,
    '',
    0,
    -0,
    1e308,
    9007199254740993,
    true,
    [],
    {},
    '\ud800',
    '\u0000',
    '9'.repeat(400),
    'x'.repeat(20_000),
  ),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ depthSize: 'medium', stringUnit: 'binary' }),
  fc.dictionary(fc.oneof(hostileKey, fc.string({ unit: 'binary' })), fc.jsonValue({ maxDepth: 2 }), {
    noNullPrototype: true,
  }),
)

/** Puts a hostile value at some place of a record. */
function broken(record: unknown, path: readonly number[], value: unknown): unknown {
  if (typeof record !== 'object' || record === null || path.length === 0) return value
  const keys = Object.keys(record)
  if (keys.length === 0) return value
  const [step, ...rest] = path as readonly [number, ...number[]]
  const key = keys[step % keys.length]!
  const copy: Record<string, unknown> = Array.isArray(record) ? ([...(record as unknown[])] as never) : { ...record }
  copy[key] = broken(copy[key], rest, value)
  return copy
}

const brokenRecord = fc
  .tuple(fc.constantFrom(...seeds), fc.array(fc.nat(50), { minLength: 1, maxLength: 4 }), hostile)
  .map(([{ source, record }, path, value]) => ({ source, record: broken(record, path, value) }))

describe('sources under hostile records', () => {
  test('every record ends as an event of the right form, a code of the bounded set, or passed over', () => {
    const codes: readonly string[] = deadLetterCodes
    fc.assert(
      fc.property(brokenRecord, ({ source, record }) => {
        const text = JSON.stringify(record)
        const parsed = parseJson(text)
        if (!parsed.ok) return
        const result = sources.get(source)!.normalize(parsed.value, raw, context)
        if (result.outcome === 'refused') expect(codes).toContain(result.code)
        if (result.outcome !== 'event') return
        expect(Event.safeParse(result.event).error?.issues).toBeUndefined()
        expect(JSON.stringify(result.event).isWellFormed()).toBe(true)
        expect(Object.prototype).not.toHaveProperty('polluted')
      }),
      { numRuns },
    )
  })

  test('the same record gives the same event, whatever was mapped in between', () => {
    fc.assert(
      fc.property(brokenRecord, brokenRecord, ({ source, record }, between) => {
        const once = (): string => {
          const result = sources.get(source)!.normalize(structuredClone(record), raw, context)
          return JSON.stringify(result)
        }
        const first = once()
        sources.get(between.source)!.normalize(structuredClone(between.record), raw, context)
        expect(once()).toBe(first)
      }),
      { numRuns },
    )
  })
})

describe('secrets in a record’s text', () => {
  const plan = sensitivePlan([
    { field: 'apiKey', as: 'credential' },
    { field: 'a.b', as: 'mask' },
    { field: 'list.*.c', as: 'digest' },
  ]) as SensitivePlan

  const value = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' })
  const record = fc.dictionary(
    fc.oneof(
      fc.constantFrom('apiKey', 'a', 'list', 'Authorization', 'x_api-key', 'plain'),
      fc.string({ unit: 'binary' }),
    ),
    fc.oneof(
      value,
      fc.dictionary(fc.constantFrom('b', 'password', 'c'), value),
      fc.array(fc.dictionary(fc.constantFrom('c', 'd'), value)),
    ),
    { noNullPrototype: true },
  )

  test('a record without any goes on unchanged, whatever its spelling', () => {
    const plain = fc.dictionary(
      fc.string({ unit: 'binary' }).filter((key) => !/auth|key|secret|pass|token|cookie|list|^a$/i.test(key)),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    fc.assert(
      fc.property(plain, fc.nat(4), (one, indent) => {
        const text = JSON.stringify(one, null, indent)
        expect(redactText(text, plan, context)).toBe(text)
      }),
      { numRuns },
    )
  })

  test('what comes out is JSON of the same shape, and spelling does not matter', () => {
    fc.assert(
      fc.property(record, fc.nat(4), (one, indent) => {
        const spelled = redactText(JSON.stringify(one, null, indent), plan, context)
        const dense = redactText(JSON.stringify(one), plan, context)
        expect(JSON.parse(spelled)).toEqual(JSON.parse(dense))
        expect(Object.keys(JSON.parse(dense) as object)).toEqual(Object.keys(JSON.parse(JSON.stringify(one)) as object))
      }),
      { numRuns },
    )
  })

  test('a secret is found wherever its name stands, also written twice or with escapes', () => {
    const secret = 'the-secret-value'
    const around = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(
        around,
        fc.constantFrom('"apiKey"', '"api\\u004bey"', '"Authorization"', '"X-Api-Key"', '"password"'),
        (other, name) => {
          const text = `{"o":${JSON.stringify(other)},${name}:"${secret}","in":[{${name} : "${secret}"},{"deep":{${name}:["${secret}"]}}],${name}:"${secret}"}`
          const redacted = redactText(text, plan, context)
          expect(redacted).not.toContain(secret)
          JSON.parse(redacted)
        },
      ),
      { numRuns },
    )
  })
})

describe('source files under hostile text', () => {
  test('compiling ends with sources or mistakes, and never throws', () => {
    const [seed] = files.filter((file) => file.path === 'aws.cloudtrail.yml')
    const lines = seed!.text.split('\n')
    const mutation = fc.tuple(fc.nat(lines.length), fc.string(), fc.constantFrom('replace', 'insert', 'cut'))
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 5 }), (mutations) => {
        const changed = [...lines]
        for (const [at, text, how] of mutations) {
          if (how === 'cut') changed.splice(at)
          else changed.splice(at, how === 'replace' ? 1 : 0, text)
        }
        const { mistakes } = compileSources([{ path: 'x.yml', text: changed.join('\n') }])
        for (const mistake of mistakes) expect(mistake.place?.line).toBeGreaterThan(0)
      }),
      { numRuns: Math.min(numRuns, 150) },
    )
  })
})
