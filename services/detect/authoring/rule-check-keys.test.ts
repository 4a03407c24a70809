import { describe, expect, test } from 'vitest'
import { checkRules } from './rule-check.ts'

/** Of the keys of a rule with these lines beside id, title and what it looks for. */
function told(
  lines: string,
  head = 'title: A\nid: a\n',
  body = 'detection:\n  s: { x: y }\n  condition: s\n',
): string[] {
  const { findings } = checkRules([{ path: 'r.yml', text: `${head}${lines}${body}` }], [])
  return findings.map(
    ({ severity, code, place, hint }) => `${severity} ${code} ${place.line}:${place.column} ${hint ?? ''}`,
  )
}

const product = 'logsource: { product: acme }\n'

describe('a key of a rule', () => {
  test('that is nearly a known one which the rule lacks is told at its place, with the one that was meant', () => {
    expect(told(`${product}levle: high\nModelwarden: { shadow: true }\nfalsepositive: [none]\n`)).toEqual([
      'warning KEY_MISSPELLED 4:1 Did you mean "level"?',
      'warning KEY_MISSPELLED 5:1 Did you mean "modelwarden"?',
      'warning KEY_MISSPELLED 6:1 Did you mean "falsepositives"?',
    ])
  })

  test('of its log source, without which the rule is one for all products, is told too', () => {
    expect(told('logsource:\n  produkt: acme\n  service: s\n')).toEqual([
      'warning KEY_MISSPELLED 4:3 Did you mean "product"?',
    ])
  })

  test('of a behavior rule, of a correlation and of what a collection has in common is told as well', () => {
    const behavior = 'behavior:\n  type: canary\n  select: { s: { x: y }, condition: s }\n'
    expect(told(`${product}levle: high\n`, undefined, behavior).filter((each) => each.includes('KEY_'))).toHaveLength(1)
    expect(
      told('action: global\nstauts: test\n', '', `---\ntitle: A\n${product}detection: { s: { x: y }, condition: s }\n`),
    ).toEqual(['warning KEY_MISSPELLED 2:1 Did you mean "status"?'])
    const correlation = 'correlation: { type: event_count, rules: [a], timespan: 5m, condition: { gte: 3 } }\n'
    const both = `detection: { s: { x: y }, condition: s }\n---\ntitle: C\nid: c\nlevle: high\n${correlation}`
    expect(told(product, undefined, both)).toEqual(['warning KEY_MISSPELLED 8:1 Did you mean "level"?'])
  })

  test('that is like no known one is its own, as are those that public rules have', () => {
    const own = ['regression_tests_path', 'simulation', 'enrichment', 'new_fields', 'label', 'score', 'data', 'actions']
    const more = ['severity', 'response', 'owner', 'version', 'source', 'state', 'uid', 'ip', 'note', 'case', 'type']
    const lines = [...own, ...more].map((key) => `${key}: x\n`).join('')
    expect(told(`logsource: { product: acme, Requirements: x, Note: x }\n${lines}`)).toEqual([])
  })

  test('beside the one that it is like is its own', () => {
    expect(told(`${product}level: high\nlevels: x\nauthor: x\nauthors: x\n`)).toEqual([])
  })
})
