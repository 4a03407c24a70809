import { describe, expect, test } from 'vitest'
import { compileSigma } from './compile.ts'
import { neverHolds } from './never.ts'

function never(detection: string, single = true): boolean {
  const text = `title: T\nid: t\nlogsource: {}\ndetection:\n${detection.replace(/^/gm, '  ')}\n`
  const { rules, mistakes } = compileSigma([{ path: 'a.yml', text }])
  expect(mistakes).toEqual([])
  return neverHolds(rules[0]!.condition, () => single)
}

describe('a condition that no event satisfies', () => {
  test.each([
    ['a selection and its own negation', 's: { a: x }\ncondition: s and not s'],
    ['a filter that leaves out all that is selected', 's: { a: x }\nf: { a: [x, y] }\ncondition: s and not f'],
    ['a filter by pattern over it', 's: { a: Exact }\nf: { a|startswith: exa }\ncondition: s and not f'],
    ['two values of one single field', 's: { a: x }\nt: { a: y }\ncondition: s and t'],
    ['a value and none', 's: { a: x }\nt: { a|exists: false }\ncondition: all of them'],
    ['a value and null', 's: { a|contains: x }\nt: { a: null }\ncondition: s and t'],
    ['ranges that do not meet', 's: { a|gt: 5 }\nt: { a|lte: 5 }\ncondition: s and t'],
    ['no value where one is selected', 's: { a: x }\nf: { a|exists: true }\ncondition: s and not f'],
  ])('%s: is told', (_name, detection) => expect(never(detection)).toBe(true))

  test.each([
    ['a filter on another field', 's: { a: x }\nf: { b: x }\ncondition: s and not f'],
    ['one way out', 's: { a: x }\nt: { a: y }\ncondition: s or t'],
    ['ranges that meet in one number', 's: { a|gte: 5 }\nt: { a|lte: 5 }\ncondition: s and t'],
    ['a filter that wants another case', 's: { a: x }\nf: { a|cased: x }\ncondition: s and not f'],
    ['spellings that differ in case alone', 's: { a|cased: x }\nt: { a: X }\ncondition: s and t'],
    ['patterns that may both fit', 's: { a|startswith: x }\nt: { a|endswith: y }\ncondition: s and t'],
  ])('%s: is none', (_name, detection) => expect(never(detection)).toBe(false))

  test('two values of a field that may hold a list are left the benefit of the doubt', () => {
    expect(never('s: { a: x }\nt: { a: y }\ncondition: s and t', false)).toBe(false)
  })

  test('more items than are judged: nothing is claimed', () => {
    const many = Array.from({ length: 20 }, (_, n) => `s${n}: { a${n}: x }`).join('\n')
    expect(never(`${many}\ncondition: all of them and not s1`)).toBe(false)
  })
})
