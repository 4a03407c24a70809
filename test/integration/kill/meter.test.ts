/**
 * kill -9 of what meters, and of what stands before it, at any moment: what is added up is what a naive count of the calls
 * comes to, those that the gateway sends twice and those that come hours late included.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import { seeded } from '../../../cli/demo/random.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import { headers, topics, topicSpecs } from '../../../core/topics.ts'
import { UsageRecord } from '../../../core/usage.ts'
import { silentLog } from '../../../runtime/log.ts'
import { describeOwnKafka, startKafka } from '../../support/kafka.ts'
import { temporaryFolder } from '../../support/tmp.ts'
import { hmacKey, Pipeline } from './pipeline.ts'
import { end } from '../../fault/harness/quiet.ts'

const partitions = 3
const calls = 6_000
const feedMs = 24_000
const turns = 120
const hourMs = 3_600_000
const spanMs = 6 * hourMs
const startMs = Math.floor(Date.now() / hourMs) * hourMs - spanMs - 2 * hourMs
const seed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 1e6))

interface Call {
  readonly id: string
  readonly ts: string
  readonly tenant: string
  readonly principal: string
  readonly model: string
  readonly status: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** In order of time, but for one in twenty that comes up to three hours late. */
function makeCalls(): readonly Call[] {
  const random = seeded(seed)
  const below = (n: number): number => Math.floor(random.next() * n)
  return Array.from({ length: calls }, (_, n) => {
    const late = below(20) === 0 ? below(3 * hourMs) : 0
    const tenant = ['acme', 'globex', 'initech'][below(3)]!
    return {
      id: `call-${n}`,
      ts: new Date(startMs + Math.max(0, (n * spanMs) / calls - late)).toISOString(),
      tenant,
      principal: `user-${below(15)}`,
      model: `llm-${below(3)}`,
      status: below(10) === 0 ? 429 : 200,
      inputTokens: below(2_000),
      outputTokens: below(500),
    }
  })
}

/** One call in fifteen is sent a second time, a while later and to another partition. */
async function feed(bus: Bus, made: readonly Call[]): Promise<void> {
  const perTurn = Math.ceil(made.length / turns)
  const again: Call[] = []
  for (let at = 0; at < made.length; at += perTurn) {
    const due = again.splice(0)
    const turn = made.slice(at, at + perTurn)
    again.push(...turn.filter((_, index) => index % 15 === 0))
    const records = [...turn, ...due].map((call, index) => ({
      topic: topics.inference,
      partition: (at + index) % partitions,
      value: JSON.stringify({ type: 'inference', source: 'gateway', ...call }),
      headers: { [headers.source]: 'gateway' },
    }))
    await Promise.all([bus.publish(records), sleep(feedMs / turns)])
  }
}

async function kill(pipeline: Pipeline, work: { readonly over: boolean }): Promise<number> {
  const random = seeded(seed + 1)
  let kills = 0
  while (!work.over) {
    await sleep(1_000 + random.next() * 3_000)
    const victim = kills % 3 === 2 ? 'normalize' : 'meter'
    await pipeline.kill9(victim)
    kills += 1
    await sleep(random.next() * 300)
    pipeline.startOne(victim)
  }
  return kills
}

type Sums = Record<string, readonly [calls: number, inputTokens: number, outputTokens: number]>

function add(sums: Sums, key: string, figures: readonly [number, number, number]): void {
  const before = sums[key] ?? [0, 0, 0]
  sums[key] = [before[0] + figures[0], before[1] + figures[1], before[2] + figures[2]]
}

function naive(made: readonly Call[]): Sums {
  const sums: Sums = {}
  for (const { ts, tenant, principal, model, status, inputTokens, outputTokens } of made) {
    const outcome = status < 400 ? 'success' : 'failure'
    for (const start of [`hour ${ts.slice(0, 13)}`, `day ${ts.slice(0, 10)}T00`]) {
      const key = `${start} ${tenant}/${principal} ${model} ${outcome}`
      add(sums, key, [1, inputTokens, outputTokens])
    }
  }
  return sums
}

/** As a compacted topic keeps it: the last record of each id. A settled one must never be followed by another. */
async function metered(bus: Bus): Promise<{ readonly sums: Sums; readonly corrections: number }> {
  const last = new Map<string, UsageRecord>()
  for (let partition = 0; partition < (await bus.partitionCount(topics.usage)); partition++) {
    await bus.read({ topic: topics.usage, partition }, 'start', (batch) => {
      for (const { value } of batch) {
        const record = UsageRecord.parse(JSON.parse(String(value)))
        const before = last.get(record.id)
        // Sent again after a kill, a version says what it said.
        if (before?.state === 'settled' && before.version <= record.version) expect(record).toEqual(before)
        if (before === undefined || before.version <= record.version) last.set(record.id, record)
      }
    })
  }
  const sums: Sums = {}
  for (const record of last.values()) {
    for (const outcome of ['success', 'failure'] as const) {
      const { calls: count, inputTokens, outputTokens } = record[outcome]
      if (count === 0) continue
      const key = `${record.period} ${record.start.slice(0, 13)} ${record.principal} ${record.model} ${outcome}`
      add(sums, key, [count, inputTokens, outputTokens])
    }
  }
  return { sums, corrections: [...last.values()].filter(({ kind }) => kind === 'correction').length }
}

describeOwnKafka('kill -9 of the meter', () => {
  test(`changes nothing in what is added up (seed ${seed})`, { timeout: 180_000 }, async () => {
    const broker = await startKafka()
    const bus = createKafkaBus({ brokers: broker.brokers }, silentLog)
    const folder = await temporaryFolder('kill-meter')
    const pipeline = new Pipeline({
      brokers: broker.brokers,
      folder,
      partitions,
      services: ['normalize', 'meter'],
    })
    try {
      await bus.createTopics(topicSpecs(partitions))
      // Event time must not wait for a log in which nothing comes: hours are to settle while calls still come late.
      await end(bus, hmacKey, partitions, [topics.audit])
      await pipeline.start()
      const made = makeCalls()
      const work = { over: false }
      const killer = kill(pipeline, work)
      await feed(bus, made)
      work.over = true
      const kills = await killer
      await end(bus, hmacKey, partitions, [topics.inference])
      const expected = naive(made)
      const total = (sums: Sums): number => Object.values(sums).reduce((sum, [count]) => sum + count, 0)
      for (let n = 0; n < 120 && total((await metered(bus)).sums) < total(expected); n++) await sleep(500)
      // Whatever is still on its way would now be too much.
      await sleep(3_000)
      const { sums, corrections } = await metered(bus)
      expect(sums).toEqual(expected)
      expect(kills).toBeGreaterThan(3)
      expect(corrections).toBeGreaterThan(10)
      expect(pipeline.ends, 'services that ended by themselves').toEqual([])
    } finally {
      await pipeline.stop()
      await bus.close()
      await broker.kill9()
    }
  })
})
