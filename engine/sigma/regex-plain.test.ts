import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileRegex } from './regex.ts'
import { isPlainRegex } from './regex-plain.ts'

const pieces = fc.constantFrom(
  ...[
    'a',
    'Z',
    '7',
    ' ',
    '-',
    ',',
    '.',
    '.*',
    '.+?',
    '\\.',
    '\\\\',
    '\\d',
    '\\S+',
    '\\b',
    '\\/',
    '\\_',
    '\\z',
    '\\x41',
    '\\',
  ],
  ...['[', ']', '[^', 'a-z', '0-9', 'z-a', '[a-z0-9]', '[^\\s"]', '[-a]', '[a-]', '[]a]', '[[:alpha:]]', '[\\w-]'],
  ...[
    '(',
    ')',
    '(?:',
    '(?i)',
    '(?i:',
    '(?P<n>',
    '(?=',
    '|',
    '^',
    '$',
    '*',
    '+',
    '?',
    '{2}',
    '{1,3}',
    '{3,}',
    '{,3}',
    '{9,1}',
  ],
  ...['{50}', '{', '}', 'é', '\n', '\\pL', '\\Q', '(a|b)', '(?:c{7}){8}'],
)

describe('a regular expression that is known without compiling it', () => {
  test('is one that RE2 takes, with a small program', () => {
    let plain = 0
    const property = fc.property(fc.array(pieces, { maxLength: 9 }), fc.constantFrom('', 'i', 'ms'), (drawn, flags) => {
      const source = drawn.join('')
      if (!isPlainRegex(source)) return
      plain++
      expect({ source, small: compileRegex(source, flags).programSize() < 20_000 }).toEqual({ source, small: true })
    })
    fc.assert(property, { numRuns: 20_000 })
    expect(plain).toBeGreaterThan(2_000)
  })

  test.each([
    '(^0oa.*|[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,10})',
    '(?i)(ipfs\\.io/|ipfs\\.io\\s).+\\..+@.+\\.[a-z]+',
    '-(W|R)\\s?(\\s|"|\')([0-9a-fA-F]{2}\\s?){2,20}(\\s|"|\')',
    '\\\\[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}\\.txt$',
  ])('%s is known', (source) => {
    expect(isPlainRegex(source)).toBe(true)
  })

  test.each(['(?<=a)b', '(a', 'a)', 'a**', 'x{200,}', '((a{9}){9}){9}', '[z-a]', '\\1', '(?=a)', 'a'.repeat(201)])(
    '%s is left to RE2',
    (source) => {
      expect(isPlainRegex(source)).toBe(false)
    },
  )
})
