import { describe, expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import { derivedId, sha256Hex } from '../../../core/ids.ts'
import { DetectInProcess } from '../in-process.ts'

const startMs = Date.parse('2026-03-02T09:00:00.000Z')
const minuteMs = 60_000

let count = 0
function event(action: string, atMs: number, user = 'ann'): Event {
  const id = derivedId('event', action, count++)
  const timestamp = new Date(startMs + atMs).toISOString()
  return {
    '@timestamp': timestamp,
    event: { id, kind: 'event', action, dataset: 'test', created: timestamp, hash: sha256Hex(id) },
    organization: { id: 'own' },
    user: { name: user },
    warden: {
      principal: `own/${user}`,
      logsource: {},
      position: { topic: 'audit.events', partition: 0, offset: count, index: 0 },
    },
  }
}

const single = (name: string): string =>
  `title: ${name}\nname: ${name}\nlogsource: {}\ndetection: { s: { event.action: ${name} }, condition: s }\n`
const correlation = (name: string, block: string): string =>
  `title: ${name}\nid: ${name}\ncorrelation: { group-by: [user.name], ${block} }\n`
/** A key made and not used within ten minutes; three of them within an hour; and after that a burst of reads. */
const unused = correlation('unused', 'type: temporal, timespan: 10m, condition: made and not used')
const often = correlation('often', 'type: event_count, rules: [unused], timespan: 1h, condition: { gte: 3 }')
const burst = correlation('burst', 'type: event_count, rules: [read], timespan: 1m, condition: { gte: 3 }')
const then = correlation('then', 'type: temporal_ordered, rules: [often, burst], timespan: 2h')
const quiet = correlation('quiet', 'type: event_count, rules: [unused], timespan: 1h, condition: { lte: 2 }')

const filesOf = (...correlations: string[]): { path: string; text: string }[] => [
  { path: 'r.yml', text: ['made', 'used', 'read'].map(single).concat(correlations).join('---\n') },
]
const pipeOf = (...correlations: string[]): DetectInProcess => new DetectInProcess(filesOf(...correlations))

const send = (pipe: DetectInProcess, ...events: Event[]): void => {
  for (const each of events) pipe.event(each, startMs)
}
const found = (pipe: DetectInProcess): string[] =>
  [...pipe.final().values()].map(({ rule, '@timestamp': at }) => `${rule.id} ${(Date.parse(at) - startMs) / minuteMs}`)

describe('a correlation that stands on one that is decided when its window is over', () => {
  const made = [0, 5, 10, 30].map((minute) => event('made', minute * minuteMs))
  const used = event('used', 31 * minuteMs)

  test('counts its findings at the time at which they held, however far the watermark goes at once', () => {
    for (const marks of [[], [11, 22, 30, 42, 90].map((minute) => startMs + minute * minuteMs)]) {
      const pipe = pipeOf(unused, often)
      // The window that opens at 0 holds the key of minute 5, and that of minute 10; the next opens at 30, where one is used.
      send(pipe, ...made, used, event('made', 45 * minuteMs), event('made', 58 * minuteMs))
      for (const mark of marks) pipe.watermark(mark)
      pipe.watermark(Infinity)
      expect(found(pipe)).toEqual(['often 58'])
    }
  })

  test('three high: what is told at one watermark is known above before time goes on there', () => {
    const pipe = pipeOf(unused, often, burst, then)
    const reads = [70, 70.2, 70.4].map((minute) => event('read', minute * minuteMs))
    send(pipe, ...made.slice(0, 1), event('made', 20 * minuteMs), event('made', 40 * minuteMs), ...reads)
    expect(pipe.signals).toEqual([])
    pipe.watermark(startMs + 80 * minuteMs)
    expect(found(pipe)).toEqual(['then 70.4'])
  })

  test('waits for the end of its own window and for the findings below', () => {
    const pipe = pipeOf(unused, quiet)
    send(pipe, event('made', 0))
    pipe.watermark(startMs + 65 * minuteMs)
    expect(found(pipe)).toEqual([])
    pipe.watermark(startMs + 71 * minuteMs)
    expect(found(pipe)).toEqual(['quiet 0'])
  })

  test('goes on after a restart in between', () => {
    const pipe = pipeOf(unused, often)
    send(pipe, made[0]!, event('made', 20 * minuteMs))
    pipe.watermark(startMs + 25 * minuteMs)
    pipe.restart()
    send(pipe, event('made', 40 * minuteMs))
    pipe.watermark(startMs + 62 * minuteMs)
    expect(found(pipe)).toEqual(['often 40'])
  })

  test('an event of a rule beside it that is late for others is late for it', () => {
    const beside = correlation('beside', 'type: temporal, rules: [unused, read], timespan: 1h')
    const pipe = pipeOf(unused, beside)
    send(pipe, event('made', 0))
    pipe.watermark(startMs + 5 * minuteMs)
    send(pipe, event('read', 4 * minuteMs))
    pipe.watermark(Infinity)
    expect(found(pipe)).toEqual([])
    expect(pipe.dropped.get('correlation-late')).toBe(1)
  })

  test('a finding whose events are not remembered with it counts all the same', () => {
    // A window of a few seconds among two hundred of them that wait for the watermark: most go without their evidence.
    const few = correlation('few', 'type: event_count, rules: [read], timespan: 5s, condition: { lte: 9 }')
    const many = correlation('many', 'type: event_count, rules: [few], timespan: 2h, condition: { gte: 200 }')
    const pipe = pipeOf(few, many)
    send(pipe, ...Array.from({ length: 200 }, (_, number) => event('read', number * 10_000)))
    pipe.watermark(Infinity)
    expect(found(pipe)).toHaveLength(1)
  })
})

describe('a finding that stands on one that says incomplete', () => {
  const flood = (): Event[] => Array.from({ length: 2_500 }, (_, number) => event('read', number * 10))
  const incomplete = (pipe: DetectInProcess): unknown[] =>
    [...pipe.final().values()].map(({ rule, facts }) => [rule.id, facts['incomplete'] ?? false])
  const beside = correlation('beside', 'type: temporal, rules: [burst, made], timespan: 2h')

  test('says so too, though that one was told before it did', () => {
    const pipe = pipeOf(burst, beside)
    send(pipe, event('made', 0), ...flood())
    pipe.watermark(Infinity)
    expect(incomplete(pipe)).toEqual([['beside', true]])
  })

  test('also where the partition has restarted, and event time has passed both in between', () => {
    const pipe = pipeOf(burst, beside)
    send(pipe, event('made', 0), ...flood())
    pipe.restart()
    pipe.watermark(startMs + 20_000)
    pipe.restart()
    pipe.watermark(Infinity)
    expect(incomplete(pipe)).toEqual([['beside', true]])
  })

  test('says so too where both are decided when their windows are over', () => {
    const few = correlation('few', 'type: event_count, rules: [read], timespan: 1m, condition: { lte: 9999 }')
    const once = correlation('once', 'type: event_count, rules: [few], timespan: 1h, condition: { lte: 1 }')
    const pipe = pipeOf(few, once)
    send(pipe, ...flood())
    pipe.watermark(Infinity)
    expect(incomplete(pipe)).toEqual([['once', true]])
  })

  test('does not where nothing was forgotten', () => {
    const pipe = pipeOf(burst, beside)
    send(pipe, event('made', 0), ...flood().slice(0, 100))
    pipe.watermark(Infinity)
    expect(incomplete(pipe)).toEqual([['beside', false]])
  })
})

describe('what a group remembers of the findings that it has handed on', () => {
  test('is bounded, however many there were', () => {
    const pipe = pipeOf(
      burst,
      correlation('bursts', 'type: event_count, rules: [burst], timespan: 1m, condition: { gte: 9 }'),
    )
    for (let number = 0; number < 300; number++) {
      const at = number * 200_000
      send(pipe, event('read', at), event('read', at + 1_000), event('read', at + 2_000))
      pipe.watermark(startMs + at + 3_000)
    }
    const heads = pipe
      .snapshot()
      .flatMap(({ entries }) => entries.map(([, json]) => JSON.parse(json) as { told?: object }))
    const told = heads.map((head) => Object.keys(head.told ?? {}).length)
    expect(Math.max(...told)).toBeLessThanOrEqual(65)
    expect(Math.max(...told)).toBeGreaterThan(0)
  })
})

test('a group that was let go after a restart does not come back where rules are put in force again', () => {
  const pipe = pipeOf(burst)
  send(pipe, event('read', 0))
  pipe.restart()
  pipe.watermark(startMs + 10 * minuteMs)
  pipe.use(filesOf(burst, often, unused))
  send(pipe, event('read', 20 * minuteMs), event('read', 20 * minuteMs + 1))
  pipe.restart()
  send(pipe, event('read', 20 * minuteMs + 2))
  pipe.watermark(Infinity)
  expect([...pipe.final().values()].map(({ rule }) => rule.id)).toEqual(['burst'])
})
