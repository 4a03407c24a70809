import { describe, expect, test } from 'vitest'
import { logKeyOf } from './placement.ts'
import { compileRules, type CorrelationPlan } from './rule-set.ts'

const base = 'title: B\nid: b\nlogsource: {}\ndetection: { s: { event.action: x }, condition: s }\n'
const correlation = (id: string, on: string, groupBy: string, more = ''): string =>
  `title: ${id}\nid: ${id}\ncorrelation:\n  type: event_count\n  rules: [${on}]\n  group-by: [${groupBy}]\n` +
  `  timespan: 1h\n  condition: { gte: 2 }\n${more}`

function plansOf(...documents: string[]): Record<string, CorrelationPlan> {
  const { set, mistakes } = compileRules([{ path: 'r.yml', text: [base, ...documents].join('---\n') }])
  expect(mistakes).toEqual([])
  return Object.fromEntries(set.correlations.map((plan) => [plan.rule.meta.id, plan]))
}

const keyOf = (plan: CorrelationPlan | undefined, scope: string, ...values: string[]): string =>
  logKeyOf(plan!.placement, scope, values)

describe('where the groups of correlations are kept', () => {
  test('a correlation by itself is spread by all that it groups by', () => {
    const { alone } = plansOf(correlation('alone', 'b', 'user.name, source.ip'))
    expect(keyOf(alone, 'acme', 'eve', '192.0.2.1')).toBe('alone ["acme","eve","192.0.2.1"]')
  })

  test('those that stand on one another are together, spread by what all of them group by', () => {
    const { lower, upper, top } = plansOf(
      correlation('lower', 'b', 'user.name, source.ip, user.id'),
      correlation('upper', 'lower', 'source.ip, user.id'),
      correlation('top', 'upper', 'user.id'),
    )
    const key = keyOf(top, 'acme', '7')
    expect(keyOf(lower, 'acme', 'eve', '192.0.2.1', '7')).toBe(key)
    expect(keyOf(upper, 'acme', '192.0.2.1', '7')).toBe(key)
    expect(keyOf(lower, 'acme', 'eve', '192.0.2.1', '8')).not.toBe(key)
    expect(keyOf(lower, 'globex', 'eve', '192.0.2.1', '7')).not.toBe(key)
  })

  test('two above one that have nothing in common are together with it all the same, a tenant each', () => {
    const { lower, byUser, byAddress } = plansOf(
      correlation('lower', 'b', 'user.name, source.ip'),
      correlation('byUser', 'lower', 'user.name'),
      correlation('byAddress', 'lower', 'source.ip'),
    )
    const keys = [
      keyOf(lower, 'acme', 'eve', '192.0.2.1'),
      keyOf(byUser, 'acme', 'dan'),
      keyOf(byAddress, 'acme', '192.0.2.9'),
    ]
    expect(new Set(keys).size).toBe(1)
    expect(keyOf(lower, 'globex', 'eve', '192.0.2.1')).not.toBe(keys[0])
  })

  test('where one counts over all tenants, all are kept as if there were one', () => {
    const { lower, upper } = plansOf(
      correlation('lower', 'b', 'source.ip'),
      correlation('upper', 'lower', 'source.ip', 'modelwarden: { scope: operator }\n'),
    )
    expect(keyOf(lower, 'acme', '192.0.2.1')).toBe(keyOf(upper, 'operator', '192.0.2.1'))
    expect(keyOf(lower, 'globex', '192.0.2.1')).toBe(keyOf(upper, 'operator', '192.0.2.1'))
  })

  test('a field that another name stands for is the same field', () => {
    const aliased = correlation('upper', 'lower', 'who').replace(
      '  timespan',
      '  aliases: { who: { lower: source.ip } }\n  timespan',
    )
    const { lower, upper } = plansOf(correlation('lower', 'b', 'user.name, source.ip'), aliased)
    expect(keyOf(lower, 'acme', 'eve', '192.0.2.1')).toBe(keyOf(upper, 'acme', '192.0.2.1'))
  })

  test('one that is placed otherwise starts afresh, one that is not does not', () => {
    const alone = plansOf(correlation('lower', 'b', 'user.name'))
    const below = plansOf(correlation('lower', 'b', 'user.name'), correlation('upper', 'lower', 'user.name'))
    const more = plansOf(
      correlation('lower', 'b', 'user.name'),
      correlation('upper', 'lower', 'user.name'),
      correlation('zenith', 'upper', 'user.name'),
    )
    expect(below['lower']!.key).not.toBe(alone['lower']!.key)
    expect(more['lower']!.placement).toEqual(below['lower']!.placement)
  })
})
