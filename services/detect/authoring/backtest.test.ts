import { expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import { sha256Hex } from '../../../core/ids.ts'
import { filledFields } from '../../../engine/sources/filled-fields.ts'
import { silentTelemetry } from '../../../runtime/telemetry.ts'
import { Backtest, type Judged } from './backtest.ts'
import { coverageOf, layerOf } from './coverage.ts'
import { caseFields } from './made-case.ts'
import { RuleBook } from '../tallies/rule-book.ts'
import { compileRules } from '../rule-set/rule-set.ts'

const rule = (id: string, action: string, product = 'acme'): string =>
  `title: ${id}\nid: ${id}\ntags: [attack.t1078, atlas.aml.t0012]\nlogsource: { product: ${product} }\ndetection: { s: { event.action: ${action} }, condition: s }\n`
const files = [
  { path: 'a.yml', text: rule('a', 'Stop') },
  { path: 'b.yml', text: rule('b', 'Never', 'other') },
]
const { set } = compileRules(files)

function event(n: number, user: string, action = 'Stop'): Event {
  const time = new Date(Date.parse('2026-03-02T09:00:00Z') + n * 3_600_000).toISOString()
  return {
    '@timestamp': time,
    event: { id: `e${n}`, kind: 'event', action, dataset: 't', created: time, hash: sha256Hex(`${n}`) },
    organization: { id: 'own' },
    user: { name: user },
    warden: {
      principal: `own/${user}`,
      logsource: { product: 'acme' },
      position: { topic: 'audit.events', partition: 0, offset: n, index: 0 },
    },
  }
}

const incident = (user: string, from: number, verdict: Judged['verdict']): Judged => ({
  signals: [],
  primary: { type: 'principal', id: `own/${user}` },
  firstSeen: event(from, user)['@timestamp'],
  lastSeen: event(from + 1, user)['@timestamp'],
  verdict,
})

test('a backtest tells how often each rule fires a day, and how right it is by the verdicts of closed incidents', () => {
  const run = new Backtest(files, set)
  for (let n = 0; n < 48; n++) run.event(event(n, n < 24 ? 'dana' : 'eli', n % 8 === 0 ? 'Stop' : 'Read'))
  const closed = [
    incident('dana', 0, 'true-positive'),
    incident('eli', 24, 'false-positive'),
    incident('eli', 32, undefined),
  ]
  const report = run.finish(closed, () => performance.now())
  expect(report).toMatchObject({
    events: 48,
    signals: 6,
    from: event(0, 'x')['@timestamp'],
    to: event(47, 'x')['@timestamp'],
  })
  expect(report.rules[0]).toMatchObject({
    rule: 'a',
    signals: 6,
    truePositives: 1,
    falsePositives: 1,
    unjudged: 4,
    precision: 0.5,
  })
  expect(report.rules[0]!.perDay).toBeCloseTo(3.06, 1)
  expect(report.rules[0]!.costUs).toBeGreaterThan(0)
  expect(report.rules[1]).toMatchObject({ rule: 'b', signals: 0, precision: null })
})

test('coverage tells the rules of each technique, and which of them no source feeds', () => {
  const source =
    'name: acme\ntitle: A\ntopic: audit\nlogsource: { product: acme }\ntime: t\ntenant: x\nprincipal: u\nidentity: position\nmap: { event.action: a }\n'
  const covered = coverageOf(set, filledFields([{ path: 'acme.yml', text: source }]))
  expect(covered.map(({ id, fed, rules }) => [id, fed, rules.map((each) => each.fed)])).toEqual([
    ['AML.T0012', true, [true, false]],
    ['T1078', true, [true, false]],
  ])
  expect(layerOf('attack', covered)).toMatchObject({
    domain: 'enterprise-attack',
    techniques: [{ techniqueID: 'T1078', score: 1 }],
  })
  expect(JSON.stringify(layerOf('atlas', coverageOf(set, [])))).toContain('No source feeds these rules: a; b')
})

test('a case made of an event has no secrets and nothing that the case runner fills in', () => {
  const made = caseFields({
    ...event(1, 'dana'),
    http: { headers: { authorization: 'Basic abcdefgh1234', note: 'Bearer abcdefgh1234{n}' } },
    'a.b': 1,
  })
  expect(Object.keys(made)).not.toContain('@timestamp')
  expect(Object.keys(made).some((key) => key.startsWith('warden.position') || key === 'a.b')).toBe(false)
  expect(made).toMatchObject({ 'http.headers.authorization': '[masked]', 'user.name': 'dana', 'event.action': 'Stop' })
  expect(JSON.stringify(made)).not.toContain('abcdefgh1234')
})

test('metrics name the first rules that count, and take all others together', () => {
  const labels = new Set<string>()
  const book = new RuleBook({ ...silentTelemetry, count: (_name, { rule: label }) => labels.add(label!) })
  const counts = book.begin('detect', 0, undefined, '2026-01-01T00:00:00.000Z')
  for (let n = 0; n < 1_000; n++) counts.suppressed(`r${n}`)
  expect(labels.size).toBe(301)
  expect(labels).toContain('other')
})
