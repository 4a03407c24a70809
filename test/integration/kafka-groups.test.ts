/**
 * Consumer groups on a real broker, where they are hard: slow handlers, members that come, go and vanish.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { KafkaBusOptions } from '../../adapters/kafka/config.ts'
import type { BusRecord, PartitionHandler, TopicPartition } from '../../core/ports/bus.ts'
import { silentLog } from '../../runtime/log.ts'
import { describeKafka, uniqueName } from '../support/kafka.ts'

/** The least that a broker allows by default is 6 s. */
const quick = { sessionTimeoutMs: 6_000, heartbeatMs: 300 } satisfies Partial<KafkaBusOptions>

class Notes implements PartitionHandler {
  readonly story: string[] = []
  readonly got: BusRecord[] = []
  readonly #slow: Partial<Record<'assigned' | 'records' | 'revoked', number>>

  constructor(slow: Partial<Record<'assigned' | 'records' | 'revoked', number>> = {}) {
    this.#slow = slow
  }

  async assigned(at: TopicPartition): Promise<number | undefined> {
    this.story.push(`assigned ${at.topic.slice(0, 1)}${at.partition}`)
    await sleep(this.#slow.assigned ?? 0)
    return undefined
  }

  async records(_at: TopicPartition, batch: readonly BusRecord[]): Promise<void> {
    await sleep(this.#slow.records ?? 0)
    this.got.push(...batch)
  }

  async revoked(at: TopicPartition): Promise<void> {
    await sleep(this.#slow.revoked ?? 0)
    this.story.push(`revoked ${at.topic.slice(0, 1)}${at.partition}`)
  }

  values(): string[] {
    return this.got.map((record) => record.value!.toString())
  }
}

describeKafka('a consumer group', ({ brokers }) => {
  test('a member whose handlers take longer than a session is not thrown out', async () => {
    const bus = createKafkaBus({ brokers, ...quick }, silentLog)
    const topic = uniqueName('a')
    await bus.createTopics([{ name: topic, partitions: 2, cleanup: 'delete' }])
    await bus.publish([{ topic, partition: 0, value: 'slow' }])
    const notes = new Notes({ assigned: 8_000, records: 8_000 })
    await bus.consume({ group: uniqueName('group'), topics: [topic], handler: notes })
    await expect.poll(() => notes.values(), { timeout: 30_000 }).toEqual(['slow'])
    expect(notes.story).toEqual(['assigned a0', 'assigned a1'])
    await bus.close()
  })

  test('partitions that stay are not interrupted while another is being taken over', async () => {
    const [first, second] = [
      createKafkaBus({ brokers, ...quick }, silentLog),
      createKafkaBus({ brokers, ...quick }, silentLog),
    ]
    const [topic, group] = [uniqueName('a'), uniqueName('group')]
    await first.createTopics([{ name: topic, partitions: 4, cleanup: 'delete' }])
    const stays = new Notes({ revoked: 2_000 })
    const consumption = await first.consume({ group, topics: [topic], handler: stays })
    await expect.poll(() => stays.story.length).toBe(4)
    const comes = new Notes()
    await second.consume({ group, topics: [topic], handler: comes })
    // While the first member is letting go of two partitions, its other two go on.
    await expect.poll(() => consumption.assignment().length, { timeout: 20_000, interval: 5 }).toBe(2)
    await expect.poll(() => comes.story.length, { timeout: 20_000 }).toBe(2)
    expect(stays.story.filter((each) => each.startsWith('assigned'))).toHaveLength(4)
    expect(stays.story.filter((each) => each.startsWith('revoked'))).toHaveLength(2)
    await Promise.all([first.close(), second.close()])
  })

  test('a partition may be taken back while it is still being taken over', async () => {
    const bus = createKafkaBus({ brokers, ...quick }, silentLog)
    const topic = uniqueName('a')
    await bus.createTopics([{ name: topic, partitions: 1, cleanup: 'delete' }])
    const notes = new Notes({ assigned: 20_000 })
    const consumption = await bus.consume({ group: uniqueName('group'), topics: [topic], handler: notes })
    await expect.poll(() => notes.story).toEqual(['assigned a0'])
    await consumption.close()
    expect(notes.story).toEqual(['assigned a0', 'revoked a0'])
    await bus.close()
  })

  test('no partition has two owners: it is let go of before the next one gets it', async () => {
    const buses = [1, 2, 3].map(() => createKafkaBus({ brokers, ...quick }, silentLog))
    const [topic, group] = [uniqueName('a'), uniqueName('group')]
    await buses[0]!.createTopics([{ name: topic, partitions: 6, cleanup: 'delete' }])
    const owners = new Map<number, number>()
    const overlaps: number[] = []
    const handler = (member: number): PartitionHandler => ({
      assigned: async (at) => {
        if (owners.has(at.partition)) overlaps.push(at.partition)
        owners.set(at.partition, member)
        return undefined
      },
      records: async () => undefined,
      revoked: async (at) => {
        await sleep(100)
        if (owners.get(at.partition) === member) owners.delete(at.partition)
      },
    })
    const shares = () => [0, 1, 2].map((member) => [...owners.values()].filter((owner) => owner === member).length)
    for (const [member, bus] of buses.entries()) {
      await bus.consume({ group, topics: [topic], handler: handler(member) })
      await sleep(700)
    }
    await expect.poll(shares, { timeout: 20_000 }).toEqual([2, 2, 2])
    await buses[1]!.close()
    await expect.poll(shares, { timeout: 20_000 }).toEqual([3, 0, 3])
    expect(overlaps).toEqual([])
    await Promise.all(buses.map((bus) => bus.close()))
  })

  test('topics with equally many partitions go together: partition n of each to the same member', async () => {
    const buses = [1, 2].map(() => createKafkaBus({ brokers, ...quick }, silentLog))
    const [audit, inference, group] = [uniqueName('a'), uniqueName('i'), uniqueName('group')]
    const spec = (name: string) => ({ name, partitions: 4, cleanup: 'delete' as const })
    await buses[0]!.createTopics([spec(audit), spec(inference)])
    const consumptions = await Promise.all(
      buses.map((bus) => bus.consume({ group, topics: [audit, inference], handler: new Notes() })),
    )
    const partitionsOf = (member: number, topic: string) =>
      consumptions[member]!.assignment()
        .filter((at) => at.topic === topic)
        .map((at) => at.partition)
        .sort()
    await expect
      // The partitions of the one topic may be taken up a moment before those of the other.
      .poll(() => [0, 1].map((member) => [audit, inference].map((topic) => partitionsOf(member, topic).length)), {
        timeout: 20_000,
      })
      .toEqual([
        [2, 2],
        [2, 2],
      ])
    for (const member of [0, 1]) expect(partitionsOf(member, audit)).toEqual(partitionsOf(member, inference))
    await Promise.all(buses.map((bus) => bus.close()))
  })

  test('the partitions of a member that vanished go to the others after its session, and start where it committed', async () => {
    const [gone, stays] = [
      createKafkaBus({ brokers, ...quick }, silentLog),
      createKafkaBus({ brokers, ...quick }, silentLog),
    ]
    const [topic, group] = [uniqueName('a'), uniqueName('group')]
    await gone.createTopics([{ name: topic, partitions: 1, cleanup: 'delete' }])
    await gone.publish([0, 1, 2, 3].map((n) => ({ topic, value: `${n}` })))
    const consumption = await gone.consume({
      group,
      topics: [topic],
      handler: new Notes({ assigned: 10, revoked: 60_000 }),
    })
    await expect.poll(() => consumption.assignment().length).toBe(1)
    await consumption.commit([{ topic, partition: 0, offset: 2 }])
    // As a process that hangs does it: it holds on to its partition, and no heartbeat comes any more.
    void consumption.close()
    const notes = new Notes()
    await stays.consume({ group, topics: [topic], handler: notes })
    await expect.poll(() => notes.values(), { timeout: 40_000 }).toEqual(['2', '3'])
    await stays.close()
  })
})
