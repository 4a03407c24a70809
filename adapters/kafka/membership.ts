/**
 * What group members tell each other, as bytes: the consumer protocol's subscription (version 2: topics, what is held, its
 * generation) and assignment, which Kafka's own tools read too.
 */
import type { TopicPartition } from '../../core/ports/bus.ts'
import type { GroupMemberClaim } from './assign.ts'
import { WireReader, WireWriter } from './wire.ts'

const subscriptionVersion = 2
const assignmentVersion = 1

export function encodeSubscription(claim: Omit<GroupMemberClaim, 'memberId'>): Buffer {
  const writer = new WireWriter(2 + 4 + stringsBytes(claim.topics) + 4 + partitionsBytes(claim.owned) + 4)
  writer.int16(subscriptionVersion)
  writer.int32(claim.topics.length)
  for (const topic of claim.topics) writer.string(topic)
  writer.int32(-1)
  writePartitions(writer, claim.owned)
  writer.int32(claim.generation)
  return writer.done()
}

export function decodeSubscription(memberId: string, bytes: Buffer): GroupMemberClaim {
  const reader = new WireReader(bytes)
  const version = reader.int16()
  const topics = Array.from({ length: Math.max(0, reader.count()) }, () => reader.string())
  reader.skip(Math.max(0, reader.count()))
  const owned = version >= 1 ? readPartitions(reader) : []
  const generation = version >= 2 ? reader.int32() : -1
  return { memberId, topics, owned, generation }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new WireWriter(2 + partitionsBytes(partitions) + 4)
  writer.int16(assignmentVersion)
  writePartitions(writer, partitions)
  writer.int32(-1)
  return writer.done()
}

/** No bytes at all are an empty assignment. */
export function decodeAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new WireReader(bytes)
  reader.skip(2)
  return readPartitions(reader)
}

function stringsBytes(strings: readonly string[]): number {
  return strings.reduce((sum, each) => sum + 2 + Buffer.byteLength(each), 0)
}

function partitionsBytes(partitions: readonly TopicPartition[]): number {
  return 4 + partitions.reduce((sum, { topic }) => sum + 2 + Buffer.byteLength(topic) + 8, 0)
}

function writePartitions(writer: WireWriter, partitions: readonly TopicPartition[]): void {
  const byTopic = Map.groupBy(partitions, (at) => at.topic)
  writer.int32(byTopic.size)
  for (const [topic, ofTopic] of byTopic) {
    writer.string(topic)
    writer.int32(ofTopic.length)
    for (const { partition } of ofTopic) writer.int32(partition)
  }
}

function readPartitions(reader: WireReader): TopicPartition[] {
  const partitions: TopicPartition[] = []
  for (let topics = reader.count(); topics > 0; topics -= 1) {
    const topic = reader.string()
    for (let count = reader.count(); count > 0; count -= 1) partitions.push({ topic, partition: reader.int32() })
  }
  return partitions
}
