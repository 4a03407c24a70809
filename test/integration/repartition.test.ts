/**
 * More partitions on a real broker: correlations that are open meanwhile are found afterwards, nothing comes twice, and a run
 * that is cut off at any step is gone on with, no stage starting before it has come to its end.
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { compose, type Instance } from '../../cli/compose.ts'
import { repartition } from '../../cli/repartition.ts'
import type { Incident } from '../../core/incident.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Signal } from '../../core/signal.ts'
import { headers, stateTopic, topics, topicSpecs } from '../../core/topics.ts'
import { Config } from '../../runtime/config.ts'
import { silentLog } from '../../runtime/log.ts'
import { firstHalf, secondHalf } from '../history/history.ts'
import { eventually } from '../support/indexed.ts'
import { describeOwnKafka, startKafka } from '../support/kafka.ts'
import { temporaryFolder } from '../support/tmp.ts'

const inOrder = '7d0c1f8e-52a4-4c57-9d3e-1b6f5a2e0004'
const manyReads = '7d0c1f8e-52a4-4c57-9d3e-1b6f5a2e0006'
const services = ['normalize', 'detect', 'correlate', 'licensing', 'respond'] as const
const steps = ['lock', 'move respond', 'topics', 'unlock']
const [before, after] = [2, 5]

async function start(brokers: readonly string[], partitions: number): Promise<Instance> {
  const folder = await temporaryFolder('repartition')
  const content = join(import.meta.dirname, '../history/content')
  const config = Config.parse({
    data: { folder },
    bus: { kind: 'kafka', partitions, kafka: { brokers, sessionTimeoutMs: 6_000 } },
    content: { publish: true, watch: false, shipped: false, sources: [join(content, 'sources')], rules: [join(content, 'rules')] },
    log: { level: 'error', format: 'json' },
    runtime: { checkpointIntervalMs: 100, tickIdleMs: 3_600_000 },
  }) // prettier-ignore
  const loaded = { config, file: undefined, folder }
  const env = { HMAC: 'k'.repeat(32) }
  return await compose({ loaded, env, services, publishes: true, listens: false, ticking: () => false })
}

async function values<T>(bus: Bus, topic: string): Promise<readonly T[]> {
  const found: T[] = []
  for (let partition = 0; partition < (await bus.partitionCount(topic)); partition++) {
    await bus.read({ topic, partition }, 'start', (batch) => {
      for (const { value, headers: named } of batch)
        if (value !== null && !(headers.control in named)) found.push(JSON.parse(value.toString()) as T)
    })
  }
  return found
}

/** Until nothing has been written for a while. */
async function quiet(bus: Bus): Promise<void> {
  const names = [topics.events, topics.observations, topics.signals, topics.incidents, topics.effects, topics.decisions]
  let last = ''
  let same = 0
  while (same < 8) {
    await pause(250)
    const now = JSON.stringify(await Promise.all(names.map((name) => bus.offsets(name))))
    same = now === last ? same + 1 : 0
    last = now
  }
}

const principals = (signals: readonly Signal[]): readonly string[] =>
  [
    ...new Set(
      signals.flatMap(({ entities }) => entities.filter(({ type }) => type === 'principal').map(({ id }) => id)),
    ),
  ].sort()

describeOwnKafka('more partitions', () => {
  test(
    'for logs with open correlations: they are found, nothing twice, cut off wherever it may be',
    { timeout: 420_000 },
    async () => {
      const broker = await startKafka()
      const { brokers } = broker
      const bus = createKafkaBus({ brokers }, silentLog)
      let running: Instance | undefined
      try {
        await bus.createTopics(topicSpecs(before))
        running = await start(brokers, before)
        await running.bus.publish(firstHalf)
        await eventually(async () =>
          (await values<Signal>(bus, topics.signals)).some((each) => each.rule?.id === inOrder),
        )
        await quiet(bus)
        const options = { bus, to: after, apply: true, log: silentLog }
        expect((await repartition(options)).obstacles[0]).toContain('Still running')
        expect(await bus.partitionCount(topics.events)).toBe(before)
        await running.stop()
        running = undefined

        await eventually(async () => (await repartition({ ...options, apply: false })).obstacles.length === 0)
        const dry = await repartition({ ...options, apply: false })
        expect(dry.topics).toContainEqual({ name: topics.events, from: before, to: after })
        expect(dry.stages.find(({ name }) => name === 'detect')?.moved).toBeGreaterThan(0)
        expect(await bus.partitionCount(topics.events)).toBe(before)

        const cut = new Set<string>()
        for (const step of steps) {
          const onStep = (name: string): void => {
            if (name !== step || cut.has(step)) return
            cut.add(step)
            throw new Error(`cut off at ${step}`)
          }
          await expect(repartition({ ...options, onStep }), step).rejects.toThrow(step)
          if (step !== 'topics') continue
          const early = await start(brokers, after)
          const health = await eventually(() => {
            const found = early.health()['detect']
            return Promise.resolve(found?.state === 'degraded' && found)
          })
          expect(health.summary).toContain('is being given other partitions')
          await early.stop()
          await eventually(async () => (await repartition({ ...options, apply: false })).running.length === 0)
        }
        expect(await repartition(options)).toMatchObject({ applied: true, obstacles: [] })
        expect(await bus.partitionCount(topics.events)).toBe(after)
        expect(await bus.partitionCount(stateTopic('normalize'))).toBe(after)
        expect((await repartition(options)).topics).toEqual([])

        running = await start(brokers, after)
        await running.bus.publish(secondHalf)
        await eventually(async () => {
          const incidents = await values<Incident>(bus, topics.incidents)
          return incidents.some(({ primary, signalCount }) => primary.id === 'own/whole' && signalCount === 2)
        })
        await quiet(bus)
        const signals = (await values<Signal>(bus, topics.signals)).filter((each) => 'rule' in each)
        const thefts = signals.filter(({ rule }) => rule.id === inOrder)
        expect(principals(thefts)).toEqual(['own/open', 'own/whole'])
        expect(new Set(thefts.map(({ id }) => id)).size).toBe(3)
        expect(new Set(signals.filter(({ rule }) => rule.id === manyReads).map(({ id }) => id)).size).toBe(1)
        const versions = signals.map(({ id, version }) => `${id} ${version}`)
        expect(new Set(versions).size).toBe(versions.length)
        const events = (await values<{ event: { id: string } }>(bus, topics.events)).map(({ event }) => event.id)
        expect(events).toHaveLength(firstHalf.length + secondHalf.length)
        expect(new Set(events).size).toBe(events.length)
        const incidents = new Set((await values<Incident>(bus, topics.incidents)).map(({ id }) => id))
        expect(incidents.size).toBe(2)
        expect(await values(bus, topics.deadLetters)).toEqual([])
      } finally {
        await running?.stop()
        await bus.close()
        await broker.kill9()
      }
    },
  )
})
