import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseYaml, parseYamlDocuments, schemaMistakes } from './yaml.ts'

const file = (text: string) => ({ path: 'rules/a.yml', text })
const codes = (text: string) => parseYaml(file(text)).mistakes.map((mistake) => mistake.code)

describe('a content file', () => {
  test('gives plain data and the place of every value and key', () => {
    const parsed = parseYaml(file('title: One\nlist:\n  - a: 1\n    b: 2\n'))
    expect(parsed.mistakes).toEqual([])
    expect(parsed.value).toEqual({ title: 'One', list: [{ a: 1, b: 2 }] })
    expect(parsed.place(['list', 0, 'b'])).toEqual({ file: 'rules/a.yml', line: 4, column: 8 })
    expect(parsed.keyPlace(['list', 0, 'b'])).toEqual({ file: 'rules/a.yml', line: 4, column: 5 })
  })

  test('a path that leads nowhere is placed at its nearest container', () => {
    expect(parseYaml(file('a:\n  b: 1\n')).place(['a', 'missing', 'deeper'])).toMatchObject({ line: 2, column: 3 })
  })

  test('all syntax mistakes are listed, not only the first', () => {
    const mistakes = parseYaml(file('a: 1\na: 2\nb: [1\n')).mistakes
    expect(mistakes.length).toBeGreaterThan(1)
    expect(mistakes[0]).toMatchObject({ code: 'YAML_DUPLICATE_KEY', place: { line: 2, column: 1 } })
  })

  test('keys that name the prototype are data and change no prototype', () => {
    const { value } = parseYaml(file('__proto__:\n  polluted: true\nconstructor: 1\n'))
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('an alias bomb is refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (let i = 1; i < 9; i++)
      bomb.push(
        `${'abcdefghi'[i]!}: &${'abcdefghi'[i]!} [${Array(9)
          .fill(`*${'abcdefghi'[i - 1]!}`)
          .join(',')}]`,
      )
    expect(codes(bomb.join('\n'))).toEqual(['YAML_ALIASES'])
  })

  test.each([
    ['nesting past the limit', '['.repeat(100) + ']'.repeat(100), 'YAML_TOO_DEEP'],
    ['nesting that overflows a stack', '['.repeat(250_000), 'YAML_TOO_DEEP'],
    ['more than a file may have', `a: ${'x'.repeat(600_000)}`, 'YAML_TOO_LARGE'],
    ['nothing', '', 'YAML_EMPTY'],
    ['an unknown tag', 'a: !!js/function "x"', 'YAML_TAG_RESOLVE_FAILED'],
    ['two documents where one is meant', 'a: 1\n---\nb: 1\n', 'YAML_DOCUMENTS'],
  ])('%s is a mistake, not a crash', (_name, text, code) => {
    const parsed = parseYaml(file(text))
    expect(parsed.mistakes.map((mistake) => mistake.code)).toContain(code)
    expect(parsed.value).toBeUndefined()
  })

  test('documents divided by --- come one by one, each with its own places', () => {
    const [first, second] = parseYamlDocuments(file('a: 1\n---\nb: 2\n'))
    expect([first.value, second?.value]).toEqual([{ a: 1 }, { b: 2 }])
    expect(second?.place(['b'])).toMatchObject({ line: 3, column: 4 })
  })
})

describe('a schema over a content file', () => {
  const schema = z.strictObject({
    name: z.string(),
    match: z.union([z.string(), z.strictObject({ field: z.string(), equals: z.string() })]),
  })

  test('an unknown key is named and placed where it stands', () => {
    const parsed = parseYaml(file('name: x\nmatch:\n  field: a\n  equals: b\n  equal: c\n'))
    const mistakes = schemaMistakes(parsed, schema.safeParse(parsed.value).error!, 'SOURCE_INVALID')
    expect(mistakes).toEqual([
      {
        code: 'SOURCE_INVALID',
        message: 'Unknown key "equal" at match.',
        place: { file: 'rules/a.yml', line: 5, column: 3 },
      },
    ])
  })

  test('a missing and a wrong value are both told', () => {
    const parsed = parseYaml(file('match: 5\n'))
    const mistakes = schemaMistakes(parsed, schema.safeParse(parsed.value).error!, 'X')
    expect(mistakes.map((mistake) => mistake.place)).toEqual([
      { file: 'rules/a.yml', line: 1, column: 1 },
      { file: 'rules/a.yml', line: 1, column: 8 },
    ])
    expect(mistakes[0]!.message).toBe('The key "name" is missing.')
    expect(mistakes[1]!.message).toContain('at match')
  })

  test('a missing key is told as such whatever its type, a value of the wrong type is not', () => {
    const b = z.unknown().nonoptional()
    const d = z.enum(['x', 'y'])
    const e = z.union([z.string(), z.object({ f: z.string() })])
    const nested = z.object({ a: z.object({ b, c: z.string(), d, e }) })
    const parsed = parseYaml(file('a:\n  c: 1\n'))
    const messages = schemaMistakes(parsed, nested.safeParse(parsed.value).error!, 'X').map(({ message }) => message)
    expect(messages).toEqual([
      'The key "b" is missing at a.',
      'Text is expected, not a number at a.c.',
      'The key "d" is missing at a.',
      'The key "e" is missing at a.',
    ])
  })
})
