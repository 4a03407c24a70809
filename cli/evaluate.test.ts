import { expect, test } from 'vitest'
import { buildRecordFilters } from '../core/record-filter.ts'
import { readInventory } from '../engine/inventory/inventory.ts'
import { inventoryOfContext } from './evaluate-context.ts'
import { EvaluateRun } from './evaluate-run.ts'

const sources = [
  {
    path: 'calls.yml',
    text: `name: calls
title: Calls
topic: inference
logsource: { category: inference }
match: { field: type, equals: call }
time: ts
tenant: tenant
principal: principal
identity: { field: id }
map:
  event.action: { value: call }
  warden.model.id: model
`,
  },
]
const rules = [
  {
    path: 'calls.yml',
    text: `title: Called
id: called
name: called
status: test
logsource: { category: inference }
detection: { call: { warden.model.id: m }, condition: call }
---
title: Called thrice
id: thrice
status: test
correlation: { type: event_count, rules: [called], group-by: [warden.principal], timespan: 1h, condition: { gte: 3 } }
modelwarden: { threat: license }
`,
  },
]

function call(n: number, principal = 'u'): { topic: string; value: string; headers: Record<string, string> } {
  const ts = new Date(Date.parse('2026-03-02T09:00:00.000Z') + n * 1_000).toISOString()
  const value = JSON.stringify({ type: 'call', id: `c-${n}`, ts, tenant: 't', principal, model: 'm' })
  return { topic: 'inference.events', value, headers: {} }
}

test('each file is a run of its own from the state after history, and names the record that made the alert', () => {
  const run = new EvaluateRun({ sources, rules, inventory: [] })
  run.begin('history.jsonl')
  run.take([call(0), call(1)])
  expect(run.finish()).toEqual([])
  const learned = run.snapshot()
  const found = [2, 3].map((n) => {
    run.restore(learned)
    run.begin(`${n}.jsonl`)
    run.take([call(n), call(n + 10)])
    return run.finish(Infinity)
  })
  expect(found).toEqual([
    [{ file: '2.jsonl', id: 'c-2', principal: 'u', threat: 'licence' }],
    [{ file: '3.jsonl', id: 'c-3', principal: 'u', threat: 'licence' }],
  ])
})

test('the signal behind an alert is told whole, once, in the order of the alerts', () => {
  const run = new EvaluateRun({ sources, rules, inventory: [] })
  run.begin('one.jsonl')
  run.take([call(0), call(1), call(2), call(2_000, 'v'), call(2_001, 'v'), call(2_002, 'v')])
  const alerts = run.finish(Infinity)
  expect(run.takeFindings().map(({ file, rule, group }) => [file, rule.title, group['warden.principal']])).toEqual(
    alerts.map(({ principal }) => ['one.jsonl', 'Called thrice', `t/${principal!}`]),
  )
  expect(alerts).toHaveLength(2)
  expect(run.takeFindings()).toEqual([])
})

test('a context becomes an inventory without mistakes, training records as a filter', () => {
  const context = {
    models: { m: { dim: 2, classes: 2, trainingHashes: ['a'], reference: [[0, 1]] } },
    licences: [{ tenant: 't', principal: 'u', model: 'm', dailyCap: 3, notAfter: '2026-03-12T00:00:00.000Z' }],
    canaries: [{ canaryId: 'c', question: 'q', answer: 'a' }],
    roster: [{ principal: 'emp-0', role: 'research', ip: '10.0.0.1' }],
  }
  const { inventory, mistakes } = readInventory(inventoryOfContext(JSON.stringify(context), 'context.json'))
  expect(mistakes).toEqual([])
  expect(inventory.models.get('m')!.isTrainingRecord('a')).toBe(true)
  expect(inventory.models.get('m')!.trainingRecords).toBe(buildRecordFilters(['a'])[0]!.records)
  expect(inventory.licenses[0]).toMatchObject({ principal: 't/u', models: ['m'], requestsPerDayMax: 3 })
  expect([...inventory.people.keys()]).toEqual(['corp/emp-0'])
})

test('a context that is none is refused with its name', () => {
  expect(() => inventoryOfContext('{"models": 3}', 'context.json')).toThrow(/context\.json is not as expected/)
})
