/**
 * More partitions on a real broker: correlations that are open meanwhile are found afterwards, nothing comes twice, and
 * a run that is killed in the middle of any step is gone on with, no stage starting before it has come to its end. The
 * run has a user with the rights that docs/operations.md asks for, and no more. The topics' step and one of chance are
 * cut off; KILL_SEED repeats a run's step and moments, KILL_STEPS=all cuts off each (some minutes).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { compose, type Instance } from '../../cli/compose.ts'
import { seeded, type Random } from '../../cli/demo/random.ts'
import { repartition } from '../../cli/repartition.ts'
import { aclsOf } from '../../cli/topic-access.ts'
import type { Incident } from '../../core/incident.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Signal } from '../../core/signal.ts'
import { headers, stateTopic, topics, topicSpecs } from '../../core/topics.ts'
import { Config } from '../../runtime/config/config.ts'
import { silentLog } from '../../runtime/log.ts'
import { firstHalf, secondHalf } from '../history/history.ts'
import { endsWithUs } from '../support/ends-with-us.ts'
import { eventually } from '../support/indexed.ts'
import { giveAcls, shippedSecurity, type GivenAcl } from '../support/kafka-acls.ts'
import { describeOwnKafka, startKafka } from '../support/kafka.ts'
import { temporaryFolder } from '../support/tmp.ts'
import type { RepartitionRun } from './kill/repartition-run.ts'

const inOrder = '7d0c1f8e-52a4-4c57-9d3e-1b6f5a2e0004'
const manyReads = '7d0c1f8e-52a4-4c57-9d3e-1b6f5a2e0006'
const services = ['normalize', 'detect', 'correlate', 'licensing', 'respond'] as const
const [before, after] = [2, 5]
const seed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 1e6))
/** A step takes some 10 ms on an idle machine. */
const diesMsMax = 20

/** The steps that a run is killed in, in their order; the topics' is always among them, since no stage may start after it. */
function cutOff(steps: readonly string[], random: Random): readonly string[] {
  if (process.env['KILL_STEPS'] === 'all') return steps
  const others = steps.filter((step) => step !== 'topics')
  const chosen = ['topics', random.pick(others)]
  return steps.filter((step) => chosen.includes(step))
}
const operator = { mechanism: 'plain', username: 'operator', password: 'correct-horse-battery' } as const

/** What docs/operations.md asks for the user who does it. */
const operatorAcls: readonly GivenAcl[] = [
  ...(['normalize', 'detect', 'correlate', 'meter', 'respond', 'licensing'] as const).flatMap(aclsOf),
  { resource: 'topic', pattern: 'prefixed', names: ['warden.'], operations: ['Create', 'Alter'] },
  { resource: 'topic', pattern: 'literal', names: [topics.audit, topics.inference], operations: ['Alter'] },
  { resource: 'group', pattern: 'prefixed', names: ['warden.'], operations: ['Describe'] },
  { resource: 'transactional-id', pattern: 'literal', names: ['repartition'], operations: ['Write', 'Describe'] },
].map((acl) => ({ ...acl, user: operator.username }) as GivenAcl)

interface Ended {
  readonly signal: NodeJS.Signals | null
  readonly said: readonly string[]
  readonly words: string
}

/** A run in a process of its own, which may be killed. */
async function runOf(run: RepartitionRun): Promise<Ended> {
  const file = join(import.meta.dirname, 'kill/repartition-run.ts')
  const child = spawn(process.execPath, [...endsWithUs, file, JSON.stringify(run)], { stdio: ['pipe', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()))
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { signal, said: said.out.trimEnd().split('\n'), words: `${said.out}${said.err}` }
}

async function start(brokers: readonly string[], partitions: number): Promise<Instance> {
  const folder = await temporaryFolder('repartition')
  const content = join(import.meta.dirname, '../history/content')
  const config = Config.parse({
    data: { folder },
    bus: { kind: 'kafka', partitions, kafka: { brokers, sessionTimeoutMs: 6_000 } },
    hmacKey: { env: 'HMAC' },
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
      const broker = await startKafka({
        listeners: { CLIENTS: 'SASL_PLAINTEXT' },
        extra: {
          ...(await shippedSecurity()),
          'sasl.enabled.mechanisms': 'PLAIN',
          'listener.name.clients.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${operator.username}="${operator.password}";`,
        },
      })
      const { brokers } = broker
      await giveAcls(brokers, operatorAcls)
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

        const kafka = { brokers: [broker.listeners['CLIENTS']!], sasl: operator }
        const random = seeded(seed)
        const all = ['state topics', 'lock', ...dry.stages.map(({ name }) => `move ${name}`), 'topics', 'unlock']
        const steps = cutOff(all, random)
        for (const [n, step] of steps.entries()) {
          const run = await runOf({
            kafka,
            to: after,
            dies: { at: steps.slice(n), afterMs: random.next() * diesMsMax },
          })
          expect(run.signal === 'SIGKILL' || step === 'unlock', `${step} (seed ${seed}): ${run.words}`).toBe(true)
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
        const last = await runOf({ kafka, to: after })
        expect(last.said.at(-1), last.words).toBe(JSON.stringify({ applied: true, obstacles: [] }))
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
