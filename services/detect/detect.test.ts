import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../core/content.ts'
import type { Event } from '../../core/event.ts'
import { derivedId, sha256Hex } from '../../core/ids.ts'
import { Signal } from '../../core/signal.ts'
import { topics } from '../../core/topics.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import type { StageRecord } from '../../runtime/stage/stage.ts'
import { silentReport } from './cost.ts'
import { DetectLogic } from './detect-stage.ts'
import { GroupsLogic } from './groups-stage.ts'
import { DetectInProcess } from './in-process.ts'
import { syntheticRuleId } from './synthetic.ts'

const startMs = Date.parse('2026-03-02T09:00:00.000Z')

function event(
  number: number,
  over: { user?: string; ip?: string; tenant?: string; action?: string; warden?: object; atMs?: number } = {},
): Event {
  const id = derivedId('event', number)
  const timestamp = new Date(over.atMs ?? startMs + number * 1_000).toISOString()
  const tenant = over.tenant ?? 'own'
  return {
    '@timestamp': timestamp,
    event: {
      id,
      kind: 'event',
      action: over.action ?? 'login',
      outcome: 'failure',
      dataset: 'test',
      created: timestamp,
      hash: sha256Hex(id),
    },
    organization: { id: tenant },
    source: { ip: over.ip ?? '203.0.113.1' },
    warden: {
      principal: `${tenant}/${over.user ?? 'ann'}`,
      logsource: {},
      position: { topic: 'audit.events', partition: 0, offset: number, index: 0 },
      ...over.warden,
    },
  }
}

const rule = (id: string, groupBy: string, gte: number, extra = ''): ContentFile => ({
  path: `${id}.yml`,
  text: `title: Failed
id: ${id}-base
name: ${id}_base
logsource: {}
detection: { s: { event.action: login }, condition: s }
---
title: Many failed
id: ${id}
level: medium
correlation:
  type: event_count
  rules: [${id}_base]
  group-by: [${groupBy}]
  timespan: 1h
  condition: { gte: ${gte} }
${extra}`,
})
const single: ContentFile = {
  path: 'single.yml',
  text: 'title: Stop\nid: stop\nlogsource: {}\ndetection: { s: { event.action: StopLogging }, condition: s }\nlevel: high\n',
}

const feed = (pipe: DetectInProcess, numbers: readonly number[], over: Parameters<typeof event>[1] = {}): void => {
  for (const number of numbers) pipe.event(event(number, over), startMs + number)
}
const upTo = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)

describe('detect', () => {
  test('what comes out has the form of a signal', () => {
    const pipe = new DetectInProcess([single, rule('by-user', 'warden.principal', 3), rule('by-ip', 'source.ip', 3)])
    feed(pipe, [1], { action: 'StopLogging' })
    feed(pipe, [2, 3, 4])
    pipe.watermark(Infinity)
    expect(new Set(pipe.signals.map(({ rule }) => rule.id))).toEqual(new Set(['stop', 'by-user', 'by-ip']))
    for (const signal of pipe.signals) expect(Signal.safeParse(signal).error).toBeUndefined()
  })

  test('a single-event signal is keyed by the event, not by the version of its rule', () => {
    const one = new DetectInProcess([single])
    const two = new DetectInProcess([{ ...single, text: single.text.replace('high', 'low') }])
    for (const pipe of [one, two]) feed(pipe, [1], { action: 'StopLogging' })
    expect(one.signals[0]!.id).toBe(two.signals[0]!.id)
    expect(one.signals[0]!.rule.version).not.toBe(two.signals[0]!.rule.version)
  })

  test('an event delivered twice counts once, also over a restart', () => {
    const pipe = new DetectInProcess([rule('by-user', 'warden.principal', 3), single])
    feed(pipe, [1, 1, 2])
    pipe.restart()
    feed(pipe, [1, 2, 2])
    expect(pipe.final().size).toBe(0)
    expect(pipe.dropped.get('duplicate')).toBe(4)
    feed(pipe, [3])
    expect([...pipe.final().values()].map(({ evidence }) => evidence.count)).toEqual([3])
  })

  test('events from a time whose ids are forgotten are counted and told as unchecked, those that can be told from a second copy are not', () => {
    let unchecked = 0
    const report = { ...silentReport, unchecked: () => (unchecked += 1) }
    const logic = new DetectLogic(new MemoryState(), report)
    const out = new CollectedOutcome()
    const take = (number: number, atMs: number): void => logic.event(event(number, { atMs }), { appendedMs: 0 }, out)
    const dayMs = 86_400_000
    take(1, startMs)
    logic.watermark(startMs + 2 * dayMs, out)
    take(2, startMs + 2 * dayMs)
    take(3, startMs + 1.5 * dayMs)
    expect(unchecked).toBe(0)
    for (let copies = 0; copies < 2; copies++) take(4, startMs)
    expect(unchecked).toBe(2)
    expect(out.dropped).toEqual([])
  })

  test('events of two tenants are never counted together unless the rule speaks for the operator', () => {
    const tenants = new DetectInProcess([rule('by-ip', 'source.ip', 4)])
    const operator = new DetectInProcess([rule('by-ip', 'source.ip', 4, 'modelwarden: { scope: operator }\n')])
    for (const pipe of [tenants, operator]) {
      feed(pipe, [1, 2], { tenant: 'a' })
      feed(pipe, [3, 4], { tenant: 'b' })
      pipe.watermark(Infinity)
    }
    expect(tenants.final().size).toBe(0)
    expect([...operator.final().values()].map(({ scope }) => scope)).toEqual(['operator'])
    expect([...operator.final().values()][0]!.entities.filter(({ type }) => type === 'principal')).toHaveLength(2)
  })

  test('an event that names nothing to group by is no group of its own', () => {
    const pipe = new DetectInProcess([rule('by-session', 'warden.session.id', 2)])
    feed(pipe, upTo(0, 10))
    pipe.watermark(Infinity)
    expect(pipe.signals).toEqual([])
  })

  test('a synthetic event matches the rule that measures the pipeline, and none other', () => {
    const pipe = new DetectInProcess([single])
    feed(pipe, [1, 1], { action: 'StopLogging', warden: { synthetic: true } })
    expect(pipe.signals.map(({ rule, synthetic }) => [rule.id, synthetic])).toEqual([[syntheticRuleId, true]])
  })

  test('a shadow rule says so on its signals', () => {
    const pipe = new DetectInProcess([{ ...single, text: `${single.text}modelwarden: { shadow: true }\n` }])
    feed(pipe, [1], { action: 'StopLogging' })
    expect(pipe.signals[0]!.rule.shadow).toBe(true)
  })

  test('what is no event becomes a dead letter and stops nothing', () => {
    const logic = new DetectLogic(new MemoryState(), silentReport)
    logic.content('rules', bundleOf('rules', [single]), [single])
    const out = new CollectedOutcome()
    for (const value of [
      '{}',
      'nonsense',
      '[]',
      '{"@timestamp":"never"}',
      JSON.stringify({ ...event(1), '@timestamp': 'never' }),
    ]) {
      logic.record(recordOf(value), out)
    }
    logic.record(recordOf(JSON.stringify(event(2, { action: 'StopLogging' }))), out)
    expect(out.deadLetters.map(({ code }) => code)).toEqual([
      'NOT_AN_EVENT',
      'NOT_AN_EVENT',
      'NOT_AN_EVENT',
      'NOT_AN_EVENT',
      'NOT_AN_EVENT',
    ])
    expect(out.emitted).toHaveLength(1)
  })

  test('state is retired once the watermark has passed it', () => {
    const pipe = new DetectInProcess([rule('by-user', 'warden.principal', 100), rule('by-ip', 'source.ip', 100)])
    for (let n = 0; n < 500; n++) feed(pipe, [n], { user: `u${n}`, ip: `203.0.${n % 200}.1` })
    const busy = pipe.stateSize
    pipe.watermark(startMs + 70 * 86_400_000)
    expect(busy).toBeGreaterThan(500)
    // Each task's clock stays.
    expect(pipe.stateSize).toBeLessThanOrEqual(2)
  })
})

describe('rules that are edited while events flow', () => {
  test('an unchanged rule goes on counting, a changed one begins afresh, a removed one is forgotten', () => {
    const kept = rule('kept', 'warden.principal', 4)
    const keptByIp = rule('kept-ip', 'source.ip', 4)
    const pipe = new DetectInProcess([
      kept,
      keptByIp,
      rule('changed', 'warden.principal', 4),
      rule('removed', 'warden.principal', 4),
    ])
    feed(pipe, [1, 2, 3])
    const before = pipe.stateSize
    expect(pipe.use([kept, keptByIp, rule('changed', 'warden.principal', 3)])).toEqual([])
    expect(pipe.stateSize).toBeLessThan(before)
    feed(pipe, [4])
    expect(new Set([...pipe.final().values()].map(({ rule }) => rule.id))).toEqual(new Set(['kept', 'kept-ip']))
    feed(pipe, [5, 6])
    expect(new Set([...pipe.final().values()].map(({ rule }) => rule.id))).toEqual(
      new Set(['kept', 'kept-ip', 'changed']),
    )
  })

  test('a broken edit changes nothing and says where it is broken', () => {
    const pipe = new DetectInProcess([single])
    const mistakes = pipe.use([{ ...single, text: single.text.replace('condition: s', 'condition: nobody') }])
    expect(mistakes[0]).toMatchObject({ place: { file: 'single.yml', line: 4 } })
    feed(pipe, [1], { action: 'StopLogging' })
    expect(pipe.signals).toHaveLength(1)
  })

  test('a broken file at the very first start does not keep the good ones from working', () => {
    const pipe = new DetectInProcess([single, { path: 'broken.yml', text: 'title: x\ndetection: {}\n' }])
    feed(pipe, [1], { action: 'StopLogging' })
    expect(pipe.signals).toHaveLength(1)
  })

  test('an observation of a rule that is not in force yet behind the shuffle waits for it', () => {
    const files = [rule('by-ip', 'source.ip', 2)]
    const bundle = bundleOf('rules', files)
    const out = new CollectedOutcome()
    const detect = new DetectLogic(new MemoryState(), silentReport)
    const state = new MemoryState()
    detect.content('rules', bundle, files)
    for (const n of [1, 2]) detect.record(recordOf(JSON.stringify(event(n))), out)
    const observations = out.emitted.filter(({ topic }) => topic === topics.observations)
    out.clear()
    let groups = new GroupsLogic(state, silentReport, 1)
    groups.content('rules', bundleOf('rules', []), [], out)
    for (const { value } of observations) groups.record(recordOf(JSON.stringify(value)), out)
    groups = new GroupsLogic(state, silentReport, 1)
    groups.content('rules', bundleOf('rules', []), [], out)
    expect(out.emitted).toEqual([])
    groups.content('rules', bundle, files, out)
    expect(out.emitted.map(({ value }) => (value as Signal).rule.id)).toEqual(['by-ip'])
  })

  test('rules that need a list rest while it is empty, and say so', () => {
    const list = (values: string): ContentFile => ({
      path: 'lists/own.yml',
      text: `title: Own\nempty: rest\nvalues: ${values}\n`,
    })
    const using: ContentFile = {
      path: 'using.yml',
      text: "title: Copy\nid: copy\nlogsource: {}\ndetection:\n  s: { event.action: Copy }\n  own: { warden.principal|expand: '%own%' }\n  condition: s and not own\nlevel: high\n",
    }
    const pipe = new DetectInProcess([list('[]'), using])
    feed(pipe, [1], { action: 'Copy' })
    expect(pipe.signals).toEqual([])
    expect(pipe.use([list('[own/a*]'), using])).toEqual([])
    feed(pipe, [2], { action: 'Copy' })
    feed(pipe, [3], { action: 'Copy', user: 'ben' })
    expect(pipe.signals.map(({ group }) => group['warden.principal'])).toEqual(['own/ben'])
  })
})

describe('a correlation that stands on a correlation', () => {
  test('hears of findings, and takes back what is withdrawn', () => {
    const upper: ContentFile = {
      path: 'upper.yml',
      text: 'title: Twice\nid: twice\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [by-user]\n  group-by: [warden.principal]\n  timespan: 12h\n  condition: { gte: 2 }\n',
    }
    const pipe = new DetectInProcess([rule('by-user', 'warden.principal', 3), upper])
    feed(pipe, [1, 2, 3])
    for (const n of [10, 11, 12]) feed(pipe, [n], { atMs: startMs + 6 * 3_600_000 + n * 1_000 })
    pipe.watermark(Infinity)
    expect([...pipe.final().values()].map(({ rule }) => rule.id)).toEqual(['twice'])
    expect([...pipe.final().values()][0]!.entities).toContainEqual({ type: 'principal', id: 'own/ann' })
  })
})

function recordOf(value: string): StageRecord {
  return {
    topic: topics.events,
    partition: 0,
    offset: 0,
    key: undefined,
    value: Buffer.from(value),
    headers: {},
    appendedMs: startMs,
    arrivedMs: startMs,
  }
}
