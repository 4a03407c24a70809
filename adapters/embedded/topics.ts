/**
 * The topics of the embedded bus as the main thread knows them.
 *
 * Throws BusRefusedError for names, partitions and records that can't be.
 */
import { BusRefusedError } from '../../core/errors.ts'
import { partitionOf } from '../../core/partition.ts'
import type { OutgoingRecord, TopicPartition } from '../../core/ports/bus.ts'
import type { TopicSpec } from '../../core/topics.ts'
import type { StoredTopic } from './bus-store.ts'
import { busLimits } from './config.ts'
import { frameHeadBytes, frameOf } from './encode.ts'
import { PartitionLog } from './partition-log.ts'
import type { Outbound } from './publisher.ts'

export interface Topic {
  readonly name: string
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs: number | undefined
  readonly logs: readonly PartitionLog[]
  /** Of the next record without a key. */
  next: number
}

/** What the worker needs to make a topic. */
export type NewTopic = Omit<StoredTopic, 'partitions'> & { readonly partitions: number }

export class Topics {
  readonly #topics = new Map<string, Topic>()

  /** Takes in what the file holds; topics known already stay as they are. */
  adopt(stored: readonly StoredTopic[]): void {
    for (const { name, cleanup, retentionMs, partitions } of stored) {
      if (this.#topics.has(name)) continue
      const logs = partitions.map(({ id, number, low, high }) => new PartitionLog(id, name, number, low, high))
      this.#topics.set(name, { name, cleanup, retentionMs: retentionMs ?? undefined, logs, next: 0 })
    }
  }

  all(): IterableIterator<Topic> {
    return this.#topics.values()
  }

  topic(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw new BusRefusedError(`There is no topic ${JSON.stringify(name)}.`)
    return topic
  }

  log({ topic, partition }: TopicPartition): PartitionLog {
    const log = this.topic(topic).logs[partition]
    if (log === undefined) throw new BusRefusedError(`The topic ${topic} has no partition ${partition}.`)
    return log
  }

  /** Which of these don't exist yet, checked. */
  missing(specs: readonly TopicSpec[]): readonly NewTopic[] {
    const missing = new Map<string, NewTopic>()
    let total = 0
    for (const { logs } of this.#topics.values()) total += logs.length
    for (const { name, partitions, cleanup, retentionMs } of specs) {
      if (this.#topics.has(name) || missing.has(name)) continue
      missing.set(name, { name, partitions, cleanup, retentionMs: retentionMs ?? null })
      total += partitions
    }
    if (total > busLimits.partitionsMax) {
      throw new BusRefusedError(`All topics together may have ${busLimits.partitionsMax} partitions, not ${total}.`)
    }
    return [...missing.values()]
  }

  /** Where a record goes, and how it is written. */
  outbound(record: OutgoingRecord): Outbound {
    const topic = this.topic(record.topic)
    const count = topic.logs.length
    const { key } = record
    const partition = record.partition ?? (key === undefined ? topic.next++ % count : partitionOf(key, count))
    const log = this.log({ topic: record.topic, partition })
    const compacted = topic.cleanup === 'compact'
    if (compacted && key === undefined) {
      throw new BusRefusedError(`The topic ${topic.name} is compacted: its records need a key.`)
    }
    const frame = frameOf(record)
    const bytes = frame.bytes - frameHeadBytes
    if (bytes > busLimits.recordBytesMax) {
      const message = `A record of ${bytes} bytes for ${topic.name} is over the limit of ${busLimits.recordBytesMax}.`
      throw new BusRefusedError(message)
    }
    return { log, frame, compacted }
  }
}

/** The names that Kafka takes, so that a topic can move there. */
export function checkSpec({ name, partitions }: TopicSpec): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new BusRefusedError(`${JSON.stringify(name)} can't be the name of a topic.`, {
      hint: 'Letters, digits, ".", "_" and "-", at most 249.',
    })
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > busLimits.topicPartitionsMax) {
    const message = `The topic ${name} can't have ${partitions} partitions: 1 to ${busLimits.topicPartitionsMax} are allowed.`
    throw new BusRefusedError(message)
  }
}
