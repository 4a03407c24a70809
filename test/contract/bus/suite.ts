/**
 * What every Bus keeps, whatever stands behind it. Run by one file for each adapter.
 *
 * Tests share one bus and give topics and groups names of their own, so that a broker may serve many at a time. Nothing
 * here measures: waits are generous, and end as soon as what they wait for is there.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BusRefusedError, BusUnavailableError, FencedError } from '../../../core/errors.ts'
import { partitionOf } from '../../../core/partition.ts'
import type {
  Bus,
  BusRecord,
  ConsumeOptions,
  Consumption,
  OutgoingRecord,
  PartitionHandler,
  TopicPartition,
} from '../../../core/ports/bus.ts'

export interface BusUnderTest {
  readonly bus: Bus
  close(): Promise<void>
}

export function busContract(name: string, open: () => Promise<BusUnderTest>): void {
  describe(`the bus contract, kept by ${name}`, { timeout: 90_000 }, () => {
    let opened: BusUnderTest
    let bus: Bus
    const consumptions: Consumption[] = []

    beforeAll(async () => {
      opened = await open()
      bus = opened.bus
    }, 120_000)
    afterAll(async () => {
      await Promise.all(consumptions.map((each) => each.close()))
      await opened.close()
    }, 120_000)

    /** A new topic. */
    const topicOf = async (partitions = 1, cleanup: 'delete' | 'compact' = 'delete'): Promise<string> => {
      const name = unique('contract')
      await bus.createTopics([{ name, partitions, cleanup }])
      return name
    }
    const consume = async (options: Partial<ConsumeOptions> & Pick<ConsumeOptions, 'topics' | 'handler'>) => {
      const consumption = await bus.consume({ group: unique('group'), ...options })
      consumptions.push(consumption)
      return consumption
    }

    describe('publishing', () => {
      test('records of one partition come back in the order in which they were published, at growing offsets', async () => {
        const topic = await topicOf()
        for (let i = 0; i < 10; i++) await bus.publish([{ topic, key: 'a', value: `lone ${i}` }])
        await bus.publish(Array.from({ length: 500 }, (_, i) => ({ topic, key: 'a', value: `many ${i}` })))
        const records = await readAll(bus, topic)
        expect(records.map((each) => text(each))).toEqual([
          ...Array.from({ length: 10 }, (_, i) => `lone ${i}`),
          ...Array.from({ length: 500 }, (_, i) => `many ${i}`),
        ])
        expectGrowing(records)
      })

      test('records of one call go to as many topics and partitions as they name', async () => {
        const [one, two] = [await topicOf(2), await topicOf(2)]
        await bus.publish([
          { topic: one, partition: 0, value: '1' },
          { topic: two, partition: 1, value: '2' },
          { topic: one, partition: 1, value: '3' },
          { topic: two, partition: 0, value: '4' },
          { topic: one, partition: 0, value: '5' },
        ])
        expect((await readAll(bus, one)).map((each) => text(each))).toEqual(['1', '5', '3'])
        expect((await readAll(bus, two)).map((each) => text(each))).toEqual(['4', '2'])
      })

      test('a call without records changes nothing', async () => {
        const topic = await topicOf()
        await bus.publish([])
        expect(await readAll(bus, topic)).toEqual([])
      })

      test('a key decides the partition by murmur2, so that it lands alike on every bus', async () => {
        const topic = await topicOf(7)
        const keys = ['', 'a', 'acme/ana', 'globex/hmac-0f', 'Łódź/ż', '鍵', '\u{1f511}', 'k'.repeat(3_000)]
        await bus.publish(keys.map((key) => ({ topic, key, value: key })))
        const records = await readAll(bus, topic)
        expect(records).toHaveLength(keys.length)
        for (const record of records) expect(record.partition).toBe(partitionOf(record.key!, 7))
      })

      test('a partition that is named wins over the key', async () => {
        const topic = await topicOf(4)
        await bus.publish([0, 1, 2, 3].map((partition) => ({ topic, key: 'same', partition, value: `${partition}` })))
        const records = await readAll(bus, topic)
        expect(records.map((each) => [each.partition, text(each)])).toEqual([
          [0, '0'],
          [1, '1'],
          [2, '2'],
          [3, '3'],
        ])
      })

      test('records without a key spread over the partitions', async () => {
        const topic = await topicOf(4)
        for (let i = 0; i < 12; i++) {
          await bus.publish(Array.from({ length: 8 }, (_, j) => ({ topic, value: `${i}.${j}` })))
        }
        const records = await readAll(bus, topic)
        expect(records).toHaveLength(96)
        expect(new Set(records.map((each) => each.partition)).size).toBe(4)
        expect(records.every((each) => each.key === undefined)).toBe(true)
      })

      test('no key and the empty key are told apart, and so are a tombstone and an empty value', async () => {
        const topic = await topicOf()
        await bus.publish([
          { topic, value: 'no key' },
          { topic, key: '', value: 'empty key' },
          { topic, key: 'k', value: null },
          { topic, key: 'k', value: '' },
          { topic, key: 'k', value: new Uint8Array() },
        ])
        const records = await readAll(bus, topic)
        expect(records.map((each) => each.key)).toEqual([undefined, '', 'k', 'k', 'k'])
        expect(records.map((each) => each.value?.length)).toEqual([6, 9, undefined, 0, 0])
        expect(records[2]!.value).toBeNull()
      })

      test('keys of any script and with control characters come back as they went', async () => {
        const topic = await topicOf()
        const keys = ['\u0000', 'a\u0000b', '\n\t\r', 'é\u0301', '\u{10ffff}', '../..', "'; DROP TABLE chunks; --"]
        await bus.publish(keys.map((key) => ({ topic, partition: 0, key, value: 'v' })))
        expect((await readAll(bus, topic)).map((each) => each.key)).toEqual(keys)
      })

      test('values come back byte for byte, whatever the bytes', async () => {
        const topic = await topicOf()
        const every = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff)
        const view = new Uint8Array(every.buffer, 100, 50)
        await bus.publish([
          { topic, value: every },
          { topic, value: view },
          { topic, value: Buffer.from('ß') },
          { topic, value: 'ü\u0000\u{1f512}' },
        ])
        const records = await readAll(bus, topic)
        expect([...records[0]!.value!]).toEqual([...every])
        expect([...records[1]!.value!]).toEqual([...view])
        expect(text(records[2]!)).toBe('ß')
        expect(text(records[3]!)).toBe('ü\u0000\u{1f512}')
      })

      test('header names like __proto__ are names like any other', async () => {
        const topic = await topicOf()
        const headers = JSON.parse(
          '{"__proto__":"p","constructor":"c","hasOwnProperty":"h","w-é":"Wert \u{1f511}","empty":"","source":"s"}',
        ) as Record<string, string>
        await bus.publish([
          { topic, value: 'v', headers },
          { topic, value: 'none' },
          { topic, value: 'empty', headers: {} },
        ])
        const [record, none, empty] = await readAll(bus, topic)
        expect(Object.entries(record!.headers).sort()).toEqual(Object.entries(headers).sort())
        expect(Object.entries(none!.headers)).toEqual([])
        expect(Object.entries(empty!.headers)).toEqual([])
      })

      test('a record says when the bus appended it', async () => {
        const topic = await topicOf()
        const before = Date.now()
        await bus.publish([{ topic, value: 'v' }])
        const [record] = await readAll(bus, topic)
        expect(record!.appendedMs).toBeGreaterThan(before - 60_000)
        expect(record!.appendedMs).toBeLessThan(Date.now() + 60_000)
        expect(Number.isInteger(record!.appendedMs)).toBe(true)
      })

      test('a value of a million bytes goes through', async () => {
        const topic = await topicOf()
        const value = randomBytes(1_000_000)
        await bus.publish([{ topic, key: 'big', value, headers: { source: 's' } }])
        const [record] = await readAll(bus, topic)
        expect(record!.value!.equals(value)).toBe(true)
      })

      test('a record over the limit is refused for good, and the next ones still go', async () => {
        const topic = await topicOf()
        await expect(bus.publish([{ topic, value: Buffer.alloc(3_000_000) }])).rejects.toThrow(BusRefusedError)
        await bus.publish([{ topic, value: 'after' }])
        const records = await readAll(bus, topic)
        expect(text(records.at(-1)!)).toBe('after')
        expect(records).toHaveLength(1)
      })

      test('a call of many megabytes is split, and arrives whole, once, and in order', async () => {
        const topic = await topicOf(2)
        const filler = 'x'.repeat(400_000)
        const sent = Array.from({ length: 40 }, (_, i) => ({ topic, partition: i % 2, value: `${i} ${filler}` }))
        await bus.publish(sent)
        const records = await readAll(bus, topic)
        const numbers = records.map((each) => Number(text(each).split(' ')[0]))
        expect(numbers).toEqual([
          ...Array.from({ length: 20 }, (_, i) => i * 2),
          ...Array.from({ length: 20 }, (_, i) => i * 2 + 1),
        ])
      })

      test('calls made side by side arrive once each, those of one caller in order', async () => {
        const topic = await topicOf(3)
        const callers = Array.from({ length: 20 }, async (_, caller) => {
          for (let i = 0; i < 25; i++) await bus.publish([{ topic, key: `caller ${caller}`, value: `${caller} ${i}` }])
        })
        await Promise.all(callers)
        const records = await readAll(bus, topic)
        expect(records).toHaveLength(500)
        for (let caller = 0; caller < 20; caller++) {
          const own = records.map((each) => text(each).split(' ')).filter(([of]) => of === String(caller))
          expect(own.map(([, i]) => Number(i))).toEqual(Array.from({ length: 25 }, (_, i) => i))
        }
      })
    })

    describe('topics', () => {
      test('a topic that is there stays as it is when it is made again', async () => {
        const topic = await topicOf(3)
        await bus.publish([{ topic, value: 'kept' }])
        await bus.createTopics([{ name: topic, partitions: 5, cleanup: 'compact' }])
        expect(await bus.partitionCount(topic)).toBe(3)
        expect(await readAll(bus, topic)).toHaveLength(1)
      })

      test('two that make the same topics at the same time both succeed', async () => {
        const specs = ['a', 'b', 'c'].map((name) => ({ name: unique(name), partitions: 2, cleanup: 'delete' as const }))
        await Promise.all([bus.createTopics(specs), bus.createTopics(specs), bus.createTopics([...specs].reverse())])
        for (const { name } of specs) expect(await bus.partitionCount(name)).toBe(2)
      })

      test('offsets tell where each partition begins and ends', async () => {
        const topic = await topicOf(2)
        expect(byPartition(await bus.offsets(topic))).toEqual([
          { partition: 0, low: 0, high: 0 },
          { partition: 1, low: 0, high: 0 },
        ])
        await bus.publish([1, 2, 3].map((i) => ({ topic, partition: 1, value: `${i}` })))
        expect(byPartition(await bus.offsets(topic))).toEqual([
          { partition: 0, low: 0, high: 0 },
          { partition: 1, low: 0, high: 3 },
        ])
      })

      test('a topic that nobody made is refused, whatever is asked of it', async () => {
        const topic = unique('nowhere')
        const handler = new Collector()
        await expect(bus.publish([{ topic, key: 'k', value: 'v' }])).rejects.toThrow(BusRefusedError)
        await expect(bus.partitionCount(topic)).rejects.toThrow(BusRefusedError)
        await expect(bus.offsets(topic)).rejects.toThrow(BusRefusedError)
        await expect(bus.groupOffsets('g', topic)).rejects.toThrow(BusRefusedError)
        await expect(bus.read({ topic, partition: 0 }, 'start', () => undefined)).rejects.toThrow(BusRefusedError)
        await expect(bus.follow(topic, () => undefined)).rejects.toThrow(BusRefusedError)
        await expect(bus.consume({ group: unique('g'), topics: [topic], handler })).rejects.toThrow(BusRefusedError)
      })

      test('a partition that a topic does not have is refused', async () => {
        const topic = await topicOf(2)
        await expect(bus.publish([{ topic, partition: 2, value: 'v' }])).rejects.toThrow(BusRefusedError)
        await expect(bus.read({ topic, partition: 7 }, 'start', () => undefined)).rejects.toThrow(BusRefusedError)
      })

      test('it answers when asked', async () => {
        await bus.ping()
      })
    })

    describe('a consumer group', () => {
      test('a new group gets everything from the beginning, then what comes', async () => {
        const topic = await topicOf(3)
        await bus.publish(numbered(topic, 0, 60))
        const handler = new Collector()
        await consume({ topics: [topic], handler })
        await eventually(() => handler.got.length >= 60)
        await bus.publish(numbered(topic, 60, 90))
        await eventually(() => handler.got.length >= 90)
        expect(handler.numbers()).toEqual(range(0, 90))
        handler.expectOrdered()
      })

      test('it reads all the topics that it names', async () => {
        const [one, two] = [await topicOf(2), await topicOf(1)]
        await bus.publish([...numbered(one, 0, 20), ...numbered(two, 20, 40)])
        const handler = new Collector()
        await consume({ topics: [one, two], handler })
        await eventually(() => handler.got.length >= 40)
        expect(handler.numbers()).toEqual(range(0, 40))
      })

      test('reading starts at the offset that the owner gives, even where the group has committed another', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 20))
        const group = unique('group')
        const first = new Collector()
        const consumption = await consume({ group, topics: [topic], handler: first })
        await eventually(() => first.got.length >= 20)
        await consumption.commit([{ topic, partition: 0, offset: 15 }])
        await consumption.close()

        const second = new Collector({ from: 5 })
        await consume({ group, topics: [topic], handler: second })
        await eventually(() => second.got.length >= 15)
        expect(second.numbers()).toEqual(range(5, 20))
      })

      test('without an offset from the owner it starts where the group committed', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 20))
        const group = unique('group')
        const first = new Collector()
        const consumption = await consume({ group, topics: [topic], handler: first })
        await eventually(() => first.got.length >= 20)
        await consumption.commit([{ topic, partition: 0, offset: 12 }])
        await consumption.close()

        const second = new Collector()
        await consume({ group, topics: [topic], handler: second })
        await eventually(() => second.got.length >= 8)
        expect(second.numbers()).toEqual(range(12, 20))
      })

      test('committed offsets are told, and -1 where there are none', async () => {
        const topic = await topicOf(2)
        await bus.publish([1, 2, 3].map((i) => ({ topic, partition: 0, value: `${i}` })))
        const group = unique('group')
        expect(byPartition(await bus.groupOffsets(group, topic))).toEqual([
          { partition: 0, offset: -1 },
          { partition: 1, offset: -1 },
        ])
        const handler = new Collector()
        const consumption = await consume({ group, topics: [topic], handler })
        await eventually(() => handler.got.length >= 3)
        await consumption.commit([{ topic, partition: 0, offset: 3 }])
        expect(byPartition(await bus.groupOffsets(group, topic))).toEqual([
          { partition: 0, offset: 3 },
          { partition: 1, offset: -1 },
        ])
      })

      test('two groups get everything each', async () => {
        const topic = await topicOf(2)
        const [one, two] = [new Collector(), new Collector()]
        await consume({ topics: [topic], handler: one })
        await consume({ topics: [topic], handler: two })
        await bus.publish(numbered(topic, 0, 30))
        await eventually(() => one.got.length >= 30 && two.got.length >= 30)
        expect(one.numbers()).toEqual(range(0, 30))
        expect(two.numbers()).toEqual(range(0, 30))
      })

      test('two members share the partitions, and each record goes to the one that holds its partition', async () => {
        const topic = await topicOf(6)
        const group = unique('group')
        const positions = new Map<string, number>()
        const [one, two] = [new Collector({ positions }), new Collector({ positions })]
        const first = await consume({ group, topics: [topic], handler: one })
        const second = await consume({ group, topics: [topic], handler: two })
        await eventually(() => held(first, topic).length === 3 && held(second, topic).length === 3)
        expect([...held(first, topic), ...held(second, topic)].sort()).toEqual([0, 1, 2, 3, 4, 5])
        await bus.publish(numbered(topic, 0, 120))
        await eventually(() => one.got.length + two.got.length >= 120)
        expect([...one.numbers(), ...two.numbers()].sort((a, b) => a - b)).toEqual(range(0, 120))
        const [ofOne, ofTwo] = [one, two].map((each) => new Set(each.got.map((record) => record.partition)))
        expect([...ofOne!].filter((partition) => ofTwo!.has(partition))).toEqual([])
        expect(ofOne!.size + ofTwo!.size).toBe(6)
      })

      test('a member that joins under load takes its share, and nothing is lost or out of order', async () => {
        const topic = await topicOf(4)
        const group = unique('group')
        const positions = new Map<string, number>()
        const [one, two] = [new Collector({ positions, slowMs: 5 }), new Collector({ positions, slowMs: 5 })]
        await consume({ group, topics: [topic], handler: one })
        let sent = 0
        const load = async (until: () => boolean): Promise<void> => {
          while (!until() && sent < 100_000) {
            await bus.publish(numbered(topic, sent, sent + 20))
            sent += 20
            await sleep(10)
          }
        }
        await load(() => one.got.length > 100)
        const second = await consume({ group, topics: [topic], handler: two })
        await load(() => held(second, topic).length === 2 && two.got.length > 100)
        await eventually(() => distinct(one, two) >= sent)
        expect(distinct(one, two)).toBe(sent)
        one.expectOrdered()
        two.expectOrdered()
      })

      test('when a member leaves, the other goes on where it had come', async () => {
        const topic = await topicOf(4)
        const group = unique('group')
        const positions = new Map<string, number>()
        const [one, two] = [new Collector({ positions }), new Collector({ positions })]
        const first = await consume({ group, topics: [topic], handler: one })
        const second = await consume({ group, topics: [topic], handler: two })
        await eventually(() => held(first, topic).length === 2 && held(second, topic).length === 2)
        await bus.publish(numbered(topic, 0, 80))
        await eventually(() => distinct(one, two) >= 80)
        await second.close()
        await bus.publish(numbered(topic, 80, 160))
        await eventually(() => distinct(one, two) >= 160)
        await eventually(() => held(first, topic).length === 4)
        expect(distinct(one, two)).toBe(160)
        expect(second.assignment()).toEqual([])
      })

      test('a member is told of every partition before its records, and of its end after them', async () => {
        const topic = await topicOf(2)
        const handler = new Collector()
        await bus.publish(numbered(topic, 0, 20))
        const consumption = await consume({ topics: [topic], handler })
        await eventually(() => handler.got.length >= 20)
        await consumption.close()
        await bus.publish(numbered(topic, 20, 40))
        await sleep(200)
        for (const partition of [0, 1]) {
          const own = handler.story.filter((each) => each.partition === partition).map((each) => each.what)
          expect(own[0]).toBe('assigned')
          expect(own.at(-1)).toBe('revoked')
          expect(own.filter((what) => what === 'records').length).toBeGreaterThan(0)
        }
        expect(handler.got).toHaveLength(20)
      })

      test('no record comes before `assigned` has resolved', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 5))
        let ready = false
        const early: boolean[] = []
        const handler = new Collector({
          onAssigned: async () => {
            await sleep(300)
            ready = true
          },
          onRecords: () => void early.push(!ready),
        })
        await consume({ topics: [topic], handler })
        await eventually(() => handler.got.length >= 5)
        expect(early.some(Boolean)).toBe(false)
      })

      test('an assignment that is rejected is tried again', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 5))
        let attempts = 0
        const handler = new Collector({
          onAssigned: () => {
            if (++attempts < 3) throw new Error('not yet')
          },
        })
        await consume({ topics: [topic], handler })
        await eventually(() => handler.got.length >= 5)
        expect(attempts).toBeGreaterThanOrEqual(3)
        expect(handler.numbers()).toEqual(range(0, 5))
      })

      test('records that a handler rejects come again in the same order, before any later ones', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 10))
        let rejections = 0
        const handler = new Collector({
          onRecords: () => {
            if (rejections < 2) {
              rejections++
              throw new Error('not now')
            }
          },
        })
        await consume({ topics: [topic], handler })
        await eventually(() => handler.got.length >= 10)
        await bus.publish(numbered(topic, 10, 20))
        await eventually(() => handler.got.length >= 20)
        expect(rejections).toBe(2)
        expect(handler.numbers()).toEqual(range(0, 20))
        handler.expectOrdered()
      })

      test('a partition whose handler keeps rejecting does not hold back the others', async () => {
        const topic = await topicOf(2)
        await bus.publish([0, 1].flatMap((partition) => [{ topic, partition, value: `${partition}` }]))
        let blocked = true
        const handler = new Collector({
          onRecords: (at) => {
            if (blocked && at.partition === 0) throw new Error('not this one')
          },
        })
        await consume({ topics: [topic], handler })
        await eventually(() => handler.numbers().includes(1))
        await bus.publish([{ topic, partition: 1, value: '2' }])
        await eventually(() => handler.numbers().includes(2))
        expect(handler.numbers()).not.toContain(0)
        blocked = false
        await eventually(() => handler.numbers().includes(0))
      })

      test('batches of one partition never overlap, those of two may', async () => {
        const topic = await topicOf(2)
        await bus.publish([0, 1].flatMap((partition) => [{ topic, partition, value: `${partition}` }]))
        let release = (): void => undefined
        const released = new Promise<void>((resolve) => (release = resolve))
        const handler = new Collector({ onRecords: (at) => (at.partition === 0 ? released : undefined) })
        await consume({ topics: [topic], handler, concurrency: 2 })
        await eventually(() => handler.numbers().includes(1))
        await bus.publish([
          { topic, partition: 0, value: '2' },
          { topic, partition: 1, value: '3' },
        ])
        await eventually(() => handler.numbers().includes(3))
        expect(handler.numbers()).not.toContain(0)
        release()
        await eventually(() => handler.got.length >= 4)
        expect(handler.overlaps).toBe(0)
        handler.expectOrdered()
      })

      test('never more batches run side by side than allowed', async () => {
        const topic = await topicOf(6)
        await bus.publish(range(0, 60).map((i) => ({ topic, partition: i % 6, value: `${i}` })))
        let running = 0
        let most = 0
        const handler = new Collector({
          onRecords: async () => {
            most = Math.max(most, ++running)
            await sleep(5)
            running--
          },
        })
        await consume({ topics: [topic], handler, concurrency: 1, batchRecordsMax: 4 })
        await eventually(() => handler.got.length >= 60)
        expect(most).toBe(1)
      })

      test('a batch holds no more records than asked for', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 100))
        const handler = new Collector()
        await consume({ topics: [topic], handler, batchRecordsMax: 7 })
        await eventually(() => handler.got.length >= 100)
        expect(Math.max(...handler.batches)).toBeLessThanOrEqual(7)
        expect(handler.numbers()).toEqual(range(0, 100))
      })

      test('a paused partition is held back, the others go on, and nothing is lost when it resumes', async () => {
        const topic = await topicOf(2)
        const handler = new Collector()
        const consumption = await consume({ topics: [topic], handler })
        await eventually(() => held(consumption, topic).length === 2)
        await bus.publish([0, 1].map((partition) => ({ topic, partition, value: `${partition}` })))
        await eventually(() => handler.got.length >= 2)
        consumption.pause({ topic, partition: 0 })
        await bus.publish([0, 1].map((partition) => ({ topic, partition, value: `${partition + 2}` })))
        await eventually(() => handler.numbers().includes(3))
        await sleep(300)
        expect(handler.numbers()).not.toContain(2)
        consumption.resume({ topic, partition: 0 })
        await eventually(() => handler.numbers().includes(2))
        expect(handler.numbers()).toEqual([0, 1, 2, 3])
      })

      test('a handler may pause its own partition', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 40))
        const holder: { consumption?: Consumption } = {}
        const handler = new Collector({ onRecords: (at) => holder.consumption?.pause(at) })
        const consumption = await consume({ topics: [topic], handler, batchRecordsMax: 10 })
        holder.consumption = consumption
        await eventually(() => handler.got.length >= 10)
        for (let i = 0; i < 60 && handler.got.length < 40; i++) {
          consumption.resume({ topic, partition: 0 })
          await sleep(100)
        }
        expect(handler.numbers()).toEqual(range(0, 40))
        handler.expectOrdered()
      })

      test('a handler may publish and commit while it works', async () => {
        const [from, to] = [await topicOf(2), await topicOf(2)]
        const group = unique('group')
        const holder: { consumption?: Consumption } = {}
        const handler = new Collector({
          onRecords: async (at, batch) => {
            await bus.publish(batch.map((each) => ({ topic: to, key: each.key, value: each.value })))
            await holder.consumption?.commit([{ ...at, offset: batch.at(-1)!.offset + 1 }])
          },
        })
        holder.consumption = await consume({ group, topics: [from], handler })
        await bus.publish(numbered(from, 0, 50))
        await eventually(() => handler.got.length >= 50)
        expect((await readAll(bus, to)).map((each) => Number(text(each))).sort((a, b) => a - b)).toEqual(range(0, 50))
      })

      test('closing waits for the batch under way, and then delivers nothing more', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 5))
        let started = false
        let ended = false
        const handler = new Collector({
          onRecords: async () => {
            started = true
            await sleep(400)
            ended = true
          },
        })
        const consumption = await consume({ topics: [topic], handler })
        await eventually(() => started)
        await consumption.close()
        expect(ended).toBe(true)
        const seen = handler.got.length
        await bus.publish(numbered(topic, 5, 10))
        await sleep(200)
        expect(handler.got).toHaveLength(seen)
        expect(handler.story.at(-1)?.what).toBe('revoked')
        await consumption.close()
      })
    })

    describe('a fenced producer', () => {
      test('its transactions show whole, in order, over several topics', async () => {
        const [one, two] = [await topicOf(2), await topicOf()]
        const producer = await bus.fenced(unique('stage'))
        for (let i = 0; i < 5; i++) {
          await producer.commit([
            { topic: one, partition: 0, value: `${i}` },
            { topic: one, partition: 1, value: `${i}` },
            { topic: two, key: 'state', value: `${i}` },
          ])
        }
        await producer.close()
        expect((await readAll(bus, one)).map((each) => text(each))).toEqual([
          '0',
          '1',
          '2',
          '3',
          '4',
          '0',
          '1',
          '2',
          '3',
          '4',
        ])
        expect((await readAll(bus, two)).map((each) => text(each))).toEqual(['0', '1', '2', '3', '4'])
      })

      test('a later holder of the name fences the earlier one off, and nothing of the earlier one shows after', async () => {
        const topic = await topicOf()
        const name = unique('stage')
        const first = await bus.fenced(name)
        await first.commit([{ topic, value: 'first' }])
        const second = await bus.fenced(name)
        await expect(first.commit([{ topic, value: 'zombie' }])).rejects.toThrow(FencedError)
        await second.commit([{ topic, value: 'second' }])
        await expect(first.commit([{ topic, value: 'zombie' }])).rejects.toThrow(FencedError)
        await second.commit([{ topic, value: 'third' }])
        expect((await readAll(bus, topic)).map((each) => text(each))).toEqual(['first', 'second', 'third'])
        await first.close()
        await second.close()
      })

      test('names do not fence each other', async () => {
        const topic = await topicOf()
        const [one, two] = [await bus.fenced(unique('stage')), await bus.fenced(unique('stage'))]
        await one.commit([{ topic, value: '1' }])
        await two.commit([{ topic, value: '2' }])
        await one.commit([{ topic, value: '3' }])
        expect((await readAll(bus, topic)).map((each) => text(each))).toEqual(['1', '2', '3'])
        await Promise.all([one.close(), two.close()])
      })

      test('a transaction with a record that is refused leaves nothing behind, and the producer goes on', async () => {
        const topic = await topicOf(2)
        const producer = await bus.fenced(unique('stage'))
        const bad: OutgoingRecord[] = [
          { topic, partition: 0, value: 'beside it' },
          { topic, partition: 1, value: Buffer.alloc(3_000_000) },
        ]
        await expect(producer.commit(bad)).rejects.toThrow(BusRefusedError)
        await producer.commit([{ topic, partition: 0, value: 'after' }])
        expect((await readAll(bus, topic)).map((each) => text(each))).toEqual(['after'])
        await producer.close()
      })

      test('an empty transaction is none', async () => {
        const topic = await topicOf()
        const producer = await bus.fenced(unique('stage'))
        await producer.commit([])
        await producer.commit([{ topic, value: 'v' }])
        expect(await readAll(bus, topic)).toHaveLength(1)
        await producer.close()
      })

      test('transactions follow each other without a pause', async () => {
        const topic = await topicOf()
        const producer = await bus.fenced(unique('stage'))
        const start = performance.now()
        for (let i = 0; i < 30; i++) await producer.commit([{ topic, value: `${i}` }])
        expect(performance.now() - start).toBeLessThan(30 * 200)
        expect((await readAll(bus, topic)).map((each) => Number(text(each)))).toEqual(range(0, 30))
        await producer.close()
      })

      test('a group reads over the holes that transactions leave', async () => {
        const topic = await topicOf()
        const producer = await bus.fenced(unique('stage'))
        const handler = new Collector()
        await consume({ topics: [topic], handler })
        for (let i = 0; i < 10; i++) await producer.commit([{ topic, value: `${i}` }])
        await eventually(() => handler.got.length >= 10)
        await bus.publish([{ topic, value: '10' }])
        await eventually(() => handler.got.length >= 11)
        expect(handler.numbers()).toEqual(range(0, 11))
        await producer.close()
      })
    })

    describe('reading without a group', () => {
      test('a partition is read from its start to its end, and reading then returns', async () => {
        const topic = await topicOf(2)
        await bus.publish([...numbered(topic, 0, 3_000, 1), { topic, partition: 0, value: 'other' }])
        const records: BusRecord[] = []
        await bus.read({ topic, partition: 1 }, 'start', (batch) => void records.push(...batch))
        expect(records.map((each) => Number(text(each)))).toEqual(range(0, 3_000))
        expect(records.every((each) => each.partition === 1 && each.topic === topic)).toBe(true)
      })

      test('a transaction at the end does not keep it waiting', async () => {
        const topic = await topicOf(1, 'compact')
        const producer = await bus.fenced(unique('stage'))
        await producer.commit(range(0, 10).map((i) => ({ topic, key: `key ${i}`, value: `${i}` })))
        await producer.commit([{ topic, key: 'last', value: '10' }])
        expect((await readAll(bus, topic)).map((each) => Number(text(each)))).toEqual(range(0, 11))
        await producer.close()
      })

      test('it begins at the offset asked for, also where that is the end', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 20))
        const from = async (offset: number): Promise<number[]> => {
          const records: BusRecord[] = []
          await bus.read({ topic, partition: 0 }, offset, (batch) => void records.push(...batch))
          return records.map((each) => Number(text(each)))
        }
        expect(await from(13)).toEqual(range(13, 20))
        expect(await from(20)).toEqual([])
        expect(await from(0)).toEqual(range(0, 20))
      })

      test('an empty partition has nothing to read', async () => {
        const topic = await topicOf()
        expect(await readAll(bus, topic)).toEqual([])
      })

      test('a slow reader is not overrun: the next batch comes after it has dealt with the last', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 5_000))
        let running = 0
        let overlaps = 0
        const seen: number[] = []
        await bus.read({ topic, partition: 0 }, 'start', async (batch) => {
          if (running++ > 0) overlaps++
          await sleep(20)
          seen.push(...batch.map((each) => Number(text(each))))
          running--
        })
        expect(overlaps).toBe(0)
        expect(seen).toEqual(range(0, 5_000))
      })

      test('what a reader throws ends its reading', async () => {
        const topic = await topicOf()
        await bus.publish(numbered(topic, 0, 5))
        const failing = bus.read({ topic, partition: 0 }, 'start', () => {
          throw new RangeError('mine')
        })
        await expect(failing).rejects.toThrow(RangeError)
      })

      test('a follower has everything that was there when it is told so, then gets what comes, until it stops', async () => {
        const topic = await topicOf(3)
        await bus.publish(numbered(topic, 0, 300))
        const records: BusRecord[] = []
        const follower = await bus.follow(topic, (batch) => void records.push(...batch))
        expect(records.map((each) => Number(text(each))).sort((a, b) => a - b)).toEqual(range(0, 300))
        await bus.publish(numbered(topic, 300, 320))
        const producer = await bus.fenced(unique('stage'))
        await producer.commit(numbered(topic, 320, 330))
        await producer.close()
        await eventually(() => records.length >= 330)
        await follower.stop()
        await bus.publish(numbered(topic, 330, 340))
        await sleep(200)
        expect(records.map((each) => Number(text(each))).sort((a, b) => a - b)).toEqual(range(0, 330))
        for (const partition of [0, 1, 2]) expectGrowing(records.filter((each) => each.partition === partition))
      })

      test('a follower of an empty topic is ready at once, and gets the first record', async () => {
        const topic = await topicOf()
        const records: BusRecord[] = []
        const follower = await bus.follow(topic, (batch) => void records.push(...batch))
        expect(records).toEqual([])
        await bus.publish([{ topic, key: 'k', value: 'first' }])
        await eventually(() => records.length === 1)
        await follower.stop()
      })

      test('a follower of a topic that ends with a transaction is ready too', async () => {
        const topic = await topicOf()
        const producer = await bus.fenced(unique('stage'))
        await producer.commit(numbered(topic, 0, 10))
        await producer.close()
        const records: BusRecord[] = []
        const follower = await bus.follow(topic, (batch) => void records.push(...batch))
        expect(records).toHaveLength(10)
        await follower.stop()
      })

      test('the latest value of every key of a compacted topic can be read', async () => {
        const topic = await topicOf(1, 'compact')
        for (let round = 0; round < 5; round++) {
          await bus.publish(range(0, 20).map((i) => ({ topic, key: `key ${i}`, value: `${i} in round ${round}` })))
        }
        await bus.publish([{ topic, key: 'key 3', value: null }])
        const latest = new Map((await readAll(bus, topic)).map((each) => [each.key, each.value]))
        expect(latest.size).toBe(20)
        expect(latest.get('key 3')).toBeNull()
        expect(latest.get('key 19')?.toString()).toBe('19 in round 4')
      })
    })

    describe('closing', () => {
      test('what was under way is settled one way or the other, and what was acknowledged is there', async () => {
        const own = await open()
        const topic = unique('closing')
        await own.bus.createTopics([{ name: topic, partitions: 2, cleanup: 'delete' }])
        const handler = new Collector({ slowMs: 10 })
        await own.bus.consume({ group: unique('group'), topics: [topic], handler })
        const under = range(0, 50).map((i) => own.bus.publish([{ topic, key: `${i}`, value: `${i}` }]))
        const [outcomes] = await Promise.all([Promise.allSettled(under), own.bus.close()])
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(BusUnavailableError)
        }
        await expect(own.bus.publish([{ topic, key: 'k', value: 'late' }])).rejects.toThrow(BusUnavailableError)
        await own.bus.close()
        await own.close()
      })
    })
  })
}

interface CollectorOptions {
  /** Where each partition starts, for all its owners: what a stage's checkpoint is. */
  readonly positions?: Map<string, number>
  readonly from?: number
  readonly slowMs?: number
  readonly onAssigned?: (at: TopicPartition) => Promise<void> | void
  readonly onRecords?: (at: TopicPartition, batch: readonly BusRecord[]) => Promise<void> | void
}

/** A handler that keeps what it got, and what happened to it. */
class Collector implements PartitionHandler {
  readonly got: BusRecord[] = []
  readonly batches: number[] = []
  readonly story: { readonly what: 'assigned' | 'records' | 'revoked'; readonly partition: number }[] = []
  overlaps = 0
  readonly #options: CollectorOptions
  readonly #running = new Set<string>()

  constructor(options: CollectorOptions = {}) {
    this.#options = options
  }

  async assigned(at: TopicPartition): Promise<number | undefined> {
    await this.#options.onAssigned?.(at)
    this.story.push({ what: 'assigned', partition: at.partition })
    return this.#options.from ?? this.#options.positions?.get(place(at))
  }

  async revoked(at: TopicPartition): Promise<void> {
    this.story.push({ what: 'revoked', partition: at.partition })
  }

  async records(at: TopicPartition, batch: readonly BusRecord[]): Promise<void> {
    if (this.#running.has(place(at))) this.overlaps++
    this.#running.add(place(at))
    try {
      await this.#options.onRecords?.(at, batch)
      if (this.#options.slowMs !== undefined) await sleep(this.#options.slowMs)
      this.got.push(...batch)
      this.batches.push(batch.length)
      this.story.push({ what: 'records', partition: at.partition })
      this.#options.positions?.set(place(at), batch.at(-1)!.offset + 1)
    } finally {
      this.#running.delete(place(at))
    }
  }

  numbers(): number[] {
    return this.got.map((each) => Number(text(each))).sort((a, b) => a - b)
  }

  /** Within each partition nothing overtook anything; what came again doesn't count. */
  expectOrdered(): void {
    for (const partition of new Set(this.got.map(place))) {
      const offsets = this.got.filter((each) => place(each) === partition).map((each) => each.offset)
      const first = [...new Set(offsets)]
      expect(first).toEqual([...first].sort((a, b) => a - b))
    }
  }
}

/** Different records that these have got together. */
function distinct(...collectors: readonly Collector[]): number {
  return new Set(collectors.flatMap((each) => each.got.map((record) => `${place(record)}@${record.offset}`))).size
}

function unique(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`
}

function place({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function text(record: BusRecord): string {
  return record.value === null ? '(tombstone)' : record.value.toString('utf8')
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** Records with the numbers from `from` to `to`, spread by key or in one partition. */
function numbered(topic: string, from: number, to: number, partition?: number): OutgoingRecord[] {
  return range(from, to).map((i) => ({ topic, key: `key ${i % 17}`, partition, value: `${i}` }))
}

/** Everything that stands on a topic, partition by partition. */
async function readAll(bus: Bus, topic: string): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  for (let partition = 0; partition < (await bus.partitionCount(topic)); partition++) {
    await bus.read({ topic, partition }, 'start', (batch) => void records.push(...batch))
  }
  return records
}

function held(consumption: Consumption, topic: string): number[] {
  return consumption
    .assignment()
    .filter((at) => at.topic === topic)
    .map((at) => at.partition)
}

function byPartition<T extends { readonly partition: number }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => a.partition - b.partition)
}

function expectGrowing(records: readonly BusRecord[]): void {
  for (let i = 1; i < records.length; i++) expect(records[i]!.offset).toBeGreaterThan(records[i - 1]!.offset)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits for something to become true; says where it waited when it never does. */
async function eventually(condition: () => boolean, timeoutMs = 45_000): Promise<void> {
  const until = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > until) throw new Error(`still not so after ${timeoutMs} ms: ${condition.toString()}`)
    await sleep(10)
  }
}
