import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../core/content.ts'
import type { Event } from '../../core/event.ts'
import { sha256Hex } from '../../core/ids.ts'
import { DetectInProcess } from './in-process.ts'
import { makeException, objections, type ExceptionWish } from './authoring/made-exception.ts'
import { compileRules } from './rule-set/rule-set.ts'

const startMs = Date.parse('2026-03-02T09:00:00.000Z')

function event(n: number, user: string, atMs = startMs + n * 1_000): Event {
  const time = new Date(atMs).toISOString()
  return {
    '@timestamp': time,
    event: { id: `e${n}`, kind: 'event', action: 'Stop', dataset: 't', created: time, hash: sha256Hex(`${n}`) },
    organization: { id: 'own' },
    user: { name: user },
    warden: {
      principal: `own/${user}`,
      logsource: {},
      position: { topic: 'audit.events', partition: 0, offset: n, index: 0 },
    },
  }
}

const rule: ContentFile = {
  path: 'stop.yml',
  text: 'title: Stop\nid: stop\nlogsource: {}\ndetection: { s: { event.action: Stop }, condition: s }\n',
}
const count: ContentFile = {
  path: 'count.yml',
  text: 'title: Count\nid: count\ncorrelation: { type: event_count, rules: [stop], group-by: [warden.principal], timespan: 1m, condition: { gte: 2 }, generate: true }\n',
}
const exception = (of: string, more = '', who = 'own/dana'): ContentFile => ({
  path: 'exceptions/x.yml',
  text: `title: X\nid: x\nlogsource: {}\nmodelwarden: { author: ana, reason: backup${more} }\nfilter:\n  rules: [${of}]\n  known: { warden.principal: ${who} }\n  condition: not known\n`,
})

function found(files: readonly ContentFile[], events: readonly Event[]): { rules: string[]; suppressed: number } {
  const pipe = new DetectInProcess(files)
  for (const each of events) pipe.event(each, Date.parse(each['@timestamp']))
  pipe.watermark(Infinity)
  const rules = [...pipe.final().values()].map((signal) => `${signal.rule.id} ${signal.group['warden.principal']!}`)
  return { rules: rules.sort(), suppressed: pipe.dropped.get('suppressed') ?? 0 }
}

describe('an exception', () => {
  const events = [event(1, 'dana'), event(2, 'dana'), event(3, 'eli'), event(4, 'eli')]

  test('hides what it names and counts it; the rule goes on for all others', () => {
    expect(found([rule, exception('stop')], events)).toEqual({ rules: ['stop own/eli', 'stop own/eli'], suppressed: 2 })
  })

  test('of a rule hides its events from the correlations that stand on it; of a correlation from this one alone', () => {
    expect(found([rule, count, exception('stop')], events).rules).toEqual([
      'count own/eli',
      'stop own/eli',
      'stop own/eli',
    ])
    expect(found([rule, count, exception('count')], events)).toEqual({
      rules: ['count own/eli', 'stop own/dana', 'stop own/dana', 'stop own/eli', 'stop own/eli'],
      suppressed: 2,
    })
  })

  test('ends by the time of the event, whenever that comes', () => {
    const ends = exception('stop', `, expires: '${new Date(startMs + 2_000).toISOString()}'`)
    const late = [event(2, 'dana'), event(1, 'dana')]
    expect(found([rule, ends], late)).toEqual({ rules: ['stop own/dana'], suppressed: 1 })
  })

  test('without author or reason is a mistake at its place, and so is a plain filter on a correlation', () => {
    const unsigned = { path: 'x.yml', text: exception('stop').text.replace('author: ana, ', '') }
    expect(compileRules([rule, unsigned]).mistakes.map(({ code, place }) => [code, place?.line])).toEqual([
      ['SIGMA_FILTER_INVALID', 4],
    ])
    const plain = { path: 'x.yml', text: exception('count').text.replace(/modelwarden:.*\n/, '') }
    expect(compileRules([rule, count, plain]).mistakes.map(({ code }) => code)).toEqual(['SIGMA_FILTER_INVALID'])
  })
})

describe('an exception made from a finding', () => {
  const cases = (who: string): ContentFile => ({
    path: 'stop.cases.yml',
    text: `cases: [{ name: it stops, events: [{ event: { event.action: Stop, user.name: ${who} } }], expect: match }]\n`,
  })
  function wishFor(user: string, fields?: readonly string[]): ExceptionWish {
    const pipe = new DetectInProcess([rule])
    const seen = event(1, user)
    pipe.event(seen, startMs)
    return { signal: pipe.signals[0]!, events: [seen], fields, author: 'ana', reason: 'backup', expires: undefined }
  }

  test('hides the events it is made from, literally, wildcards in them included', () => {
    const wish = wishFor('da*n\\a?')
    const made = makeException(wish)
    if (typeof made === 'string') throw new Error(made)
    expect(objections(made, wish, { files: [rule], cases: [cases('zoe')] }, [])).toEqual([])
    const file = { path: 'exceptions/m.yml', text: JSON.stringify(made.document) }
    expect(found([rule, file], [event(1, 'da*n\\a?'), event(2, 'daXXn\\ab')]).rules).toEqual(['stop own/daXXn\\ab'])
  })

  test('is refused where it would hide a case that the rule must find', () => {
    const wish = wishFor('dana', ['event.action'])
    const made = makeException(wish)
    if (typeof made === 'string') throw new Error(made)
    expect(objections(made, wish, { files: [rule], cases: [cases('zoe')] }, [])).toEqual([
      expect.stringContaining('"it stops"'),
    ])
  })

  test('is not made of a field that its events do not have', () => {
    expect(makeException(wishFor('dana', ['source.ip']))).toContain('source.ip')
  })
})
