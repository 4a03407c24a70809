import { expect, test } from 'vitest'
import { compileRules } from './rule-set/rule-set.ts'
import { runRuleCases } from './authoring/rule-cases.ts'

const rule = `title: An account takes more out of a model than it used to
id: volume
status: experimental
logsource: { category: inference }
detection: { answer: { warden.bytes|gt: 0 }, condition: answer }
anomaly:
  field: warden.bytes
  function: sum
  interval: 1h
  learning: 168
level: low
`

const cases = `common: { user.name: ann, event.outcome: success, warden.logsource: { category: inference } }
cases:
  - name: an hour with fifty times the usual after days of the same
    events:
      - { at: '2026-03-02T00:10:00.000Z', times: 360, every: 1h, event: { warden.bytes: 1000 } }
      - { at: '2026-03-12T05:20:00.000Z', times: 50, every: 10s, event: { warden.bytes: 1000 } }
    expect: [{ signal: { rule.level: low, facts.value: 51000 }, says: [sum of warden.bytes] }]
  - name: two weeks of the same
    events: [{ at: '2026-03-02T00:10:00.000Z', times: 360, every: 1h, event: { warden.bytes: 1000 } }]
    expect: no match
  - name: events that the detection leaves out do not count
    events:
      - { at: '2026-03-02T00:10:00.000Z', times: 360, every: 1h, event: { warden.bytes: 1000 } }
      - { at: '2026-03-12T05:20:00.000Z', times: 50, every: 10s, event: { warden.bytes: 1000, warden.logsource: { category: audit } } }
    expect: no match
`

test('an anomaly block beside a detection finds the hour that is unlike the others', () => {
  const run = runRuleCases([
    { path: 'volume.yml', text: rule },
    { path: 'volume.cases.yml', text: cases },
  ])
  expect(run.mistakes).toEqual([])
  expect(run.results.map(({ differences }) => differences)).toEqual([[], [], []])
})

test.each([
  ['  interval: 1h\n', '', 'BEHAVIOR_PARAMS_INVALID', /interval/],
  ['  field: warden.bytes\n', '', 'BEHAVIOR_PARAMS_INVALID', /Name the field/],
  ['  learning: 168\n', '  lerning: 168\n', 'BEHAVIOR_PARAMS_INVALID', /lerning/],
])('a mistake in the block (%j -> %j) is reported with its place', (from, to, code, message) => {
  const text = from.includes('interval')
    ? rule.replace(from, to).replace('function: sum', 'function: count')
    : rule.replace(from, to)
  const { mistakes } = compileRules([{ path: 'volume.yml', text }])
  expect(mistakes[0]).toMatchObject({ code, place: { file: 'volume.yml' } })
  expect(mistakes[0]!.message).toMatch(message)
})
