import { open as openFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { BusRefusedError, BusUnavailableError, DataFolderLockedError } from '../../core/errors.ts'
import type { BusRecord, PartitionHandler } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import type { EmbeddedBus } from './bus.ts'
import { busLimits, type EmbeddedBusOptions } from './config.ts'
import { DataCorruptedError } from './errors.ts'
import { openEmbedded, temporary, type Embedded } from './open.ts'

const dayMs = 86_400_000

/** A clock that stands where it is put. */
class HandClock implements Clock {
  ms = Date.parse('2026-03-01T00:00:00Z')
  nowMs(): number {
    return this.ms
  }
  monotonicMs(): number {
    return this.ms
  }
}

const clock = new HandClock()

function open(folder: string, bus: EmbeddedBusOptions = {}): Promise<Embedded> {
  return openEmbedded({ folder, log: silentLog, clock, bus })
}

async function readAll(bus: EmbeddedBus, topic: string): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  for (const { partition } of await bus.offsets(topic)) {
    await bus.read({ topic, partition }, 'start', (batch) => void records.push(...batch))
  }
  return records
}

const text = (record: BusRecord): string => record.value?.toString() ?? '(tombstone)'

test('a restart keeps topics, records, offsets of groups, and goes on counting where it was', async () => {
  const folder = await temporaryFolder('restart')
  const first = await open(folder)
  await first.bus.createTopics([{ name: 't', partitions: 2, cleanup: 'delete' }])
  await first.bus.publish([
    { topic: 't', partition: 0, key: 'k', value: 'v', headers: { source: 's' } },
    { topic: 't', partition: 1, value: null },
  ])
  const idle: PartitionHandler = {
    assigned: async () => undefined,
    records: async () => undefined,
    revoked: async () => undefined,
  }
  const consumption = await first.bus.consume({ group: 'g', topics: ['t'], handler: idle })
  await consumption.commit([{ topic: 't', partition: 0, offset: 1 }])
  const before = await readAll(first.bus, 't')
  await first.close()

  const second = await open(folder)
  expect(await readAll(second.bus, 't')).toEqual(before)
  expect(await second.bus.groupOffsets('g', 't')).toEqual([
    { partition: 0, offset: 1 },
    { partition: 1, offset: -1 },
  ])
  await second.bus.publish([{ topic: 't', partition: 0, value: 'next' }])
  expect((await readAll(second.bus, 't')).map((each) => each.offset)).toEqual([0, 1, 0])
  await second.close()
})

test('a second one to open the folder is told which process has it; after a close it may', async () => {
  const folder = await temporaryFolder('lock')
  const first = await open(folder)
  const refused = open(folder)
  await expect(refused).rejects.toThrow(DataFolderLockedError)
  await expect(refused).rejects.toThrow(`process ${process.pid} on `)
  await first.close()
  const second = await open(folder)
  await second.close()
})

test('a lock note that a dead process left behind locks nobody out', async () => {
  const folder = await temporaryFolder('lock')
  await writeFile(join(folder, 'lock.json'), '{"pid":1,"host":"elsewhere"}')
  const opened = await open(folder)
  await opened.close()
})

test('a temporary pair leaves nothing behind', async () => {
  const opened = await open(temporary)
  await opened.bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  await opened.bus.publish([{ topic: 't', value: 'v' }])
  const [folder] = opened.files
  expect((await stat(folder!)).isFile()).toBe(true)
  await opened.close()
  await expect(stat(folder!)).rejects.toThrow('ENOENT')
})

test('a full disk rejects what does not fit, crashes nothing, and takes records again once there is room', async () => {
  const folder = await temporaryFolder('full')
  const { bus, close } = await open(folder, { fileBytesMax: 600_000, retentionMsDefault: 1_000 })
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  const value = 'x'.repeat(20_000)
  let written = 0
  let failure: unknown
  for (let i = 0; i < 100 && failure === undefined; i++) {
    await bus.publish([{ topic: 't', value }]).then(
      () => written++,
      (error: unknown) => (failure = error),
    )
  }
  expect(failure).toBeInstanceOf(BusUnavailableError)
  expect(failure).toMatchObject({ retryable: true, hint: expect.stringContaining('Free space') })
  expect(written).toBeGreaterThan(5)
  expect(await readAll(bus, 't')).toHaveLength(written)
  await bus.ping()

  clock.ms += 2_000
  await bus.maintain()
  await bus.publish([{ topic: 't', value: 'after' }])
  const records = await readAll(bus, 't')
  expect(records.map(text)).toEqual(['after'])
  expect(records[0]!.offset).toBe(written)
  await close()
})

test('one call that does not fit does not take down the ones that come with it later', async () => {
  const { bus, close } = await open(await temporaryFolder('full'), { fileBytesMax: 400_000 })
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  const outcomes = await Promise.allSettled([bus.publish([{ topic: 't', value: Buffer.alloc(900_000) }])])
  expect(outcomes[0].status).toBe('rejected')
  await bus.publish([{ topic: 't', value: 'small' }])
  expect((await readAll(bus, 't')).map(text)).toEqual(['small'])
  await close()
})

test('records past their retention go, the offsets of the others stay', async () => {
  const folder = await temporaryFolder('retention')
  const { bus, close } = await open(folder)
  await bus.createTopics([
    { name: 'short', partitions: 1, cleanup: 'delete', retentionMs: dayMs },
    { name: 'usual', partitions: 1, cleanup: 'delete' },
  ])
  for (let day = 0; day < 10; day++) {
    await bus.publish(
      ['short', 'usual'].flatMap((topic) => [
        { topic, value: `${day}` },
        { topic, value: `${day}` },
      ]),
    )
    clock.ms += dayMs
  }
  await bus.maintain()
  expect((await readAll(bus, 'short')).map(text)).toEqual(['9', '9'])
  expect(await bus.offsets('short')).toEqual([{ partition: 0, low: 18, high: 20 }])
  expect(await bus.offsets('usual')).toEqual([{ partition: 0, low: 6, high: 20 }])
  clock.ms += 30 * dayMs
  await bus.maintain()
  expect(await bus.offsets('short')).toEqual([{ partition: 0, low: 20, high: 20 }])
  await bus.publish([{ topic: 'short', value: 'next' }])
  await close()

  const again = await open(folder)
  expect((await readAll(again.bus, 'short')).map((each) => each.offset)).toEqual([20])
  expect(await again.bus.offsets('short')).toEqual([{ partition: 0, low: 20, high: 21 }])
  await again.close()
})

test('superseded records of a compacted topic go after a while, the latest keep their offsets, tombstones go last', async () => {
  const folder = await temporaryFolder('compact')
  let opened = await open(folder)
  await opened.bus.createTopics([{ name: 'state', partitions: 1, cleanup: 'compact' }])
  for (let round = 0; round < 30; round++) {
    const keys = Array.from({ length: 20 }, (_, i) => ({ topic: 'state', key: `key ${i}`, value: `${i} ${round}` }))
    await opened.bus.publish(keys)
  }
  await opened.bus.publish([{ topic: 'state', key: 'key 0', value: null }])
  await opened.bus.maintain()
  expect(await readAll(opened.bus, 'state')).toHaveLength(601)

  clock.ms += 11_000
  await opened.bus.maintain()
  await opened.close()
  opened = await open(folder)
  const kept = await readAll(opened.bus, 'state')
  expect(kept.map((each) => each.offset)).toEqual([...Array.from({ length: 19 }, (_, i) => 581 + i), 600])
  expect(kept.map(text).slice(0, 2)).toEqual(['1 29', '2 29'])
  expect(kept.at(-1)!.value).toBeNull()

  clock.ms += dayMs + 1
  await opened.bus.maintain()
  await opened.close()
  opened = await open(folder)
  expect(await readAll(opened.bus, 'state')).toHaveLength(19)
  expect(await opened.bus.offsets('state')).toEqual([{ partition: 0, low: 0, high: 601 }])
  await opened.bus.publish([{ topic: 'state', key: 'key 0', value: 'back' }])
  expect((await readAll(opened.bus, 'state')).at(-1)).toMatchObject({ offset: 601, key: 'key 0' })
  await opened.close()
})

test('reading and following end although compaction left a hole at the end', async () => {
  const folder = await temporaryFolder('hole')
  let opened = await open(folder)
  await opened.bus.createTopics([{ name: 'state', partitions: 1, cleanup: 'compact' }])
  await opened.bus.publish([
    { topic: 'state', key: 'a', value: '1' },
    { topic: 'state', key: 'b', value: null },
  ])
  clock.ms += dayMs * 2
  await opened.bus.maintain()
  await opened.close()
  opened = await open(folder)
  expect((await readAll(opened.bus, 'state')).map(text)).toEqual(['1'])
  const followed: BusRecord[] = []
  const follower = await opened.bus.follow('state', (batch) => void followed.push(...batch))
  expect(followed.map(text)).toEqual(['1'])
  await follower.stop()
  await opened.close()
})

test('a record without a key is refused on a compacted topic', async () => {
  const { bus, close } = await open(temporary)
  await bus.createTopics([{ name: 'state', partitions: 1, cleanup: 'compact' }])
  await expect(bus.publish([{ topic: 'state', value: 'v' }])).rejects.toThrow(BusRefusedError)
  await close()
})

test('a reader that starts far behind gets from the file what memory no longer has, without gap', async () => {
  const { bus, close } = await open(temporary)
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  const filler = 'x'.repeat(20_000)
  const count = Math.ceil((busLimits.tailBytesMax * 1.5) / filler.length)
  for (let i = 0; i < count; i += 100) {
    await bus.publish(
      Array.from({ length: Math.min(100, count - i) }, (_, j) => ({ topic: 't', value: `${i + j} ${filler}` })),
    )
  }
  const records = await readAll(bus, 't')
  expect(records.map((each) => Number(text(each).split(' ')[0]))).toEqual(Array.from({ length: count }, (_, i) => i))
  await close()
})

test('a holder of a fenced name whose commit is still waiting is fenced off before the next holder has the name', async () => {
  const { bus, close } = await open(temporary)
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  const first = await bus.fenced('stage')
  const commits = Array.from({ length: 20 }, (_, i) => first.commit([{ topic: 't', value: `${i}` }]))
  const outcomes = Promise.allSettled(commits)
  const second = await bus.fenced('stage')
  const there = (await readAll(bus, 't')).length
  await second.commit([{ topic: 't', value: 'second' }])
  const done = (await outcomes).filter((each) => each.status === 'fulfilled').length
  expect(done).toBe(there)
  expect((await readAll(bus, 't')).map(text).at(-1)).toBe('second')
  expect(await readAll(bus, 't')).toHaveLength(done + 1)
  await close()
})

test('a name can be taken while others publish without a pause', async () => {
  const { bus, close } = await open(temporary)
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  let taken = false
  const isTaken = (): boolean => taken
  const flood = async (): Promise<void> => {
    while (!isTaken()) await bus.publish([{ topic: 't', value: 'v' }])
  }
  const floods = Array.from({ length: 50 }, flood)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const producer = await bus.fenced('stage')
  await producer.commit([{ topic: 't', value: 'mine' }])
  taken = true
  await Promise.all(floods)
  await close()
})

test('a partition whose taker is told to end while it waits is given up without a warning of another try', async () => {
  const warned = vi.fn()
  const { bus, close } = await openEmbedded({
    folder: await temporaryFolder('ended'),
    log: { ...silentLog, warn: warned },
    clock,
    bus: {},
  })
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  const taken = Promise.withResolvers<undefined>()
  const told = Promise.withResolvers<undefined>()
  const handler: PartitionHandler = {
    assigned: async () => {
      taken.resolve(undefined)
      await told.promise
      throw new Error('The task was closed.')
    },
    records: async () => undefined,
    revoked: async () => undefined,
  }
  const consumption = await bus.consume({ group: 'g', topics: ['t'], handler })
  await taken.promise
  const stopped = consumption.close()
  told.resolve(undefined)
  await stopped
  await close()
  expect(warned).not.toHaveBeenCalled()
})

test('more than may wait is refused at once, and what waits is written', async () => {
  const { bus, close } = await open(temporary)
  await bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  const value = Buffer.alloc(1_000_000)
  const calls = Math.ceil(busLimits.waitingBytesMax / value.length) + 40
  const outcomes = await Promise.allSettled(Array.from({ length: calls }, () => bus.publish([{ topic: 't', value }])))
  const rejected = outcomes.filter((each) => each.status === 'rejected')
  expect(rejected.length).toBeGreaterThan(0)
  expect(rejected.every((each) => each.reason instanceof BusUnavailableError)).toBe(true)
  const [offsets] = await bus.offsets('t')
  expect(offsets!.high).toBe(calls - rejected.length)
  await close()
}, 60_000)

test('a file that is no database is refused with what to do', async () => {
  const folder = await temporaryFolder('corrupt')
  await writeFile(join(folder, 'bus.db'), 'this is not a database '.repeat(1_000))
  const refused = open(folder)
  await expect(refused).rejects.toThrow(DataCorruptedError)
  await expect(refused).rejects.toMatchObject({ retryable: false, hint: expect.stringContaining('backup') })
  // The lock is free again.
  await writeFile(join(folder, 'bus.db'), '')
  await (await open(folder)).close()
})

test('records whose bytes have changed on the disk are not handed out', async () => {
  const folder = await temporaryFolder('corrupt')
  const first = await open(folder)
  await first.bus.createTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
  await first.bus.publish([{ topic: 't', value: 'EVIDENCE-'.repeat(5_000) }])
  await first.close()

  const file = await openFile(join(folder, 'bus.db'), 'r+')
  const bytes = await file.readFile()
  const at = bytes.indexOf('EVIDENCE-EVIDENCE-')
  expect(at).toBeGreaterThan(0)
  await file.write('FORGED', at)
  await file.close()

  const second = await open(folder)
  await expect(readAll(second.bus, 't')).rejects.toThrow(DataCorruptedError)
  await second.close()
})
