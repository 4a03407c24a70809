/**
 * The least that stands between two topics, written twice: on our bus, and on kafkajs as its documentation shows it.
 * What the pipeline costs is told from the first, what our adapter costs from the second.
 */
import { Kafka, logLevel, type IHeaders } from 'kafkajs'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { silentLog } from '../../runtime/log.ts'

export type ClientName = 'bus' | 'kafkajs'

export interface Passed {
  readonly key: string | undefined
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export interface BenchClient {
  produce(topic: string, records: readonly Passed[]): Promise<void>
  /** From the end of the log as it is when the group has been joined; resolves then. */
  consume(
    topic: string,
    group: string,
    onBatch: (partition: number, batch: readonly Passed[]) => Promise<void>,
  ): Promise<void>
  close(): Promise<void>
}

export function benchClient(name: ClientName, brokers: readonly string[]): BenchClient {
  return name === 'bus' ? busClient(brokers) : kafkajsClient(brokers)
}

function busClient(brokers: readonly string[]): BenchClient {
  const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
  return {
    produce: (topic, records) =>
      bus.publish(records.map(({ key, value, headers }) => ({ topic, key, value, headers }))),
    consume: async (topic, group, onBatch) => {
      const ends = new Map((await bus.offsets(topic)).map(({ partition, high }) => [partition, high]))
      let waiting = ends.size
      await new Promise<void>((resolve, reject) => {
        const handler = {
          assigned: async (at: { partition: number }) => {
            waiting -= 1
            if (waiting === 0) setImmediate(resolve)
            return ends.get(at.partition)
          },
          records: (
            at: { partition: number },
            batch: readonly {
              key: string | undefined
              value: Buffer | null
              headers: Readonly<Record<string, string>>
            }[],
          ) => onBatch(at.partition, batch as readonly Passed[]),
          revoked: async () => undefined,
        }
        bus.consume({ topics: [topic], group, handler }).catch(reject)
      })
    },
    close: () => bus.close(),
  }
}

function kafkajsClient(brokers: readonly string[]): BenchClient {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true })
  const connected = producer.connect()
  const consumers: { disconnect(): Promise<void> }[] = []
  return {
    produce: async (topic, records) => {
      await connected
      const messages = records.map(({ key, value, headers }) => ({ key: key ?? null, value, headers }))
      await producer.send({ topic, acks: -1, messages })
    },
    consume: async (topic, groupId, onBatch) => {
      const consumer = kafka.consumer({ groupId })
      consumers.push(consumer)
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: false })
      const joined = new Promise<void>((resolve) => {
        consumer.on('consumer.group_join', () => setTimeout(resolve, 500))
      })
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          const records = batch.messages.map(({ key, value, headers }) => ({
            key: key?.toString(),
            value: value ?? Buffer.alloc(0),
            headers: textHeaders(headers),
          }))
          await onBatch(batch.partition, records)
        },
      })
      await joined
    },
    close: async () => {
      await Promise.all(consumers.map((consumer) => consumer.disconnect()))
      await producer.disconnect()
    },
  }
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]))
}
