/**
 * kill -9 of any service at any moment: what comes of a day of records is what comes of it undisturbed.
 *
 * Two runs of the same day, each on a broker of its own and with services as processes of their own; each principal's
 * records are spread over all partitions, and rules that depend on the order of events are in force. In the second run
 * every service is killed, again and again, at random moments. Compared are events, dead letters, signals, incidents,
 * actions, the state of credentials, and what a receiver outside has got.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import { believableDay } from '../../../cli/demo/day.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import { headers, topics, topicSpecs } from '../../../core/topics.ts'
import { silentLog } from '../../../runtime/log.ts'
import { seeded } from '../../../cli/demo/random.ts'
import { describeOwnKafka, startKafka } from '../../support/kafka.ts'
import { temporaryFolder } from '../../support/tmp.ts'
import { startWebhook } from '../../support/webhook.ts'
import { outcomeOf, type Outcome } from './outcome.ts'
import { Pipeline, services } from './pipeline.ts'
import { end, untilQuiet } from './quiet.ts'

const partitions = 4
const feedMs = 40_000
const feedEveryMs = 200
const killEveryMs = 2_500
const quietMs = 12_000
const drainedWithinMs = 120_000
/** The same for both runs, and a while ago: nothing in it is from the future. */
const dayEndMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000
/** Of rules/ordered-theft.yml. */
const orderedRule = '5e3e0a4c-7a8a-4f0e-9d0a-6a3c2f1d0004'
const seed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 1e6))

interface Run {
  readonly outcome: Outcome
  /** How often the receiver took each delivery, by the delivery's id. */
  readonly deliveries: Readonly<Record<string, number>>
  readonly kills: number
}

async function runDay(disturb: boolean): Promise<Run> {
  const broker = await startKafka()
  const webhook = await startWebhook({ secret: Pipeline.webhookSecret })
  const bus = createKafkaBus({ brokers: broker.brokers }, silentLog)
  const folder = await temporaryFolder('kill')
  const pipeline = new Pipeline({ brokers: broker.brokers, folder, webhookUrl: webhook.url, partitions })
  try {
    await bus.createTopics(topicSpecs(partitions))
    await pipeline.start()
    const work = { over: false }
    const killer = disturb ? killAtRandom(pipeline, work) : Promise.resolve(0)
    await feed(bus)
    work.over = true
    const kills = await killer
    await end(bus, partitions)
    await untilQuiet(bus, { quietMs, withinMs: drainedWithinMs })
    expect(pipeline.ends, 'services that ended by themselves').toEqual([])
    const deliveries: Record<string, number> = {}
    for (const { id = '' } of webhook.accepted) deliveries[id] = (deliveries[id] ?? 0) + 1
    return { outcome: await outcomeOf(bus), deliveries, kills }
  } finally {
    await pipeline.stop()
    await bus.close()
    await webhook.close()
    await broker.kill9()
  }
}

/** A day of records in order of time, dealt out over the partitions like cards. */
async function feed(bus: Bus): Promise<void> {
  const day = believableDay(dayEndMs, 'kill-nine')
  const perTurn = Math.ceil((day.length * feedEveryMs) / feedMs)
  for (let at = 0; at < day.length; at += perTurn) {
    const records = day.slice(at, at + perTurn).map(({ source, record }, index) => ({
      topic: source === 'litellm' || source === 'gateway' ? topics.inference : topics.audit,
      partition: (at + index) % partitions,
      value: JSON.stringify(record),
      headers: { [headers.source]: source },
    }))
    await Promise.all([bus.publish(records), sleep(feedEveryMs)])
  }
}

async function killAtRandom(pipeline: Pipeline, work: { readonly over: boolean }): Promise<number> {
  const random = seeded(seed)
  let kills = 0
  while (!work.over) {
    await sleep(random.next() * 2 * killEveryMs)
    const victim = services[kills % services.length]!
    await pipeline.kill9(victim)
    kills += 1
    await sleep(random.next() * 500)
    pipeline.startOne(victim)
  }
  return kills
}

describeOwnKafka('kill -9 of any service at any moment', () => {
  test(`changes nothing in what a day comes to (seed ${seed})`, { timeout: 420_000 }, async () => {
    const calm = await runDay(false)
    const rough = await runDay(true)
    expect(rough.kills).toBeGreaterThan(services.length)

    const rules = Object.values(calm.outcome.signals).map((signal) => (signal as { rule: string }).rule)
    expect(rules).toContain(orderedRule)
    expect(Object.keys(calm.outcome.incidents).length).toBeGreaterThan(1)
    expect(calm.outcome.told).toBeGreaterThan(0)

    expect(rough.outcome.events).toEqual(calm.outcome.events)
    expect(rough.outcome.deadLetters).toEqual(calm.outcome.deadLetters)
    expect(rough.outcome.signals).toEqual(calm.outcome.signals)
    expect(rough.outcome.detections).toEqual(calm.outcome.detections)
    expect(rough.outcome.incidents).toEqual(calm.outcome.incidents)
    expect(Object.keys(calm.outcome.incidents).filter((id) => id in calm.outcome.times)).not.toEqual([])
    // A day passes in 40 s here: a group that outgrew its memory in one of the runs says so, and is right to within its window.
    for (const [id, { rough: isRough, spanMs, timesMs }] of Object.entries(calm.outcome.times)) {
      const there = rough.outcome.times[id]!
      const withinMs = isRough || there.rough ? spanMs : 0
      for (const [index, timeMs] of timesMs.entries()) {
        expect(Math.abs(there.timesMs[index]! - timeMs), `an instant of ${id}`).toBeLessThanOrEqual(withinMs)
      }
    }
    expect(rough.outcome.actions).toEqual(calm.outcome.actions)
    expect(rough.outcome.credentials).toEqual(calm.outcome.credentials)
    // A delivery may come again for the kill that fell into it, by the id that the receiver knows; never under another.
    for (const { deliveries, outcome } of [calm, rough]) expect(Object.keys(deliveries)).toHaveLength(outcome.told)
    expect(Object.values(calm.deliveries).every((times) => times === 1)).toBe(true)
  })
})
