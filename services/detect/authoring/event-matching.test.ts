import { expect, test } from 'vitest'
import type { EventTree } from '../../../engine/sigma/types.ts'
import { matcherOfFiles } from './event-matching.ts'
import { explainRule, findRules } from './explain-rule.ts'
import { compileRules } from '../rule-set/rule-set.ts'

const text = (id: string, logsource: string): string =>
  `title: ${id}\nid: ${id}\nlogsource: ${logsource}\ndetection: { s: { a.b: x }, condition: s }\n`
const { set } = compileRules([
  { path: 'windows.yml', text: text('windows', '{ product: windows }') },
  { path: 'linux.yml', text: text('linux', '{ product: linux }') },
  {
    path: 'count.yml',
    text: 'title: Count\nid: count\ncorrelation: { type: event_count, rules: [windows], group-by: [user], timespan: 5m, condition: { gte: 2 } }\n',
  },
])

function matched(event: EventTree, given = {}): string[] {
  const ids: string[] = []
  matcherOfFiles(set.sigma, given).match(event, ({ meta }) => ids.push(meta.id))
  return ids.sort()
}

test('an event that does not say its log source is tried against all rules, nested or flat', () => {
  expect(matched({ a: { b: 'X' } })).toEqual(['linux', 'windows'])
  expect(matched({ 'a.b': 'x' })).toEqual(['linux', 'windows'])
})

test('an event that names one, or the caller for it, is tried against the rules that do not name another', () => {
  expect(matched({ a: { b: 'x' }, warden: { logsource: { product: 'Linux' } } })).toEqual(['linux'])
  expect(matched({ a: { b: 'x' } }, { product: 'windows', service: 'sysmon' })).toEqual(['windows'])
})

test('an explanation masks what stands under a secret’s name and what looks like a secret', () => {
  const secret = compileRules([
    {
      path: 's.yml',
      text: 'title: S\nid: s\nlogsource: {}\ndetection: { s: { a.password: x, b: y }, condition: s }\n',
    },
  ])
  const explained = explainRule(secret.set, 's', { a: { password: 'hunter2' }, b: 'Bearer abcdefghijklmnop' })!
  expect(explained.matches).toBe(false)
  expect(explained.text).not.toMatch(/hunter2|abcdefghijklmnop/)
  expect(explained.selections[0]!.items.map(({ matches }) => matches)).toEqual([false, false])
})

test('a correlation is explained by its base and by the group that the event lacks', () => {
  expect(findRules(set, 'Count')).toEqual(['count'])
  const without = explainRule(set, 'count', { a: { b: 'x' } })!
  expect(without).toMatchObject({ matches: false, bases: [{ rule: 'windows', matches: true }], group: { user: [] } })
  expect(without.text).toContain('the event has no user')
  expect(explainRule(set, 'count', { a: { b: 'x' }, user: 'dana' })!.matches).toBe(true)
})
