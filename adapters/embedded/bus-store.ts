/**
 * The bus's tables: topics, partitions, chunks of records, groups' offsets. Runs in the worker thread.
 *
 * A chunk is a run of frames (encode.ts) under the row id `partition * 2^40 + offset of the first`, so that a partition's
 * log is one range of the table's own order and needs no other index. Records of compacted topics are chunks of one,
 * found by key through an index.
 *
 * Promises: an append is one transaction; a chunk carries a CRC-32 that is checked when it is read.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { openDatabase, transaction, type OpenFile } from './database.ts'
import { DataCorruptedError } from './errors.ts'
import { keyOfFrame } from './encode.ts'

const version = 1
const tables = `
  CREATE TABLE IF NOT EXISTS topics (
    name TEXT PRIMARY KEY, cleanup TEXT NOT NULL, retention_ms INTEGER, partitions INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL,
    low INTEGER NOT NULL, high INTEGER NOT NULL, compacted INTEGER NOT NULL, UNIQUE (topic, number)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY, count INTEGER NOT NULL, appended_ms INTEGER NOT NULL, crc INTEGER NOT NULL,
    owner INTEGER, key BLOB, tombstone INTEGER, data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS chunks_by_key ON chunks (owner, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS chunks_tombstones ON chunks (owner) WHERE tombstone = 1;
  CREATE TABLE IF NOT EXISTS group_offsets (
    name TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (name, partition)
  ) STRICT, WITHOUT ROWID`

/** Partition ids (busLimits.partitionsMax) and offsets share the 53 bits of a safe integer. */
const span = 2 ** 40

export interface StoredTopic {
  readonly name: string
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs: number | null
  readonly partitions: readonly StoredPartition[]
}

export interface StoredPartition {
  readonly id: number
  readonly number: number
  readonly low: number
  readonly high: number
}

export interface StoredOffset {
  readonly group: string
  readonly partition: number
  readonly offset: number
}

/** `meta` holds seven numbers a chunk: partition, base, count, start in data, bytes, compacted (1 or 0), tombstone. */
export interface AppendBody {
  readonly meta: Float64Array
  readonly data: Uint8Array
  readonly appendedMs: number
  readonly offsets: readonly StoredOffset[]
}
export const appendMeta = 7

/** `meta` holds four numbers a chunk: base, count, append time, bytes. */
export interface ReadResult {
  readonly meta: Float64Array<ArrayBuffer>
  readonly data: Uint8Array<ArrayBuffer>
}
const readMeta = 4

export interface ReadBody {
  readonly partition: number
  readonly from: number
  readonly recordsMax: number
  readonly bytesMax: number
}

interface ChunkRow {
  readonly id: number
  readonly count: number
  readonly appended_ms: number
  readonly crc: number
  readonly data: Uint8Array
}

export class BusStore {
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  readonly #setHigh: StatementSync
  readonly #setOffset: StatementSync
  readonly #before: StatementSync
  readonly #range: StatementSync
  readonly #head: StatementSync
  readonly #delete: StatementSync
  readonly #setLow: StatementSync
  readonly #keyed: StatementSync
  readonly #older: StatementSync
  readonly #setCompacted: StatementSync
  readonly #tombstones: StatementSync

  constructor(options: OpenFile) {
    const db = openDatabase(options, version, tables)
    this.#db = db
    this.#insert = db.prepare(
      'INSERT INTO chunks (id, count, appended_ms, crc, owner, key, tombstone, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#setHigh = db.prepare('UPDATE partitions SET high = ? WHERE id = ?')
    this.#setOffset = db.prepare('INSERT OR REPLACE INTO group_offsets (name, partition, offset) VALUES (?, ?, ?)')
    this.#before = db.prepare('SELECT id, count FROM chunks WHERE id <= ? AND id >= ? ORDER BY id DESC LIMIT 1')
    this.#range = db.prepare(
      'SELECT id, count, appended_ms, crc, data FROM chunks WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
    )
    this.#head = db.prepare('SELECT id, count, appended_ms FROM chunks WHERE id >= ? AND id < ? ORDER BY id LIMIT ?')
    this.#delete = db.prepare('DELETE FROM chunks WHERE id = ?')
    this.#setLow = db.prepare('UPDATE partitions SET low = ? WHERE id = ?')
    this.#keyed = db.prepare('SELECT id, key, appended_ms FROM chunks WHERE id >= ? AND id < ? ORDER BY id LIMIT ?')
    this.#older = db.prepare('DELETE FROM chunks WHERE owner = ? AND key = ? AND id < ?')
    this.#setCompacted = db.prepare('UPDATE partitions SET compacted = ? WHERE id = ?')
    this.#tombstones = db.prepare(
      'DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE owner = ? AND tombstone = 1 AND appended_ms < ? AND id < ? LIMIT ?)',
    )
  }

  topics(): StoredTopic[] {
    const partitions = this.#db.prepare('SELECT id, topic, number, low, high FROM partitions ORDER BY number').all()
    const topics = this.#db.prepare('SELECT name, cleanup, retention_ms FROM topics ORDER BY name').all()
    return topics.map((topic) => ({
      name: topic['name'] as string,
      cleanup: topic['cleanup'] as StoredTopic['cleanup'],
      retentionMs: topic['retention_ms'] as number | null,
      partitions: (partitions as unknown as (StoredPartition & { topic: string })[]).filter(
        (each) => each.topic === topic['name'],
      ),
    }))
  }

  offsets(): StoredOffset[] {
    const rows = this.#db.prepare('SELECT name AS "group", partition, offset FROM group_offsets').all()
    return rows as unknown as StoredOffset[]
  }

  /** The caller has checked that they are new. */
  createTopics(
    topics: readonly { name: string; cleanup: string; retentionMs: number | null; partitions: number }[],
  ): void {
    transaction(this.#db, () => {
      const topic = this.#db.prepare('INSERT INTO topics (name, cleanup, retention_ms, partitions) VALUES (?, ?, ?, ?)')
      const partition = this.#db.prepare(
        'INSERT INTO partitions (topic, number, low, high, compacted) VALUES (?, ?, 0, 0, 0)',
      )
      for (const each of topics) {
        topic.run(each.name, each.cleanup, each.retentionMs, each.partitions)
        for (let number = 0; number < each.partitions; number++) partition.run(each.name, number)
      }
    })
  }

  append({ meta, data, appendedMs, offsets }: AppendBody): void {
    transaction(this.#db, () => {
      const highs = new Map<number, number>()
      for (let i = 0; i < meta.length; i += appendMeta) {
        const [partition, base, count, start, bytes, compacted, tombstone] = meta.subarray(i, i + appendMeta)
        const frames = data.subarray(start, start! + bytes!)
        const key = compacted === 1 ? keyOfFrame(frames, 0)! : null
        const owner = compacted === 1 ? partition! : null
        const id = partition! * span + base!
        this.#insert.run(id, count!, appendedMs, crc32(frames), owner, key, tombstone!, frames)
        highs.set(partition!, base! + count!)
      }
      for (const [partition, high] of highs) this.#setHigh.run(high, partition)
      for (const { group, partition, offset } of offsets) this.#setOffset.run(group, partition, offset)
    })
  }

  /** Chunks from the one that holds `from` on, as many as the limits allow, at least one where there is one. */
  read({ partition, from, recordsMax, bytesMax }: ReadBody): ReadResult {
    const start = partition * span
    let first = start + from
    const before = this.#before.get(first, start) as { id: number; count: number } | undefined
    if (before !== undefined && before.id + before.count > first) first = before.id
    const rows: ChunkRow[] = []
    let bytes = 0
    let records = 0
    for (const each of this.#range.iterate(first, start + span, recordsMax)) {
      const row = each as unknown as ChunkRow
      rows.push(row)
      bytes += row.data.byteLength
      records += row.count
      if (records >= recordsMax || bytes >= bytesMax) break
    }
    const meta = new Float64Array(rows.length * readMeta)
    const data = new Uint8Array(bytes)
    let at = 0
    for (const [i, row] of rows.entries()) {
      if (crc32(row.data) !== row.crc) {
        throw new DataCorruptedError(
          `the records from offset ${row.id - start} of partition ${partition} on are damaged`,
        )
      }
      meta.set([row.id - start, row.count, row.appended_ms, row.data.byteLength], i * readMeta)
      data.set(row.data, at)
      at += row.data.byteLength
    }
    return { meta, data }
  }

  /** Removes chunks appended before `cutoffMs` from the start of a log; returns its new first offset, and whether more may go. */
  expire(partition: number, cutoffMs: number, chunksMax: number): { low: number; more: boolean; removed: number } {
    const start = partition * span
    return transaction(this.#db, () => {
      let low: number | undefined
      let removed = 0
      let chunks = 0
      for (const each of this.#head.all(start, start + span, chunksMax)) {
        const { id, count, appended_ms: appendedMs } = each as unknown as ChunkRow
        if (appendedMs >= cutoffMs) break
        this.#delete.run(id)
        low = id - start + count
        removed += count
        chunks++
      }
      if (low !== undefined) this.#setLow.run(low, partition)
      return { low: low ?? -1, more: chunks === chunksMax, removed }
    })
  }

  /** Removes what newer records of the same key supersede, looking only at what came since the last round. */
  compact(
    partition: number,
    beforeMs: number,
    tombstonesBeforeMs: number,
    rowsMax: number,
  ): { more: boolean; removed: number } {
    const start = partition * span
    return transaction(this.#db, () => {
      const state = this.#db.prepare('SELECT compacted FROM partitions WHERE id = ?').get(partition)!
      const from = state['compacted'] as number
      let to = from
      let rows = 0
      let removed = 0
      for (const each of this.#keyed.all(start + from, start + span, rowsMax)) {
        const row = each as unknown as { id: number; key: Uint8Array; appended_ms: number }
        if (row.appended_ms >= beforeMs) break
        removed += Number(this.#older.run(partition, row.key, row.id).changes)
        to = row.id - start + 1
        rows++
      }
      if (to > from) this.#setCompacted.run(to, partition)
      // A tombstone may go only once nothing that it deletes is left: below `to` all of that is gone.
      const gone = this.#tombstones.run(partition, tombstonesBeforeMs, start + to, rowsMax)
      removed += Number(gone.changes)
      return { more: rows === rowsMax || Number(gone.changes) === rowsMax, removed }
    })
  }

  ping(): void {
    this.#db.prepare('SELECT 1').get()
  }

  close(): void {
    this.#db.close()
  }
}
