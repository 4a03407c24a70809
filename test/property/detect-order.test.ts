/**
 * The design's promise 2 for detect: whatever order events come in, however often, over however many partitions and
 * restarts, the same findings stand at the end.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../core/content.ts'
import type { Event } from '../../core/event.ts'
import { derivedId, sha256Hex } from '../../core/ids.ts'
import type { Signal } from '../../core/signal.ts'
import { DetectInProcess } from '../../services/detect/in-process.ts'

const root = path.resolve(import.meta.dirname, '../../rules')
const rules: ContentFile[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yml') && !name.endsWith('.cases.yml'))
  .map((name) => ({ path: name, text: readFileSync(path.join(root, name), 'utf8') }))

const behaviorRules = rules.filter(({ text }) => text.includes('\nbehavior:'))

const dayMs = 86_400_000
const startMs = Date.parse('2026-02-02T00:00:00.000Z')

function event(
  number: number,
  timeMs: number,
  user: string,
  fields: Partial<Event['warden']> & { action: string; rest?: object },
): Event {
  const { action, rest, ...warden } = fields
  const id = derivedId('event', number)
  return {
    '@timestamp': new Date(timeMs).toISOString(),
    event: {
      id,
      kind: 'event',
      action,
      category: ['file'],
      type: ['access'],
      outcome: 'success',
      dataset: 'test',
      created: new Date(timeMs).toISOString(),
      hash: sha256Hex(id),
    },
    organization: { id: 'own' },
    user: { name: user },
    warden: {
      principal: `own/${user}`,
      logsource: {},
      position: { topic: 'audit.events', partition: 0, offset: number, index: 0 },
      ...warden,
    },
    ...rest,
  }
}

/** Two weeks of a small company: readers, a backup, failed logins, a shared key, and a theft of a size that varies. */
const history = fc
  .record({
    seed: fc.integer({ min: 0, max: 1_000 }),
    shards: fc.integer({ min: 15, max: 40 }),
    failures: fc.integer({ min: 15, max: 30 }),
  })
  .map(({ seed, shards, failures }) => {
    const events: Event[] = []
    let state = seed
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state / 2 ** 32
    }
    const add = (timeMs: number, user: string, fields: Parameters<typeof event>[3]): void => {
      events.push(event(events.length, timeMs, user, fields))
    }
    const read = (timeMs: number, user: string, id: string, kind: string, bytes: number): void => {
      add(timeMs, user, { action: 'GetObject', asset: { id, kind }, bytes })
    }
    for (let day = 0; day < 14; day++) {
      for (let reader = 0; reader < 6; reader++) {
        const at = startMs + day * dayMs + Math.floor((8 + random() * 9) * 3_600_000)
        read(
          at,
          `reader${reader}`,
          `s3://corpus/${Math.floor(random() * 40)}.parquet`,
          'training-data',
          Math.floor(3e8 + random() * 4e8),
        )
      }
      read(startMs + day * dayMs + 7_200_000, 'backup', 's3://weights/all.safetensors', 'weights', 15e9)
    }
    const theftMs = startMs + 13 * dayMs + 19 * 3_600_000
    for (let shard = 0; shard < shards; shard++) {
      read(
        theftMs + shard * 47_000 + Math.floor(random() * 20_000),
        'reader2',
        `s3://weights/${shard}.safetensors`,
        'weights',
        236e6,
      )
    }
    for (let n = 0; n < failures; n++) {
      add(theftMs + Math.floor(random() * 900_000), `user${n % 9}`, {
        action: 'ConsoleLogin',
        rest: { event: undefined, source: { ip: '203.0.113.9' } },
      })
      const made = events[events.length - 1]!
      made.event = {
        id: derivedId('event', events.length - 1),
        kind: 'event',
        action: 'ConsoleLogin',
        category: ['authentication'],
        outcome: 'failure',
        dataset: 'test',
        created: made['@timestamp'],
        hash: sha256Hex('x'),
      }
    }
    for (let n = 0; n < 9; n++) {
      add(theftMs + n * 1_800_000, 'customer', {
        action: 'inference',
        logsource: { category: 'inference' },
        model: { id: 'm' },
        credential: { id: 'hmac-1' },
        rest: { source: { ip: `198.51.100.${n}`, geo: { country_iso_code: ['DE', 'FR', 'BR'][n % 3] } } },
      })
    }
    return events.sort((a, b) => (a['@timestamp'] < b['@timestamp'] ? -1 : 1))
  })

interface Delivery {
  readonly order: readonly number[]
  readonly tasks: number
  readonly watermarkEvery: number
  readonly restartAt: number
}

/** A way of delivering `length` events: in disorder within a span, some of them twice, over some partitions. */
const delivery = fc.record({
  disorder: fc.integer({ min: 0, max: 400 }),
  duplicates: fc.integer({ min: 0, max: 5 }),
  seed: fc.integer(),
  tasks: fc.integer({ min: 1, max: 4 }),
  watermarkEvery: fc.constantFrom(1, 7, 50, 1_000_000),
  restartAt: fc.integer({ min: -1, max: 150 }),
})

function deliveryOf(length: number, way: typeof delivery extends fc.Arbitrary<infer T> ? T : never): Delivery {
  let state = way.seed >>> 0
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const order = Array.from({ length }, (_, n) => [n, n + random() * way.disorder] as const)
    .sort(([, a], [, b]) => a - b)
    .flatMap(([n]) => (random() * 20 < way.duplicates ? [n, n] : [n]))
  return { order, tasks: way.tasks, watermarkEvery: way.watermarkEvery, restartAt: way.restartAt }
}

/** Runs the events; the watermark is as far as no event before it is still to come. */
function run(
  events: readonly Event[],
  { order, tasks, watermarkEvery, restartAt }: Delivery,
  late = false,
  inForce = rules,
): DetectInProcess {
  const pipe = new DetectInProcess(inForce, { tasks })
  const times = events.map((each) => Date.parse(each['@timestamp']))
  const least: number[] = []
  let min = Infinity
  for (let at = order.length - 1; at >= 0; at--) {
    least[at] = min
    min = Math.min(min, times[order[at]!]!)
  }
  order.forEach((number, at) => {
    if (at === restartAt) pipe.restart()
    pipe.event(events[number]!, startMs + at)
    if (at % watermarkEvery === 0) {
      const mark = late ? times[number]! : least[at]!
      if (Number.isFinite(mark)) pipe.watermark(mark)
    }
  })
  pipe.watermark(Infinity)
  return pipe
}

/** What must be the same: everything but how it came about. */
function standing(pipe: DetectInProcess): unknown[] {
  return [...pipe.final().values()]
    .map((signal: Signal) => {
      const { version: _v, created: _c, arrivedMs: _a, supersedes: _s, ...rest } = signal
      return { ...rest, facts: { ...rest.facts, final: undefined } }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

describe('detect, whatever the order', { timeout: 180_000 }, () => {
  test('the same findings stand at the end, with the same evidence and words', () => {
    let found = 0
    fc.assert(
      fc.property(history, delivery, (events, way) => {
        const straight = standing(
          run(
            events,
            deliveryOf(events.length, {
              disorder: 0,
              duplicates: 0,
              seed: 1,
              tasks: 1,
              watermarkEvery: 1,
              restartAt: -1,
            }),
          ),
        )
        found += straight.length
        expect(standing(run(events, deliveryOf(events.length, way)))).toEqual(straight)
      }),
      { numRuns: 30 },
    )
    expect(found).toBeGreaterThan(30)
  })

  test('a finding about hundreds of objects names the same eight', () => {
    const many = fc.record({
      reads: fc.integer({ min: 60, max: 700 }),
      seed: fc.nat(),
      gapMs: fc.integer({ min: 500, max: 20_000 }),
    })
    const text = `title: Read
name: read
logsource: {}
detection: { read: { event.action: GetObject }, condition: read }
---
title: Many read
id: many-read
correlation:
  type: value_count
  rules: [read]
  group-by: [warden.principal]
  timespan: 10m
  condition: { gte: 20, field: warden.asset.id }
`
    const correlations = [{ path: 'many.yml', text }]
    let found = 0
    fc.assert(
      fc.property(many, delivery, ({ reads, seed, gapMs }, way) => {
        const events = Array.from({ length: reads }, (_, number) => {
          // Spread, so that neither names nor times say which are the least.
          const id = `s3://weights/${(Math.imul(number + seed, 0x9e37_79b1) >>> 8) % 997}.safetensors`
          const quiet = number % 100 < 30 ? 12 : 1
          return event(number, startMs + number * gapMs * quiet, 'reader', {
            action: 'GetObject',
            asset: { id, kind: 'weights' },
          })
        }).sort((a, b) => (a['@timestamp'] < b['@timestamp'] ? -1 : 1))
        const named = (pipe: DetectInProcess): unknown[] =>
          [...pipe.final().values()].map(({ id, entities, evidence }) => [id, entities, evidence.count]).sort()
        const inOrder = deliveryOf(reads, { ...way, disorder: 0, duplicates: 0, watermarkEvery: 1, restartAt: -1 })
        const straight = named(run(events, inOrder, false, correlations))
        found += straight.length
        expect(named(run(events, deliveryOf(reads, way), false, correlations))).toEqual(straight)
      }),
      { numRuns: 60 },
    )
    expect(found).toBeGreaterThan(30)
  })

  test('reads later than the watermark revise what behavior rules found, to the same end', () => {
    fc.assert(
      fc.property(history, delivery, (events, way) => {
        const inOrder = deliveryOf(events.length, { ...way, disorder: 0, watermarkEvery: 1, restartAt: -1 })
        const straight = run(events, inOrder, true, behaviorRules)
        // Late by a few events: less than the day that totals may still be revised for.
        const late = run(
          events,
          deliveryOf(events.length, { ...way, disorder: 5, watermarkEvery: 1, restartAt: -1 }),
          true,
          behaviorRules,
        )
        expect([...late.final().keys()].sort()).toEqual([...straight.final().keys()].sort())
      }),
      { numRuns: 20 },
    )
  })

  test('one log replayed gives the same outputs, versions and all', () => {
    fc.assert(
      fc.property(history, delivery, (events, way) => {
        const once = deliveryOf(events.length, way)
        expect(run(events, once).signals).toEqual(run(events, { ...once, restartAt: 40 }).signals)
      }),
      { numRuns: 30 },
    )
  })
})
