import { expect, test } from 'vitest'
import { Kafka, logLevel } from 'kafkajs'
import { describeKafka, describeOwnKafka, startKafka, uniqueName } from '../support/kafka.ts'

async function withClient<T>(brokers: string[], use: (kafka: Kafka) => Promise<T>): Promise<T> {
  return await use(new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 8 } }))
}

async function endOffset(kafka: Kafka, topic: string): Promise<number> {
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return offsets.reduce((sum, { high }) => sum + Number(high), 0)
}

async function publish(kafka: Kafka, topic: string, count: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: Array.from({ length: count }, (_, i) => ({ value: `${i}` })) })
  await producer.disconnect()
}

describeKafka('the shared broker', ({ brokers }) => {
  test('records published are counted by the broker as soon as the send is acknowledged', async () => {
    await withClient(brokers, async (kafka) => {
      const topic = uniqueName('shared')
      await publish(kafka, topic, 20)
      expect(await endOffset(kafka, topic)).toBe(20)
    })
  })
})

describeOwnKafka('a broker of its own', () => {
  test('acknowledged records are there again after kill -9 and a restart on the same port', async () => {
    const broker = await startKafka()
    await withClient(broker.brokers, async (kafka) => {
      await publish(kafka, 'kept', 100)
      const before = broker.pid
      await broker.kill9()
      await broker.restart()
      expect(broker.pid).not.toBe(before)
      expect(await endOffset(kafka, 'kept')).toBe(100)
    })
    await broker.stop()
  })

  test('a listener with SASL refuses a wrong password and serves the right one', async () => {
    const broker = await startKafka({
      listeners: { SECURE: 'SASL_PLAINTEXT' },
      extra: {
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.secure.plain.sasl.jaas.config':
          'org.apache.kafka.common.security.plain.PlainLoginModule required user_detect="right";',
      },
    })
    const connect = async (password: string) => {
      const admin = new Kafka({
        brokers: [broker.listeners['SECURE']!],
        sasl: { mechanism: 'plain', username: 'detect', password },
        logLevel: logLevel.NOTHING,
        retry: { retries: 0 },
      }).admin()
      await admin.connect()
      await admin.disconnect()
    }
    await expect(connect('wrong')).rejects.toThrow(/[Aa]uthentication/)
    await connect('right')
    await broker.stop()
  })
})
