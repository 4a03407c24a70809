import { describe, expect, test } from 'vitest'
import { correlationOf } from '../../test/support/correlation.ts'
import { correlationOperator } from './correlation-operator.ts'
import { upgradeGroup } from './older-states.ts'

const evidenceOf = (id: string) => ({
  id,
  timestamp: new Date(0).toISOString(),
  hash: 'f'.repeat(64),
  position: { topic: 'warden.events', partition: 0, offset: 0, index: 0 },
})
const entry = (seconds: number, b = 0) => ({
  t: seconds * 1_000,
  id: `e${seconds}`,
  b,
  v: '',
  n: 1,
  e: evidenceOf(`e${seconds}`),
})
const at = (seconds: number, base = 0) => ({
  eventId: `e${seconds}`,
  timestampMs: seconds * 1_000,
  base,
  values: [],
  evidence: evidenceOf(`e${seconds}`),
})
const sliding = { settledMs: null, head: null, told: [] }

describe('a group that an earlier version has kept', () => {
  test('is gone on with where it stood, and knows the events that it has seen', () => {
    const rule = correlationOf('type: event_count, rules: [a], condition: {gte: 3}')
    const state = upgradeGroup(rule, { ...sliding, entries: [entry(1), entry(2)], approximate: false }, 1)
    const operator = correlationOperator(rule)
    expect(operator.apply(state, at(2), -Infinity).dropped).toBe('duplicate')
    expect(operator.apply(state, at(3), -Infinity).findings).toMatchObject([
      { anchorMs: 1_000, count: 3, incomplete: false },
    ])
  })

  test('says that something may be missing, where it had outgrown its memory', () => {
    const rule = correlationOf('type: event_count, rules: [a], condition: {gte: 3}')
    const state = upgradeGroup(rule, { ...sliding, entries: [entry(1), entry(2)], incomplete: true }, 2)
    expect(correlationOperator(rule).apply(state, at(3), -Infinity).findings).toMatchObject([{ incomplete: true }])
  })

  test('says so, too, where an event that two rules match was kept for one of them', () => {
    const rule = correlationOf('type: temporal, rules: [a, b]')
    const state = upgradeGroup(rule, { ...sliding, entries: [entry(1)], approximate: false }, 1)
    const operator = correlationOperator(rule)
    expect(operator.apply(state, at(1), -Infinity).dropped).toBe('duplicate')
    expect(operator.apply(state, at(3, 1), -Infinity).findings).toMatchObject([{ count: 2, incomplete: true }])
  })

  test('is judged when the watermark has passed, where its rule waits for that', () => {
    const rule = correlationOf('type: event_count, rules: [a], condition: {lt: 3}')
    const state = upgradeGroup(rule, { entries: [entry(1), entry(2)], approximate: false }, 1)
    const found = correlationOperator(rule).advance(state!, 60_000).findings
    expect(found).toMatchObject([{ anchorMs: 1_000, count: 2, incomplete: false }])
  })

  test('starts afresh where nobody knows how to go on', () => {
    const rule = correlationOf('type: event_count, rules: [a], condition: {gte: 3}')
    expect(upgradeGroup(rule, { ...sliding, entries: [] }, 4)).toBeUndefined()
    expect(upgradeGroup(rule, { something: 'else' }, 1)).toBeUndefined()
  })
})
