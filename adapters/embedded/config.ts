/**
 * What can be set on the embedded bus and search index, and the limits that they obey.
 */
import { searchLimits } from '../../core/limits.ts'

/** What the embedded adapters say to whoever runs them; runtime's log fits. */
export interface EmbeddedLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export interface EmbeddedBusOptions {
  /**
   * What an acknowledged record survives. `crash`: the end of the process, kill -9 included (the operating system has
   * it); a power cut may take the last moments, never the file. `power-cut`: that too, at the price of an fsync for
   * every commit. Default `crash`, as Kafka without replicas.
   */
  readonly survives?: 'crash' | 'power-cut'
  /** How old records of a topic without `retentionMs` may grow. Default 7 days. */
  readonly retentionMsDefault?: number
  /** Between two rounds of retention and compaction. Default 30 s. */
  readonly maintenanceMs?: number
  /** How long a superseded record of a compacted topic stays readable. Default 10 s. */
  readonly compactionLagMs?: number
  /** How long a tombstone is kept after everything that it deletes is gone. Default 24 h. */
  readonly tombstoneMs?: number
  /** Size that the file may reach, in bytes; past it `publish` answers BusUnavailableError. Default: the disk's. */
  readonly fileBytesMax?: number
}

export interface EmbeddedIndexOptions {
  /** As for the bus; the index can be rebuilt from it. Default `crash`. */
  readonly survives?: 'crash' | 'power-cut'
  /** Size that the file may reach, in bytes; past it `put` answers IndexUnavailableError. Default: the disk's. */
  readonly fileBytesMax?: number
}

/** Limits of the bus. */
export const busLimits = {
  /** Key, headers and value of one record together, as Kafka's `message.max.bytes`. */
  recordBytesMax: 1_048_576,
  /** One transaction; a larger `publish` takes several. */
  transactionBytesMax: 8 * 1_048_576,
  transactionRecordsMax: 20_000,
  /** A fenced commit is one transaction, whatever its size up to this. */
  commitBytesMax: 64 * 1_048_576,
  /** Records waiting for their transaction; past it `publish` answers BusUnavailableError. */
  waitingBytesMax: 256 * 1_048_576,
  /** One row of the database holds at most so much. */
  chunkRecordsMax: 1_000,
  chunkBytesMax: 256 * 1_024,
  /** Newest records kept in memory for readers at the end of their log. */
  tailBytesMax: 32 * 1_048_576,
  /** One batch to a reader. */
  batchRecordsMax: 2_000,
  batchBytesMax: 4 * 1_048_576,
  /** Over all topics: partition and offset share one 53-bit row id. */
  partitionsMax: 8_000,
  topicPartitionsMax: 1_024,
  /** Pause before records are delivered again that their handler rejected: doubles from least to most. */
  redeliveryMsMin: 100,
  redeliveryMsMax: 5_000,
  /** Small, because a publisher waits meanwhile: some 20 ms. */
  checkpointBytes: 16 * 1_048_576,
} as const

/** Limits of the search index. */
export const indexLimits = {
  ...searchLimits,
  /** Documents sent to the worker at once. */
  putDocumentsMax: 1_000,
  putBytesMax: 4 * 1_048_576,
  waitingRequestsMax: 1_000,
  checkpointBytes: 64 * 1_048_576,
} as const
