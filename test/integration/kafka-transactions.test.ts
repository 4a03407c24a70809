/**
 * Transactions on a real broker: who may write, what shows, and when.
 */
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { KafkaLog } from '../../adapters/kafka/client.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { silentLog } from '../../runtime/log.ts'
import type { KafkaBroker } from '../servers/kafka/broker.ts'
import { describeOwnKafka, startKafka, uniqueName } from '../support/kafka.ts'

describeOwnKafka('transactions', () => {
  let broker: KafkaBroker
  let bus: Bus

  beforeAll(async () => {
    broker = await startKafka({ extra: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200 } })
    bus = createKafkaBus({ brokers: broker.brokers }, silentLog)
  })
  afterAll(async () => {
    await bus.close()
    await broker.stop()
  })

  async function topicOf(): Promise<string> {
    const topic = uniqueName('txn')
    await bus.createTopics([{ name: topic, partitions: 1, cleanup: 'compact' }])
    return topic
  }

  async function read(topic: string): Promise<string[]> {
    const values: string[] = []
    await bus.read({ topic, partition: 0 }, 'start', (batch) => {
      for (const record of batch) values.push(record.value!.toString())
    })
    return values
  }

  test('what is committed shows to readers as soon as the commit resolves, every time', async () => {
    const topic = await topicOf()
    const producer = await bus.fenced(uniqueName('name'))
    for (let count = 1; count <= 60; count += 1) {
      await producer.commit([{ topic, key: `${count}`, value: `${count}` }])
      expect(await read(topic)).toHaveLength(count)
    }
  })

  test('what is durable is there for the next holder of the name, and for all once its producer has closed', async () => {
    const [topic, name] = [await topicOf(), uniqueName('name')]
    let count = 0
    for (let round = 0; round < 20; round += 1) {
      const producer = await bus.fenced(name)
      expect(await read(topic)).toHaveLength(count)
      for (const times = count + 3; count < times; count += 1)
        await producer.commit([{ topic, key: `${count}`, value: `${count}` }], 'durable')
      if (round % 2 === 0) continue
      await producer.close()
      expect(await read(topic)).toHaveLength(count)
    }
  })

  test('a transaction that its holder left open hides what comes after, until the next holder takes the name', async () => {
    const [topic, name] = [await topicOf(), uniqueName('name')]
    await bus.publish([{ topic, key: 'a', value: 'before' }])
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
    const vanished = kafka.producer({ transactionalId: name, idempotent: true, maxInFlightRequests: 1 })
    await vanished.connect()
    const open = await vanished.transaction()
    await open.send({ topic, messages: [{ key: 'b', value: 'never committed' }] })
    await bus.publish([{ topic, key: 'c', value: 'after' }])
    expect(await read(topic)).toEqual(['before'])

    const next = await bus.fenced(name)
    expect(await read(topic)).toEqual(['before', 'after'])
    await expect(open.commit()).rejects.toThrow()
    await next.commit([{ topic, key: 'd', value: 'next' }])
    expect(await read(topic)).toEqual(['before', 'after', 'next'])
    await vanished.disconnect()
  })

  test(
    'a process that stood still longer than a transaction may take goes on, if nobody took its name',
    { timeout: 120_000 },
    async () => {
      const topic = await topicOf()
      const said: string[] = []
      const note = (message: string) => void said.push(message)
      const log: KafkaLog = { debug: () => undefined, info: note, warn: note, error: note }
      const slow = createKafkaBus({ brokers: broker.brokers, transactionTimeoutMs: 500 }, log)
      const producer = await slow.fenced(uniqueName('name'))
      let count = 0
      for (let tries = 0; tries < 20 && !said.some((each) => each.includes('was aborted')); tries += 1) {
        const committed = producer.commit([{ topic, key: `${count}`, value: `${count}` }])
        count += 1
        // Somewhere between its begin and its commit the whole process stands still.
        setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000), tries % 4)
        await committed
      }
      expect(said).toContain('A transaction was aborted, and its producer begins again.')
      expect(await read(topic)).toEqual(Array.from({ length: count }, (_, number) => `${number}`))
      await slow.close()
    },
  )

  test('one whose name was taken meanwhile is fenced off, and stays so', async () => {
    const [topic, name] = [await topicOf(), uniqueName('name')]
    const older = await bus.fenced(name)
    await older.commit([{ topic, key: 'a', value: 'older' }])
    const newer = await bus.fenced(name)
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(older.commit([{ topic, key: 'a', value: 'zombie' }])).rejects.toMatchObject({ code: 'FENCED' })
    }
    await newer.commit([{ topic, key: 'a', value: 'newer' }])
    expect(await read(topic)).toEqual(['older', 'newer'])
  })
})
