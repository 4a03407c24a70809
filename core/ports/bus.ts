/**
 * The bus: ordered, partitioned, durable logs. Kafka, or SQLite for one process.
 *
 * Promises that every adapter keeps (test/contract/bus holds them to it):
 * - `publish` resolves when all replicas have the records, in order within a partition, and never twice for one call;
 *   it retries passing faults by itself and splits sends by bytes;
 * - a partition of a group belongs to one member at a time, as far as the bus can tell; a zombie is stopped by the
 *   fencing of `FencedProducer`, not by the group;
 * - offsets grow, but need not be dense: transactions leave holes.
 */
import type { Diagnosis } from '../diagnosis.ts'
import type { TopicSpec } from '../topics.ts'

/** A record read from the bus. */
export interface BusRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | undefined
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** When the bus appended it (LogAppendTime), ms since 1970. */
  readonly appendedMs: number
}

/** A record to be written. Without `partition`, the key decides (murmur2, Kafka's default); without a key, round robin. */
export interface OutgoingRecord {
  readonly topic: string
  readonly key?: string | undefined
  readonly partition?: number | undefined
  readonly value: string | Uint8Array | null
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/**
 * `durable`: nothing can undo it any more, and the next holder of the name finds it; readers see it a moment later.
 * `shown`: readers see it.
 */
export type CommitUntil = 'durable' | 'shown'

/** Writes in transactions under a name that one holder owns: a later holder of the same name fences this one off. */
export interface FencedProducer {
  /**
   * All or nothing, in one transaction. Throws FencedError once somebody else took the name. `until`: when it resolves. Default
   * `shown`.
   */
  commit(records: readonly OutgoingRecord[], until?: CommitUntil): Promise<void>
  /** Resolves when all that was committed shows. */
  close(): Promise<void>
}

/** What the owner of a consumer group's member does with its partitions. */
export interface PartitionHandler {
  /**
   * The partition is this member's now. Resolves to the offset to read from; `undefined`: from the group's committed
   * offset, or the beginning. Records come only after it has resolved.
   */
  assigned(at: TopicPartition): Promise<number | undefined>
  /**
   * A batch in offset order. The next batch of the same partition comes after it has resolved; batches of different
   * partitions may run side by side. A rejection makes the bus deliver the same records again after a pause.
   */
  records(at: TopicPartition, batch: readonly BusRecord[]): Promise<void>
  /** The partition is no longer this member's (or the member is closing). No records come after it is called. */
  revoked(at: TopicPartition): Promise<void>
}

export interface ConsumeOptions {
  readonly group: string
  readonly topics: readonly string[]
  readonly handler: PartitionHandler
  /** How many partitions' batches may run side by side. Default 4. */
  readonly concurrency?: number
  /** Records in one batch at most. Default 2,000. */
  readonly batchRecordsMax?: number
  /** `committed` hides records of aborted and open transactions. Default `committed`. */
  readonly isolation?: 'committed' | 'uncommitted'
}

export interface Consumption {
  /** Tells the group how far this member has come: shown as lag, used as a start only where `assigned` gives none. */
  commit(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>
  /** The partitions held now. */
  assignment(): readonly TopicPartition[]
  /** Holds one partition's records back, and lets them come again. */
  pause(at: TopicPartition): void
  resume(at: TopicPartition): void
  /** Leaves the group after the batches under way have ended. */
  close(): Promise<void>
}

/** A topic as the pipeline needs it. */
export interface ExpectedTopic {
  readonly spec: TopicSpec
  /** Whether another number of partitions than the spec's breaks something: an order, for one. */
  readonly partitionsFixed: boolean
  /** Has as many partitions as the largest of these, whatever the spec says. */
  readonly partitionsOf?: readonly string[]
}

export interface BusExpectations {
  readonly topics: readonly ExpectedTopic[]
  /** Who has rules of access of their own, by the names that the documentation gives them. */
  readonly users: readonly string[]
}

export interface Bus {
  /** `embedded` or `kafka`. */
  readonly kind: string
  /** Makes the topics that are missing; existing ones stay as they are. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>
  /** Number of partitions; rejects with BusRefusedError where the topic is unknown. */
  partitionCount(topic: string): Promise<number>
  /** First offset and the one after the last, per partition. */
  offsets(
    topic: string,
  ): Promise<readonly { readonly partition: number; readonly low: number; readonly high: number }[]>
  /** Committed group offsets; -1 where nothing was committed. */
  groupOffsets(
    group: string,
    topic: string,
  ): Promise<readonly { readonly partition: number; readonly offset: number }[]>
  /** Acks from all in-sync replicas, idempotent, order kept within each partition. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  /**
   * Takes the name, fencing off whoever held it. `commitMsMax`: how long one commit may take before it counts as given up, where
   * that is more than the adapter's own.
   */
  fenced(name: string, commitMsMax?: number): Promise<FencedProducer>
  consume(options: ConsumeOptions): Promise<Consumption>
  /**
   * Reads one partition from `from` to its end as it was when called (committed records only), without a group; then
   * returns. Must cope with the holes that transactions leave at the end.
   */
  read(
    at: TopicPartition,
    from: number | 'start',
    onBatch: (batch: readonly BusRecord[]) => Promise<void> | void,
  ): Promise<void>
  /**
   * Reads all partitions of a topic from the start, without a group, and goes on following it. Resolves, once everything
   * that was there when called has been delivered, to a way to stop.
   */
  follow(topic: string, onBatch: (batch: readonly BusRecord[]) => void): Promise<{ stop(): Promise<void> }>
  /** Gives topics more partitions: what stands in the old ones stays. Where there are as many already, nothing happens. */
  addPartitions?(topics: readonly { readonly name: string; readonly partitions: number }[]): Promise<void>
  /** How many members each of these groups has now. A group that nobody knows has none. */
  groupMembers?(groups: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Whether it answers. */
  ping(): Promise<void>
  /** How the server and our topics on it are, for an operator. Changes nothing. Rejects where it does not answer. */
  diagnose?(expected: BusExpectations): Promise<readonly Diagnosis[]>
  close(): Promise<void>
}
