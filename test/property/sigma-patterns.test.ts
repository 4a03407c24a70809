/** Wildcards, grams and required literals against plain, slow readings of what they mean. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ContainsTable } from '../../engine/sigma/contains-table.ts'
import { Trie } from '../../engine/sigma/trie.ts'
import { compileRegex } from '../../engine/sigma/regex.ts'
import { compilePattern, fold, parsePattern, plainText } from '../../engine/sigma/pattern.ts'
import { requiredLiteral } from '../../engine/sigma/regex-literal.ts'
import type { PatternPart } from '../../engine/sigma/types.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'b', '\\', '*', '-', '/'), maxLength: 12 })
const part: fc.Arbitrary<PatternPart> = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '-'), minLength: 1, maxLength: 3 }),
  fc.constantFrom<PatternPart>({ wild: 'any' }, { wild: 'one' }, { wild: 'dash' }),
)

/** By trying everything. */
function matchesSlowly(parts: readonly PatternPart[], rest: string): boolean {
  const [first, ...others] = parts
  if (first === undefined) return rest === ''
  if (typeof first === 'string') return rest.startsWith(first) && matchesSlowly(others, rest.slice(first.length))
  if (first.wild === 'any') {
    return matchesSlowly(others, rest) || (rest !== '' && matchesSlowly(parts, rest.slice(1)))
  }
  return rest !== '' && (first.wild === 'one' || '-/'.includes(rest[0]!)) && matchesSlowly(others, rest.slice(1))
}

it('a pattern matches what trying every way of reading it matches', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), text, (parts, whole) => {
      expect(compilePattern(parts)(whole)).toBe(matchesSlowly(parts, whole))
    }),
    { numRuns: 20_000 },
  )
})

it('a text written with escapes means itself', () => {
  fc.assert(
    fc.property(text, (whole) => {
      const written = whole.replace(/[\\*?]/g, '\\$&')
      expect(plainText(parsePattern(written))).toBe(whole)
    }),
  )
})

it('a pattern of many wildcards costs no more than its length times the text', () => {
  const match = compilePattern(parsePattern(`${'*a?'.repeat(60)}b*`))
  const started = performance.now()
  expect(match('a'.repeat(8_192))).toBe(false)
  expect(performance.now() - started).toBeLessThan(200)
})

it('tables of literals find what looking for each finds', () => {
  const literals = fc.uniqueArray(
    fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀'), minLength: 1, maxLength: 5 }),
    { maxLength: 60 },
  )
  const whole = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀'), maxLength: 20 })
  fc.assert(
    fc.property(literals, whole, (texts, within) => {
      const filed = texts.map((each, index) => ({ text: each, entries: [index] }))
      const found = (look: (into: (entries: readonly number[]) => boolean) => void): readonly number[] => {
        const entries = new Set<number>()
        look(([entry]) => {
          entries.add(entry!)
          return false
        })
        return [...entries].sort((a, b) => a - b)
      }
      const wanted = (test: (each: string) => boolean): readonly number[] =>
        texts.flatMap((each, index) => (test(each) ? [index] : []))
      const table = new ContainsTable(filed)
      expect(found((into) => table.look(within, into))).toEqual(wanted((each) => within.includes(each)))
      expect(table.any(within)).toBe(texts.some((each) => within.includes(each)))
      expect(found((into) => new Trie(filed, false).look(within, into))).toEqual(
        wanted((each) => within.startsWith(each)),
      )
      expect(found((into) => new Trie(filed, true).look(within, into))).toEqual(wanted((each) => within.endsWith(each)))
    }),
    { numRuns: 3_000 },
  )
})

it('many digests are found wherever in a text one of them stands', () => {
  const digit = fc.constantFrom(...Array.from({ length: 16 }, (_, value) => value.toString(16)))
  const digests = fc.uniqueArray(fc.string({ unit: digit, minLength: 15, maxLength: 40 }), {
    minLength: 5,
    maxLength: 300,
  })
  // Also across the pieces that a long text is gone through in.
  const places = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 53_700, max: 53_770 }))
  fc.assert(
    fc.property(digests, places, fc.nat(), fc.nat({ max: 40 }), (texts, place, chosen, cut) => {
      const table = new ContainsTable(texts.map((text, index) => ({ text, entries: [index] })))
      const whole = `${'a1'.repeat(place / 2)}${'-'.repeat(place % 2)}${texts[chosen % texts.length]!.slice(0, cut)}-ff`
      const found = new Set<number>()
      table.look(whole, ([entry]) => {
        found.add(entry!)
        return false
      })
      expect([...found].sort((a, b) => a - b)).toEqual(
        texts.flatMap((each, index) => (whole.includes(each) ? [index] : [])),
      )
    }),
    { numRuns: 500 },
  )
})

it('hundreds of literals of two letters are found, in a time that is not that of trying each', () => {
  const letters = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength })
  const found = (table: ContainsTable, whole: string): readonly number[] => {
    const entries = new Set<number>()
    table.look(whole, ([entry]) => {
      entries.add(entry!)
      return false
    })
    return [...entries].sort((a, b) => a - b)
  }
  const tableOf = (texts: readonly string[]): ContainsTable =>
    new ContainsTable(texts.map((text, index) => ({ text, entries: [index] })))
  fc.assert(
    fc.property(
      fc.uniqueArray(letters(4, 14), { minLength: 100, maxLength: 400, size: 'max' }),
      letters(0, 200),
      (texts, whole) => {
        const wanted = texts.flatMap((each, index) => (whole.includes(each) ? [index] : []))
        expect(found(tableOf(texts), whole)).toEqual(wanted)
        expect(tableOf(texts).any(whole)).toBe(wanted.length > 0)
      },
    ),
    { numRuns: 80 },
  )
  const spell = (number: number): string =>
    number.toString(2).padStart(20, '0').replaceAll('0', 'a').replaceAll('1', 'b')
  const many = tableOf(Array.from({ length: 4_000 }, (_, number) => `${spell(number * 251)}${'a'.repeat(30)}`))
  const whole = Array.from({ length: 20_000 }, (_, number) => spell(Math.imul(number, 40_503) & 0xf_ffff)).join('')
  const started = process.cpuUsage().user
  expect(many.any(whole)).toBe(false)
  expect((process.cpuUsage().user - started) / 1_000).toBeLessThan(500)
})

const atom: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', 'S', 'k', ' '), minLength: 1, maxLength: 3 }) },
  fc.constantFrom('.', '\\.', '\\d', '\\\\', '[ab]', '[^a]', '(?:ab|b)', '(a)', '^', '$', '\\b', '(?i)', 'é', '|'),
)
const quantified = fc
  .tuple(atom, fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{0,1}', '+?', '{1,}'))
  .map(([a, q]) => a + q)

it('a quantifier after a bare flag group belongs to what stands before it, which is then not required', () => {
  expect(requiredLiteral('aa(?i)*')).toBeUndefined()
  expect(compileRegex('aa(?i)*', '').test('a')).toBe(true)
})

it('the literal that an expression requires is in every text that it matches', () => {
  let required = 0
  fc.assert(
    fc.property(
      fc.array(quantified, { minLength: 1, maxLength: 5 }).map((atoms) => atoms.join('')),
      fc.array(
        fc.string({
          unit: fc.constantFrom('a', 'b', 's', 'S', '\u017f', 'K', '\u212a', ' ', '.', '\\', '1', 'é'),
          maxLength: 10,
        }),
        { minLength: 5, maxLength: 5 },
      ),
      fc.constantFrom('', 'i', 's'),
      (source, texts, flags) => {
        const literal = requiredLiteral(source)
        if (literal === undefined) return
        let expression
        try {
          expression = compileRegex(source, flags)
        } catch {
          return
        }
        required++
        for (const each of texts) {
          if (expression.test(each)) expect([source, fold(each)]).toEqual([source, expect.stringContaining(literal)])
        }
      },
    ),
    { numRuns: 30_000 },
  )
  expect(required).toBeGreaterThan(1_000)
})
