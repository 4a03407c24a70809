/**
 * `modelwarden doctor` on what it looks at: the embedded pair beside its live owner, a real Kafka, a real Elasticsearch, and
 * servers that refuse, or take a connection and say nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { createElasticsearchIndex } from '../../adapters/elasticsearch/search-index.ts'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Check, Report } from '../../cli/doctor/examine.ts'
import { stagesOfAll } from '../../cli/topic-access.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { stateTopic, topics, topicSpecs } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { describeElasticsearch } from '../support/elasticsearch.ts'
import { describeOwnKafka, startKafka, uniqueName } from '../support/kafka.ts'
import { temporaryFolder } from '../support/tmp.ts'

const program = join(import.meta.dirname, '..', '..', 'cli', 'modelwarden.ts')
const secret = 'a'.repeat(64)

interface Examined extends Report {
  readonly code: number | null
  readonly elapsedMs: number
}

async function doctor(config: object, folder: string): Promise<Examined> {
  const file = join(folder, 'modelwarden.yml')
  writeFileSync(file, stringify({ data: { folder: join(folder, 'data') }, hmacKey: { env: 'KEY' }, ...config }))
  const start = performance.now()
  const env = { PATH: process.env['PATH'], HOME: folder, KEY: secret }
  const child = spawn(process.execPath, [program, 'doctor', '--json', '--config', file], { cwd: folder, env })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(out).not.toContain(secret)
  return { ...(JSON.parse(out) as Report), code, elapsedMs: performance.now() - start }
}

const of = (checks: readonly Check[], area: string, name: string): Check | undefined =>
  checks.find((check) => check.area === area && check.name === name)

describe('the doctor and the embedded pair', () => {
  it('looks at the files beside their live owner and after it, changes nothing, and sees a damaged one', async () => {
    const folder = await temporaryFolder('doctor')
    const data = join(folder, 'data')
    const pair = await openEmbedded({ folder: data, log: silentLog, clock: systemClock })
    await pair.bus.createTopics(topicSpecs(1))
    const value = 'x'.repeat(5_000)
    await pair.bus.publish(Array.from({ length: 2_000 }, () => ({ topic: topics.events, value })))
    const beside = await doctor({}, folder)
    expect(beside.code).toBe(0)
    expect(of(beside.checks, 'bus', 'integrity')).toMatchObject({ state: 'ok', says: expect.stringContaining('whole') })
    expect(of(beside.checks, 'index', 'integrity')).toMatchObject({ state: 'ok' })
    await pair.bus.publish([{ topic: topics.events, value }])
    await pair.close()

    const before = readdirSync(data).sort()
    const after = await doctor({}, folder)
    expect(of(after.checks, 'bus', 'size')?.says).toMatch(/\d MiB/)
    expect(after.code).toBe(0)
    expect(readdirSync(data).sort()).toEqual(before)

    const file = await open(join(data, 'bus.db'), 'r+')
    await file.write(Buffer.alloc(200_000, 0xff), 0, 200_000, 8_192)
    await file.close()
    const damaged = await doctor({}, folder)
    expect(of(damaged.checks, 'bus', 'integrity')).toMatchObject({ state: 'fail', do: expect.stringContaining('backup') }) // prettier-ignore
    expect(damaged).toMatchObject({ ok: false, code: 1 })
  }, 60_000)
})

describe('the doctor and servers that are away', () => {
  const unreachable = (port: number) => ({
    bus: { kind: 'kafka', kafka: { brokers: [`127.0.0.1:${port}`] } },
    index: { kind: 'elasticsearch', elasticsearch: { nodes: [`http://127.0.0.1:${port}`] } },
  })

  it.each(['refuse', 'say nothing'])(
    'that %s fails each with what to do, within its time',
    async (how) => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const shut = () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      }
      if (how === 'refuse') shut()
      else onTestFinished(shut)
      const { checks, code, elapsedMs } = await doctor(unreachable(port), await temporaryFolder('doctor'))
      expect(of(checks, 'bus', 'reachable')).toMatchObject({ state: 'fail', do: expect.stringContaining('bus.kafka') })
      expect(of(checks, 'index', 'reachable')).toMatchObject({ state: 'fail', do: expect.stringContaining('nodes') })
      expect(code).toBe(1)
      expect(elapsedMs).toBeLessThan(20_000)
    },
    60_000,
  )
})

describeOwnKafka('the doctor and a Kafka', () => {
  it('says of every topic how it is: missing, one copy, times of the senders; and makes none', async () => {
    const broker = await startKafka()
    onTestFinished(() => broker.stop())
    const bus = createKafkaBus({ brokers: broker.brokers, replicationFactor: 1, minInSync: 1 }, silentLog)
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    onTestFinished(async () => {
      await admin.disconnect()
      await bus.close()
    })
    const folder = await temporaryFolder('doctor')
    const config = { bus: { kind: 'kafka', partitions: 2, kafka: { brokers: broker.brokers } } }

    const empty = await doctor(config, folder)
    expect(of(empty.checks, 'bus', 'brokers')).toMatchObject({ state: 'warn' })
    expect(of(empty.checks, 'bus', topics.events)).toMatchObject({ state: 'fail', do: expect.stringContaining('topics create') }) // prettier-ignore
    expect(empty.code).toBe(1)
    expect((await admin.listTopics()).filter((name) => !name.startsWith('__'))).toEqual([])

    await bus.createTopics(topicSpecs(2))
    const partitionsOf = new Map(topicSpecs(2).map((spec) => [spec.name, spec.partitions]))
    const states = stagesOfAll.map(({ name, inputs }) => ({
      name: stateTopic(name),
      partitions: Math.max(...inputs.map((input) => partitionsOf.get(input) ?? 2)),
      cleanup: 'compact' as const,
    }))
    await bus.createTopics(states)
    await bus.publish([{ topic: topics.events, value: '{}' }])
    const whole = await doctor(config, folder)
    expect(whole.checks.filter(({ state }) => state === 'fail')).toEqual([])
    expect(whole.code).toBe(0)
    const events = of(whole.checks, 'bus', topics.events)
    expect(events).toMatchObject({ state: 'warn', says: expect.stringContaining('replication factor is 1') })
    expect(of(whole.checks, 'bus', 'clock')).toMatchObject({ state: 'ok' })
    expect(of(whole.checks, 'bus', 'acls')).toMatchObject({ state: 'warn', do: expect.stringContaining('modelwarden topics acls') }) // prettier-ignore

    const configEntries = [
      { name: 'message.timestamp.type', value: 'CreateTime' },
      { name: 'cleanup.policy', value: 'delete' },
    ]
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topics.events, configEntries }],
    })
    // Now a sender's clock can stand in the log: a record of an hour from now.
    const producer = kafka.producer()
    await producer.connect()
    const timestamp = String(Date.now() + 3_600_000)
    await producer.send({ topic: topics.events, messages: [{ value: '{}', timestamp }] })
    await producer.disconnect()
    const changed = await doctor(config, folder)
    expect(of(changed.checks, 'bus', topics.events)).toMatchObject({ state: 'fail', says: expect.stringContaining('CreateTime') }) // prettier-ignore
    expect(of(changed.checks, 'bus', 'clock')).toMatchObject({ state: 'fail' })
  }, 120_000)
})

await describeElasticsearch('the doctor and an Elasticsearch', (elasticsearch) => {
  it('knows its version and health, and tells our templates and indices from others', async () => {
    const prefix = uniqueName('doctor')
    const folder = await temporaryFolder('doctor')
    const config = { index: { kind: 'elasticsearch', elasticsearch: { nodes: [elasticsearch.url], prefix } } }
    const index = createElasticsearchIndex({ nodes: [elasticsearch.url], prefix }, { clock: systemClock, log: silentLog }) // prettier-ignore
    onTestFinished(() => index.close())
    const foreign = await fetch(`${elasticsearch.url}/${prefix}-signals`, { method: 'PUT' })
    expect(foreign.ok).toBe(true)
    const before = await doctor(config, folder)
    expect(of(before.checks, 'index', 'version')).toMatchObject({ state: 'ok' })
    expect(of(before.checks, 'index', 'health')?.says).toMatch(/green|yellow/)
    expect(of(before.checks, 'index', 'clock')).toMatchObject({ state: 'ok' })
    expect(of(before.checks, 'index', 'templates')).toMatchObject({ state: 'warn', do: expect.stringContaining('indexer') }) // prettier-ignore
    expect(of(before.checks, 'index', 'mappings')).toMatchObject({ state: 'fail', says: expect.stringContaining(`${prefix}-signals`) }) // prettier-ignore
    await fetch(`${elasticsearch.url}/${prefix}-signals`, { method: 'DELETE' })

    await index.prepare()
    const after = await doctor(config, folder)
    expect(of(after.checks, 'index', 'templates')).toMatchObject({ state: 'ok' })
    expect(of(after.checks, 'index', 'mappings')).toMatchObject({ state: 'ok' })
    expect(of(after.checks, 'index', 'lifecycle')).toMatchObject({ state: 'ok', says: expect.stringMatching(/ILM|indexer/) }) // prettier-ignore
    expect(after.code).toBe(0)
  }, 120_000)
})
