/**
 * What the Kafka bus keeps when its broker is killed and comes back on the same log.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { silentLog } from '../../runtime/log.ts'
import { describeOwnKafka, startKafka, uniqueName } from '../support/kafka.ts'

const partitions = 3

async function readAll(bus: Bus, topic: string): Promise<BusRecord[][]> {
  return await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const records: BusRecord[] = []
      await bus.read({ topic, partition }, 'start', (batch) => void records.push(...batch))
      return records
    }),
  )
}

describeOwnKafka('a broker killed with kill -9 and started again', () => {
  test('in the middle of publishing: no record is lost, doubled, or out of order', { timeout: 180_000 }, async () => {
    const broker = await startKafka()
    const bus = createKafkaBus({ brokers: broker.brokers, requestTimeoutMs: 5_000 }, silentLog)
    const topic = uniqueName('crash')
    await bus.createTopics([{ name: topic, partitions, cleanup: 'delete' }])

    const numbers = Array.from({ length: partitions }, () => 0)
    const work = { stop: false }
    const publishers = numbers.map(async (_, partition) => {
      // Several calls at a time, as stages have.
      const waiting: Promise<void>[] = []
      while (!work.stop) {
        const count = 1 + Math.floor(Math.random() * 200)
        const records = Array.from({ length: count }, () => {
          const number = numbers[partition]!++
          return { topic, partition, value: `${number} ${'x'.repeat(300)}` }
        })
        waiting.push(bus.publish(records))
        if (waiting.length >= 5) await waiting.shift()
      }
      await Promise.all(waiting)
    })
    await sleep(700 + Math.random() * 300)
    await broker.kill9()
    await sleep(300)
    await broker.restart()
    await sleep(1_000)
    work.stop = true
    await Promise.all(publishers)

    const logs = await readAll(bus, topic)
    logs.forEach((log, partition) => {
      const seen = log.map((record) => Number(record.value!.toString().split(' ')[0]))
      expect(seen).toEqual(Array.from({ length: numbers[partition]! }, (_, number) => number))
    })
    await bus.close()
    await broker.stop()
  })

  test(
    'while a group reads and transactions commit: both go on, and every committed record is read once',
    { timeout: 180_000 },
    async () => {
      const broker = await startKafka()
      const bus = createKafkaBus({ brokers: broker.brokers, requestTimeoutMs: 5_000 }, silentLog)
      const topic = uniqueName('crash')
      await bus.createTopics([{ name: topic, partitions, cleanup: 'delete' }])
      const got: number[][] = Array.from({ length: partitions }, () => [])
      let assigned = 0
      await bus.consume({
        group: uniqueName('group'),
        topics: [topic],
        handler: {
          assigned: async () => {
            assigned += 1
            return undefined
          },
          records: async (at, batch) => {
            for (const record of batch) got[at.partition]!.push(Number(record.value!.toString()))
          },
          revoked: async () => undefined,
        },
      })
      const producer = await bus.fenced(uniqueName('fenced'))
      let count = 0
      const work = { stop: false }
      const committing = (async () => {
        while (!work.stop) {
          const number = count
          count += 1
          await producer.commit(
            Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value: `${number}` })),
          )
        }
      })()
      await sleep(1_500)
      await broker.kill9()
      await sleep(300)
      await broker.restart()
      await sleep(2_000)
      work.stop = true
      await committing
      await expect.poll(() => got.map((each) => each.length), { timeout: 30_000 }).toEqual(got.map(() => count))
      for (const each of got) expect(each).toEqual(Array.from({ length: count }, (_, number) => number))
      expect(assigned).toBe(partitions)
      await bus.close()
      await broker.stop()
    },
  )

  test(
    'for longer than publishing may take: the call fails as unavailable, and later ones go through',
    { timeout: 180_000 },
    async () => {
      const broker = await startKafka()
      const bus = createKafkaBus(
        { brokers: broker.brokers, deliveryTimeoutMs: 2_000, connectionTimeoutMs: 1_000 },
        silentLog,
      )
      const topic = uniqueName('crash')
      await bus.createTopics([{ name: topic, partitions, cleanup: 'delete' }])
      await bus.publish([{ topic, partition: 0, value: 'before' }])
      await broker.kill9()
      await expect(bus.publish([{ topic, partition: 0, value: 'lost' }])).rejects.toMatchObject({
        code: 'BUS_UNAVAILABLE',
      })
      await broker.restart()
      await expect
        .poll(
          () =>
            bus.publish([{ topic, partition: 0, value: 'after' }]).then(
              () => true,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true)
      const [log] = await readAll(bus, topic)
      expect(log!.map((record) => record.value!.toString())).toEqual(['before', 'after'])
      await bus.close()
      await broker.stop()
    },
  )
})
