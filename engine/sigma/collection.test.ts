import { describe, expect, it } from 'vitest'
import { compileSigma } from './compile.ts'

const compile = (...documents: string[]): ReturnType<typeof compileSigma> =>
  compileSigma([{ path: 'r.yml', text: documents.join('---\n') }])
const common = 'action: global\nlogsource: { product: windows }\nlevel: high\ndetection: { condition: a }\n'
const first = 'title: First\ndetection: { a: { f: 1 } }\n'

describe('a collection of rules in one file', () => {
  it('gives every rule what its global document has, and what the rule says of itself comes first', () => {
    const { rules, mistakes } = compile(common, first, 'title: Second\nlevel: low\ndetection: { a: { f: 2 } }\n')
    expect(mistakes).toEqual([])
    expect(rules.map(({ meta }) => `${meta.title} ${meta.level} ${meta.logsource.product}`)).toEqual([
      'First high windows',
      'Second low windows',
    ])
    expect(new Set(rules.map(({ meta }) => meta.digest)).size).toBe(2)
  })

  it('repeats the rule before with what a repetition changes', () => {
    const { rules } = compile(common, first, 'action: repeat\ntitle: Again\ndetection: { a: { g: 2 } }\n')
    expect(rules.map(({ meta }) => meta.title)).toEqual(['First', 'Again'])
    const again = rules[1]!.condition
    expect(again.kind === 'selection' && again.of.kind === 'and' && again.of.of.length).toBe(2)
  })

  it('gives nothing to rules after a reset, and says so where they lack it', () => {
    const { rules, mistakes } = compile(
      common,
      first,
      'action: reset\n',
      'title: Late\ndetection: { a: { f: 1 }, condition: a }\n',
    )
    expect(rules.map(({ meta }) => meta.title)).toEqual(['First'])
    expect(mistakes.map(({ code, place }) => `${code} ${place?.line}`)).toEqual(['SIGMA_LOGSOURCE_INVALID 11'])
  })

  it('takes a repetition with nothing before it for the rule that it is, and tells its mistakes at their place', () => {
    const alone = `action: repeat\nlogsource: {}\n${first}`
    expect(compile(`${alone}  # no condition\n`).mistakes.map(({ code, place }) => `${code} ${place?.line}`)).toEqual([
      'SIGMA_CONDITION_MISSING 4',
    ])
    expect(compile(alone.replace('{ f: 1 }', '{ f: 1 }, condition: a')).rules).toHaveLength(1)
  })

  it('refuses an action that there is not, at its place', () => {
    const { mistakes } = compile('action: multiply\n')
    expect(mistakes.map(({ code, place }) => [code, place])).toEqual([
      ['SIGMA_NOT_A_RULE', { file: 'r.yml', line: 1, column: 9 }],
    ])
  })
})
