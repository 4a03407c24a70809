import { describe, expect, test } from 'vitest'
import type { Action } from '../core/action.ts'
import { partitionOf } from '../core/partition.ts'
import { topicSpecs } from '../core/topics.ts'
import { idsForgottenKey } from '../runtime/stage/recent-ids.ts'
import { dealAnew, type Rekey } from '../runtime/stage/rekey.ts'
import { groupKey } from '../services/detect/observations.ts'
import { compileRules, type RuleSet } from '../services/detect/rule-set/rule-set.ts'
import { rekeyedOwners } from './repartition-owners.ts'
import { stagesOfAll } from './topic-access.ts'

const rule = (key: string, id: string, groupFields: readonly string[]) => ({
  key,
  rule: { meta: { id }, base: [{ groupFields }] },
})
const rules = {
  sigma: [],
  correlations: [rule('k1', 'in-order', ['source.ip', 'warden.principal']), rule('k2', 'many', ['source.ip'])],
  behavior: [{ key: 'k3', rule: { meta: { id: 'volume' } } }],
  exceptions: [],
} as unknown as RuleSet
const owners = rekeyedOwners(rules)
const rekeyOf = (name: string): Rekey => owners.find((owner) => owner.name === name)!.rekey
const to = 7

/** In which partitions each key stands, after it was in the first of two. */
function placesOf(name: string, entries: Record<string, unknown>): Record<string, readonly number[]> {
  const dealt = dealAnew(
    [
      { meta: undefined, entries: new Map(Object.entries(entries)) },
      { meta: undefined, entries: new Map() },
    ],
    to,
    rekeyOf(name),
  )
  const places: Record<string, number[]> = {}
  for (const [at, { entries: found }] of dealt.entries()) for (const key of found.keys()) (places[key] ??= []).push(at)
  return places
}
const everywhere = Array.from({ length: to }, (_, at) => at)
const home = (key: string): readonly number[] => [partitionOf(key, to)]

describe('whose the state of a stage is', () => {
  test('is known of every stage whose log can have more partitions', () => {
    const one = topicSpecs(to)
      .filter(({ partitions }) => partitions === 1)
      .map(({ name }) => name)
    const scaling = stagesOfAll.filter(({ inputs }) => !inputs.every((input) => one.includes(input)))
    const names = scaling.map(({ name }) => name).filter((name) => name !== 'normalize')
    expect(owners.map(({ name }) => name).sort()).toEqual(names.sort())
    for (const { name, inputs } of owners)
      expect(inputs).toEqual(stagesOfAll.find((stage) => stage.name === name)?.inputs)
  })

  test.each(['detect', 'meter'])(
    'up to where ids were forgotten in any partition, none can tell a repetition after they were dealt anew: %s',
    (name) => {
      const tasks = [5, 9, 7].map((value) => ({ meta: undefined, entries: new Map([[idsForgottenKey, value]]) }))
      const dealt = dealAnew(tasks, to, rekeyOf(name))
      expect(dealt.map(({ entries }) => entries.get(idsForgottenKey))).toEqual(everywhere.map(() => 9))
    },
  )

  test('detect: groups and their parts go with the principal, who was seen too; what is told goes everywhere', () => {
    const head = { scope: 'acme', values: ['192.0.2.1', 'acme/eve'] }
    expect(
      placesOf('detect', {
        'c/k1/["acme","192.0.2.1","acme/eve"]': head,
        'c/k1/["acme","192.0.2.1","acme/eve"]\u0000e0': [1],
        'b/k3/["acme","acme/eve","m"]': { values: ['acme/eve', 'm'] },
        'b/k3/["acme","acme/eve","m"]\u0000sums': 1,
        'seen/acme/eve': [1, 2],
        'told-license/l': { version: 1 },
        'base/k3/peers': 1,
        'c/gone/["acme","x"]': { values: ['x'] },
      }),
    ).toEqual({
      'c/k1/["acme","192.0.2.1","acme/eve"]': home('acme/eve'),
      'c/k1/["acme","192.0.2.1","acme/eve"]\u0000e0': home('acme/eve'),
      'b/k3/["acme","acme/eve","m"]': home('acme/eve'),
      'b/k3/["acme","acme/eve","m"]\u0000sums': home('acme/eve'),
      'seen/acme/eve': home('acme/eve'),
      'told-license/l': everywhere,
      'base/k3/peers': everywhere,
      'c/gone/["acme","x"]': [0],
    })
  })

  test('detect-groups: groups go with the observations of their rule and group', () => {
    const spelled = groupKey('acme', ['192.0.2.1'])
    const observed = { rule: 'many', scope: 'acme', group: ['192.0.2.1'] }
    const logKey = `many ${spelled}`
    expect(
      placesOf('detect-groups', { [`c/k2/${spelled}`]: {}, [`c/k2/${spelled}\u0000e0`]: [], 'held/4': { observed } }),
    ).toEqual({
      [`c/k2/${spelled}`]: home(logKey),
      [`c/k2/${spelled}\u0000e0`]: home(logKey),
      'held/0': home(logKey),
    })
  })

  test('detect-groups: groups of correlations that stand on one another go where their observations go: together', () => {
    const correlation = (id: string, on: string, groupBy: string): string =>
      `title: ${id}\nid: ${id}\ncorrelation: { type: event_count, rules: [${on}], group-by: [${groupBy}], timespan: 1h, condition: { gte: 2 } }\n`
    const base = 'title: B\nid: b\nlogsource: {}\ndetection: { s: { event.action: x }, condition: s }\n'
    const text = [base, correlation('low', 'b', 'user.name, source.ip'), correlation('up', 'low', 'source.ip')]
    const { set, mistakes } = compileRules([{ path: 'r.yml', text: text.join('---\n') }])
    expect(mistakes).toEqual([])
    const keys = Object.fromEntries(set.correlations.map(({ rule: { meta }, key }) => [meta.id, key]))
    const { rekey } = rekeyedOwners(set).find(({ name }) => name === 'detect-groups')!
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']) {
      const low = `c/${keys['low']}/${groupKey('acme', ['eve', address])}`
      const up = `c/${keys['up']}/${groupKey('acme', [address])}`
      const observed = { engine: 'sigma', rule: 'low', key: keys['low'], scope: 'acme', group: ['eve', address] }
      const entries = new Map<string, unknown>([
        [low, { scope: 'acme', values: ['eve', address] }],
        [`${low}\u0000e0`, []],
        [up, { scope: 'acme', values: [address] }],
        ['held/4', { observed }],
      ])
      const homes = [...entries].flatMap(([key, value]) => rekey.deal(key, value, entries, 0).map(({ home: at }) => at))
      expect(homes).toEqual(Array(4).fill({ logKey: `low ${groupKey('acme', [address])}` }))
    }
  })

  test('respond: what is a tenant’s goes with the tenant, lists in parts; bounds and the global stop hold everywhere', () => {
    const action = (id: string, tenant: string) => ({ action: { id, tenant } as Action })
    const entries = {
      'incident/i': { incident: { tenant: 'acme' } },
      'superseded/h': 'i',
      'run/r': { tenant: 'acme' },
      'action/a': action('a', 'acme'),
      'action/b': action('b', 'globex'),
      'caps/globex': [],
      'playbook/v': {},
      open: ['a', 'b', 'gone'],
      timers: [
        { atMs: 2, kind: 'wait', id: 'r' },
        { atMs: 1, kind: 'held', id: 'b' },
      ],
      policy: { at: '2026' },
      stopped: true,
      prunedMs: 5,
    }
    const [acme, globex] = [home('acme'), home('globex')]
    expect(acme).not.toEqual(globex)
    expect(placesOf('respond', entries)).toMatchObject({
      ...{ 'incident/i': acme, 'superseded/h': acme, 'run/r': acme, 'action/a': acme, 'action/b': globex },
      ...{ 'caps/globex': globex, 'playbook/v': everywhere, policy: everywhere, stopped: everywhere, prunedMs: [0] },
    })
    const dealt = dealAnew([{ meta: undefined, entries: new Map(Object.entries(entries)) }], to, rekeyOf('respond'))
    expect(dealt[acme[0]!]?.entries.get('open')).toEqual(['a'])
    expect(dealt[globex[0]!]?.entries.get('open')).toEqual(['b'])
    expect(dealt[globex[0]!]?.entries.get('timers')).toEqual([{ atMs: 1, kind: 'held', id: 'b' }])
  })

  test('correlate and meter: with the tenant, and with the principal whose account names the record', () => {
    expect(
      placesOf('correlate', {
        's/1': { scope: 'acme' },
        'i/2': { incident: { tenant: 'acme' } },
        sweep: { completeMs: 1, forgotMs: 1 },
      }),
    ).toEqual({ 's/1': home('acme'), 'i/2': home('acme'), sweep: everywhere })
    const account = { tenant: 'acme', principal: 'acme/eve' }
    const total = { account, kind: 'total', coarse: false, incomplete: false }
    expect(
      placesOf('meter', {
        'meter/1': total,
        'meter/2': { ...total, kind: 'correction' },
        'meter/3': { ...total, coarse: true },
        begins: 1,
      }),
    ).toEqual({ 'meter/1': home('acme/eve'), 'meter/2': [0], 'meter/3': [0], begins: [0] })
  })
})
