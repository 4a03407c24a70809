import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../../core/content.ts'
import { checkRules } from './rule-check.ts'

const source: ContentFile = {
  path: 'acme.yml',
  text: `name: acme
title: Acme
topic: audit
logsource: { product: acme }
time: time
tenant: { value: own }
principal: user
identity: position
map: { event.action: action, user.name: user, warden.asset.id: asset }
keep: all
`,
}

const head = (id: string, more = ''): string => `title: ${id}\nid: ${id}\nname: ${id}\n${more}`
const rule = (id: string, detection: string, more = 'logsource: { product: acme }\n'): string =>
  `${head(id, more)}detection:\n${detection.replace(/^/gm, '  ')}\n`
const correlation = (id: string, block: string): string => `${head(id)}correlation:\n${block.replace(/^/gm, '  ')}\n`

function codes(...documents: string[]): string[] {
  const { findings } = checkRules([{ path: 'r.yml', text: documents.join('---\n') }], [source])
  return findings.map(
    ({ code, place, hint }) => `${place.line}:${place.column} ${code}${hint === undefined ? '' : ` ${hint}`}`,
  )
}

describe('a look over rules', () => {
  test('a rule that reads what sources fill has no findings', () => {
    expect(
      codes(rule('a', 's: { event.action: x, acme.any.thing: y, warden.principal|exists: true }\ncondition: s')),
    ).toEqual([])
  })

  test('a field that no source fills is told at its key, with the field that was meant', () => {
    const found = codes(rule('a', 's:\n  event.acton|startswith: x\ncondition: s'))
    expect(found).toEqual(['7:5 FIELD_UNKNOWN Did you mean "event.action"?'])
  })

  test('a log source that no source has is told once, not for each field', () => {
    const found = codes(rule('a', 's: { x: y, z: a }\ncondition: s', 'logsource: { product: other }\n'))
    expect(found.map((each) => each.split(' ').slice(0, 2).join(' '))).toEqual(['4:12 LOGSOURCE_UNFED'])
  })

  test('a condition that nothing satisfies is told at the condition, a technique that is none at its tag', () => {
    const more =
      'logsource: { product: acme }\ntags:\n  - attack.t1078.004\n  - attack.t1078.044\n  - atlas.aml.t0024.002\n  - atlas.t9999\n'
    expect(codes(rule('a', 's: { event.action: x }\ncondition: s and not s', more))).toEqual([
      '7:5 TECHNIQUE_UNKNOWN Did you mean T1078.004?',
      expect.stringMatching(/^9:5 TECHNIQUE_UNKNOWN/),
      expect.stringMatching(/^12:14 RULE_NEVER_MATCHES/),
    ])
  })

  test('a rule that rests because a list is empty is looked over like any other, and so are correlations that stand on it', () => {
    const list = { path: 'lists/known.yml', text: 'title: Known\nempty: rest\nvalues: []\n' }
    const text = [
      rule('a', "s: { event.acton: x, warden.asset.id|expand: '%known%' }\ncondition: s"),
      correlation('c', 'type: event_count\nrules: [a]\ngroup-by: [user.nam]\ntimespan: 5m\ncondition: { gte: 3 }'),
    ].join('---\n')
    const { findings } = checkRules([list, { path: 'r.yml', text }], [source])
    expect(findings.map(({ severity, code, place }) => [severity, code, place.line])).toEqual([
      ['note', 'RULE_RESTS', 1],
      ['warning', 'FIELD_UNKNOWN', 6],
      ['warning', 'CORRELATION_UNREACHABLE', 14],
      ['warning', 'CORRELATION_FIELD_UNFED', 15],
    ])
  })

  test('syntax, unknown references and ids that stand twice are errors, all of them', () => {
    const { findings } = checkRules(
      [
        { path: 'a.yml', text: rule('a', 's: { event.action: x }\ncondition: s and') },
        {
          path: 'b.yml',
          text: `${rule('b', 's: { event.action: x }\ncondition: s')}---\n${rule('b', 's: { event.action: x }\ncondition: s')}`,
        },
        {
          path: 'c.yml',
          text: correlation('c', 'type: event_count\nrules: [gone]\ntimespan: 5m\ncondition: { gte: 3 }'),
        },
      ],
      [],
    )
    expect(findings.map(({ severity, code, place }) => [severity, code, place.file, place.line])).toEqual([
      ['error', 'SIGMA_CONDITION_SYNTAX', 'a.yml', 7],
      ['error', 'SIGMA_ID_DUPLICATE', 'b.yml', 9],
      ['error', 'SIGMA_CORRELATION_REFERENCE', 'c.yml', 6],
    ])
  })
})

describe('correlations that nothing reaches', () => {
  const silent = rule('never', 's: { event.action: x }\ncondition: s and not s')
  const live = rule('live', 's: { event.action: x }\ncondition: s')
  const block = (type: string, rules: string, group = 'user.name'): string =>
    `type: ${type}\nrules: [${rules}]\ngroup-by: [${group}]\ntimespan: 5m\n${type === 'event_count' ? 'condition: { gte: 3 }\n' : ''}`
  const unreachable = (documents: readonly string[]): string[] =>
    codes(...documents).filter((each) => each.includes('CORRELATION'))

  test('a count over a rule that never matches is told, and so is what stands on the count', () => {
    const found = unreachable([
      silent,
      correlation('count', block('event_count', 'never')),
      correlation('upper', block('event_count', 'count')),
    ])
    expect(found).toEqual([
      expect.stringContaining('CORRELATION_UNREACHABLE'),
      expect.stringContaining('CORRELATION_UNREACHABLE'),
    ])
  })

  test('a sequence with one rule that never matches is told; a count over it and another is not', () => {
    expect(unreachable([silent, live, correlation('both', block('temporal', 'live, never'))])).toHaveLength(1)
    expect(unreachable([silent, live, correlation('count', block('event_count', 'live, never'))])).toEqual([])
  })

  test('a group that no event of the base has is told at group-by', () => {
    expect(unreachable([live, correlation('count', block('event_count', 'live', 'user.nme'))])).toEqual([
      expect.stringContaining('CORRELATION_UNREACHABLE'),
      expect.stringMatching(/CORRELATION_FIELD_UNFED Did you mean "user.name"/),
    ])
  })
})

describe('correlations that stand on one another', () => {
  const live = rule('live', 's: { event.action: x }\ncondition: s')
  const counted = (id: string, rules: string, group: string): string =>
    correlation(id, `type: event_count\nrules: [${rules}]\n${group}timespan: 5m\ncondition: { gte: 3 }`)
  const spread = (...documents: readonly string[]): string[] =>
    codes(live, ...documents).filter((each) => each.includes('SPREAD'))

  test('are told where they group by no field in common: they can be kept in one partition only', () => {
    const lower = counted('lower', 'live', 'group-by: [user.name]\n')
    expect(spread(lower, counted('upper', 'lower', ''))).toEqual([
      expect.stringMatching(/CORRELATION_NOT_SPREAD Give all of them/),
    ])
    expect(spread(lower, counted('upper', 'lower', 'group-by: [user.name]\n'))).toEqual([])
    expect(spread(lower)).toEqual([])
  })
})
