/**
 * Records that Java's own producers wrote, with every codec that Kafka knows.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { silentLog } from '../../runtime/log.ts'
import type { KafkaBroker } from '../servers/kafka/broker.ts'
import { describeOwnKafka, startKafka, uniqueName } from '../support/kafka.ts'

describeOwnKafka('reading what others compressed', () => {
  let broker: KafkaBroker
  let bus: Bus

  beforeAll(async () => {
    broker = await startKafka()
    bus = createKafkaBus({ brokers: broker.brokers }, silentLog)
  })
  afterAll(async () => {
    await bus.close()
    await broker.stop()
  })

  async function javaProducer(topic: string, codec: string, lines: readonly string[]): Promise<void> {
    const { own } = inject('kafka')
    if ('missing' in own) throw new Error(own.missing)
    const producer = spawn('java', [
      ...['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', own.classPath, 'org.apache.kafka.tools.ConsoleProducer'],
      ...['--bootstrap-server', broker.brokers[0]!, '--topic', topic, '--compression-codec', codec],
      ...['--batch-size', '200000', '--timeout', '500'],
    ])
    producer.stdin.end(lines.map((line) => `${line}\n`).join(''))
    const [code] = (await once(producer, 'exit')) as [number]
    expect(code).toBe(0)
  }

  test.each(['gzip', 'snappy', 'lz4', 'zstd', 'none'])('%s: the records come as they were written', async (codec) => {
    const topic = uniqueName(codec)
    await bus.createTopics([{ name: topic, partitions: 1, cleanup: 'delete' }])
    const lines = Array.from({ length: 3_000 }, (_, n) =>
      JSON.stringify({ n, text: `żółw ${'again and '.repeat(n % 40)}` }),
    )
    await javaProducer(topic, codec, lines)
    const got: string[] = []
    await bus.read({ topic, partition: 0 }, 'start', (batch) => {
      for (const record of batch) {
        expect(record.headers).toEqual({})
        got.push(record.value!.toString())
      }
    })
    expect(got).toEqual(lines)
  })

  test.each(['gzip', 'zstd'] as const)('%s: what the bus compressed itself comes back', async (compression) => {
    const topic = uniqueName(compression)
    const writer = createKafkaBus({ brokers: broker.brokers, compression }, silentLog)
    await writer.createTopics([{ name: topic, partitions: 1, cleanup: 'delete' }])
    const values = Array.from({ length: 1_000 }, (_, n) => `${n} ${'same '.repeat(100)}`)
    await writer.publish(values.map((value) => ({ topic, value, headers: { n: value.slice(0, 3) } })))
    const got: string[] = []
    await bus.read({ topic, partition: 0 }, 'start', (batch) => {
      for (const record of batch) got.push(record.value!.toString())
    })
    expect(got).toEqual(values)
    await writer.close()
  })
})
