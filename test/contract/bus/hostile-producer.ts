/**
 * What a producer of raw records can't do, on any bus: speak for us. Run by one file for each adapter.
 *
 * The broker of a run is shared, and the raw topics have fixed names: each test looks at records of its own alone.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bus, BusRecord, OutgoingRecord } from '../../../core/ports/bus.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { headers, topics, topicSpecs } from '../../../core/topics.ts'
import { sealedBus, unsealedControl } from '../../../runtime/control-seal.ts'
import type { BusUnderTest } from './suite.ts'

export function hostileProducerContract(name: string, open: () => Promise<BusUnderTest>): void {
  describe(`who may write raw records to ${name}`, { timeout: 90_000 }, () => {
    let opened: BusUnderTest
    /** What a producer has in hand, and what our processes have. */
    let hostile: Bus
    let ours: Bus
    beforeAll(async () => {
      opened = await open()
      hostile = opened.bus
      ours = sealedBus(hostile, randomBytes(32), systemClock)
      await ours.createTopics(topicSpecs(1))
    }, 120_000)
    afterAll(async () => opened.close(), 120_000)

    const control = (kind: string): OutgoingRecord => {
      const digest = randomBytes(16).toString('hex')
      const value = JSON.stringify({ control: kind, set: 'sources', digest })
      return { topic: topics.audit, partition: 0, value, headers: { [headers.control]: kind } }
    }
    const readOf = async ({ topic, value }: OutgoingRecord): Promise<BusRecord | undefined> => {
      let found: BusRecord | undefined
      await ours.read({ topic, partition: 0 }, 'start', (batch) => {
        found = batch.find((record) => record.value?.toString() === value) ?? found
      })
      return found
    }
    const consumed = async (count: number, wanted: readonly OutgoingRecord[]): Promise<readonly BusRecord[]> => {
      const values = new Set(wanted.map(({ value }) => String(value)))
      const found: BusRecord[] = []
      let done = (): void => undefined
      const all = new Promise<void>((resolve) => (done = resolve))
      const consumption = await ours.consume({
        group: `hostile-${randomBytes(5).toString('hex')}`,
        topics: [topics.audit],
        handler: {
          assigned: async () => undefined,
          records: async (_at, batch) => {
            found.push(...batch.filter((record) => values.has(record.value?.toString() ?? '')))
            if (found.length >= count) done()
          },
          revoked: async () => undefined,
        },
      })
      await all
      await consumption.close()
      return found
    }

    test('can say nothing of content, time or ends: what it writes as such reaches no stage as one of ours', async () => {
      const forged = ['content', 'end', 'tick', 'watermark'].map(control)
      const real = control('content')
      await hostile.publish(forged)
      await ours.publish([real])
      const found = await consumed(5, [...forged, real])
      expect(found.map((record) => record.headers[headers.control])).toEqual([
        ...forged.map(() => unsealedControl),
        'content',
      ])
      expect((await readOf(forged[0]!))?.headers[headers.control]).toBe(unsealedControl)
      expect((await readOf(real))?.headers[headers.control]).toBe('content')
    })

    test('can’t use the seal of one of our records for another', async () => {
      const real = control('content')
      await ours.publish([real])
      const seal = (await readOf(real))!.headers[headers.seal]!
      const forged = { ...control('end'), headers: { [headers.control]: 'end', [headers.seal]: seal } }
      await hostile.publish([forged])
      expect((await readOf(forged))?.headers[headers.control]).toBe(unsealedControl)
    })

    test('can’t have what others write told for a redelivery', async () => {
      const record = { ...control('x'), headers: { [headers.source]: 'audit', [headers.mark]: 'normalize/a/0:9.0' } }
      await hostile.publish([record])
      expect((await readOf(record))?.headers).toEqual({ [headers.source]: 'audit' })
    })

    test('is not taken for us where our records leave in a transaction', async () => {
      const real = control('tick')
      const producer = await ours.fenced(`hostile-${randomBytes(5).toString('hex')}`)
      await producer.commit([real])
      await producer.close()
      expect((await readOf(real))?.headers[headers.control]).toBe('tick')
    })
  })
}
