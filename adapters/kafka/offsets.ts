/**
 * Questions about offsets: of logs and of groups. Single tries; who asks retries.
 */
import type { TopicPartition } from '../../core/ports/bus.ts'
import type { Link } from './client.ts'
import { listOffset } from './fetch.ts'
import { faultType, isPassing } from './retry.ts'

export interface LogRange {
  readonly partition: number
  readonly low: number
  readonly high: number
}

/** First offset and the one after the last committed record, of each partition. */
export async function logRanges(link: Link, topic: string): Promise<readonly LogRange[]> {
  const leaders = await link.leaders(topic)
  return await Promise.all(
    leaders.map(async (_leader, partition) => {
      const at: TopicPartition = { topic, partition }
      const [low, high] = await Promise.all([listOffset(link, at, 'first', true), listOffset(link, at, 'end', true)])
      return { partition, low, high }
    }),
  )
}

/** -1 where nothing was committed. */
export async function committedOffsets(
  link: Link,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
  try {
    const node = await link.coordinator('group', group)
    const topics = [{ topic, partitions: partitions.map((partition) => ({ partition })) }]
    const { responses } = await node.offsetFetch({ groupId: group, topics })
    const found = new Map(responses[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    return partitions.map((partition) => ({ partition, offset: found.get(partition) ?? -1 }))
  } catch (error) {
    link.forgetCoordinator('group', group)
    if (isPassing(error) && faultType(error) === undefined) link.forgetAll()
    throw error
  }
}
