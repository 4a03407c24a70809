/**
 * The index's tables: for each collection the documents with their flattened fields, and their words. Runs in worker
 * threads: one writes, one reads.
 *
 * `document` is what was put, byte for byte; `fields` is a JSONB map from dotted name to value or list of values; columns
 * h0, h1, … hold the hot fields; `<table>_words` is an FTS5 index without content and without positions.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Bucket, Collection, Filter, SearchQuery } from '../../core/ports/search-index.ts'
import { fieldsJson } from '../../core/search-document.ts'
import { indexLimits } from './config.ts'
import { openDatabase, transaction, type OpenFile } from './database.ts'
import { RequestRefusedError } from './errors.ts'
import { fieldsOf } from './index-fields.ts'
import { afterCursor, conditionOf, cursorOf, cursorText, hotFields, orderOf, pathOf, tableOf } from './index-query.ts'

/** 2: with accounts of leaks. */
const version = 2
const collections = Object.keys(hotFields) as Collection[]

const tables = collections
  .map((collection) => {
    const table = tableOf(collection)
    const hot = hotFields[collection]
    return `
      CREATE TABLE IF NOT EXISTS ${table} (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, time_ms INTEGER NOT NULL,
        ${hot.map((_, i) => `h${i} TEXT,`).join(' ')} fields BLOB NOT NULL, document TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS ${table}_time ON ${table} (time_ms);
      ${hot.map((_, i) => `CREATE INDEX IF NOT EXISTS ${table}_h${i} ON ${table} (h${i}, time_ms) WHERE h${i} IS NOT NULL;`).join('\n')}
      CREATE VIRTUAL TABLE IF NOT EXISTS ${table}_words USING fts5(
        text, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
      );`
  })
  .join('\n')

/** A document on its way to the worker. */
export interface PutRow {
  readonly collection: Collection
  readonly id: string
  /** 0: the first write wins. */
  readonly version: number
  readonly timeMs: number
  readonly json: string
}

export type PutAnswer = 'stored' | 'duplicate' | 'stale' | { readonly refused: string }

export interface Hit {
  readonly id: string
  readonly version: number
  readonly document: string
}

interface Writers {
  readonly insert: StatementSync
  readonly update: StatementSync
  readonly find: StatementSync
  readonly words: StatementSync
  readonly forget: StatementSync
}

export class IndexStore {
  readonly #db: DatabaseSync
  readonly #writers = new Map<Collection, Writers>()

  constructor(options: OpenFile) {
    this.#db = openDatabase(options, version, tables)
  }

  put(rows: readonly PutRow[]): PutAnswer[] {
    return transaction(this.#db, () => rows.map((row) => this.#putOne(row)))
  }

  get(collection: Collection, id: string): Hit | undefined {
    const sql = `SELECT id, version, document FROM ${tableOf(collection)} WHERE id = ?`
    return this.#db.prepare(sql).get(id) as Hit | undefined
  }

  search(query: SearchQuery): { readonly hits: readonly Hit[]; readonly after: string | undefined } {
    const size = sizeOf(query.size ?? 50)
    const { key, parameters, direction } = orderOf(query)
    const where = conditionOf(query.collection, query.filter)
    const after =
      query.after === undefined ? { text: '1', parameters: [] } : afterCursor(cursorOf(query.after), direction)
    // `k` is one name for two places in the text, so plain time is spelled out for the index to be used.
    const byTime = key === 'd.time_ms'
    const k = byTime ? key : 'k'
    const from = byTime
      ? `${tableOf(query.collection)} d`
      : `(SELECT d.*, ${key} AS k FROM ${tableOf(query.collection)} d) d`
    const sql = `SELECT d.id, d.version, d.document, ${k} AS k FROM ${from}
      WHERE ${where.text} AND ${byTime ? after.text.replace(/\bk\b/g, 'd.time_ms').replace(/\bid\b/g, 'd.id') : after.text}
      ORDER BY ${byTime ? '' : 'k IS NULL, '}${k} ${direction}, d.id ${direction} LIMIT ?`
    const rows = this.#all(sql, [...parameters, ...where.parameters, ...after.parameters, size + 1])
    const hits = rows.slice(0, size) as unknown as (Hit & { k: string | number | null })[]
    const last = hits.at(-1)
    return {
      hits: hits.map(({ id, version, document }) => ({ id, version, document })),
      after: rows.length > size && last !== undefined ? cursorText({ value: last.k, id: last.id }) : undefined,
    }
  }

  count(collection: Collection, filter: Filter | undefined): number {
    const where = conditionOf(collection, filter)
    const sql = `SELECT count(*) AS n FROM ${tableOf(collection)} d WHERE ${where.text}`
    return this.#all(sql, where.parameters)[0]!['n'] as number
  }

  histogram(
    collection: Collection,
    intervalMs: number,
    filter: Filter | undefined,
  ): { startMs: number; count: number }[] {
    if (!Number.isSafeInteger(intervalMs) || intervalMs < 1) {
      throw new RequestRefusedError(`${intervalMs} ms is no interval for a histogram.`)
    }
    const where = conditionOf(collection, filter)
    const start = `d.time_ms - ((d.time_ms % ${intervalMs}) + ${intervalMs}) % ${intervalMs}`
    const sql = `SELECT ${start} AS startMs, count(*) AS count FROM ${tableOf(collection)} d WHERE ${where.text}
      GROUP BY 1 ORDER BY 1 LIMIT ${indexLimits.histogramBucketsMax + 1}`
    const rows = this.#all(sql, where.parameters)
    if (rows.length > indexLimits.histogramBucketsMax) {
      throw new RequestRefusedError(
        `A histogram may have ${indexLimits.histogramBucketsMax} intervals: take longer ones, or a shorter time.`,
      )
    }
    return rows.map((row) => ({ startMs: row['startMs'] as number, count: row['count'] as number }))
  }

  terms(collection: Collection, field: string, size: number, filter: Filter | undefined): Bucket[] {
    const where = conditionOf(collection, filter)
    const spelled = "CASE WHEN v.type IN ('true', 'false') THEN v.type ELSE CAST(v.value AS TEXT) END"
    const sql = `SELECT ${spelled} AS key, count(*) AS count FROM ${tableOf(collection)} d, json_each(d.fields, ?) v
      WHERE ${where.text} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?`
    const rows = this.#all(sql, [pathOf(field), ...where.parameters, sizeOf(size)])
    return rows.map((row) => ({ key: row['key'] as string, count: row['count'] as number }))
  }

  cardinality(collection: Collection, field: string, filter: Filter | undefined): number {
    const where = conditionOf(collection, filter)
    const sql = `SELECT count(*) AS n FROM (SELECT DISTINCT v.type, v.value
      FROM ${tableOf(collection)} d, json_each(d.fields, ?) v WHERE ${where.text})`
    return this.#all(sql, [pathOf(field), ...where.parameters])[0]!['n'] as number
  }

  /** Removes some documents older than `beforeMs`; fewer than `rowsMax`: that was the last of them. */
  expire(collection: Collection, beforeMs: number, rowsMax: number): number {
    const table = tableOf(collection)
    return transaction(this.#db, () => {
      const old = this.#all(`SELECT seq FROM ${table} WHERE time_ms < ? ORDER BY time_ms LIMIT ?`, [beforeMs, rowsMax])
      const forget = this.#db.prepare(`DELETE FROM ${table}_words WHERE rowid = ?`)
      const remove = this.#db.prepare(`DELETE FROM ${table} WHERE seq = ?`)
      for (const row of old) {
        forget.run(row['seq'] as number)
        remove.run(row['seq'] as number)
      }
      return old.length
    })
  }

  ping(): void {
    this.#db.prepare('SELECT 1').get()
  }

  close(): void {
    this.#db.close()
  }

  #putOne({ collection, id, version, timeMs, json }: PutRow): PutAnswer {
    const flat = fieldsOf(JSON.parse(json) as object)
    if (!flat.ok) return { refused: flat.reason }
    const hot: (string | null)[] = []
    for (const field of hotFields[collection]) {
      const values = flat.fields.get(field)
      if (values !== undefined && values.length > 1) return { refused: `${field} has more than one value.` }
      hot.push(values === undefined ? null : String(values[0]))
    }
    const { insert, update, find, words, forget } = this.#writersOf(collection)
    const rest: SQLInputValue[] = [Math.max(1, version), timeMs, ...hot, fieldsJson(flat.fields), json]
    const known = find.get(id) as { seq: number; version: number } | undefined
    if (known === undefined) {
      const { lastInsertRowid } = insert.run(id, ...rest)
      words.run(lastInsertRowid, flat.text)
      return 'stored'
    }
    if (version === 0) return 'duplicate'
    if (version <= known.version) return 'stale'
    update.run(...rest, known.seq)
    forget.run(known.seq)
    words.run(known.seq, flat.text)
    return 'stored'
  }

  #writersOf(collection: Collection): Writers {
    const known = this.#writers.get(collection)
    if (known !== undefined) return known
    const table = tableOf(collection)
    const columns = ['version', 'time_ms', ...hotFields[collection].map((_, i) => `h${i}`), 'fields', 'document']
    const value = (column: string): string => (column === 'fields' ? 'jsonb(?)' : '?')
    const writers: Writers = {
      insert: this.#db.prepare(
        `INSERT INTO ${table} (id, ${columns.join(', ')}) VALUES (?, ${columns.map(value).join(', ')})`,
      ),
      update: this.#db.prepare(
        `UPDATE ${table} SET ${columns.map((column) => `${column} = ${value(column)}`).join(', ')} WHERE seq = ?`,
      ),
      find: this.#db.prepare(`SELECT seq, version FROM ${table} WHERE id = ?`),
      words: this.#db.prepare(`INSERT INTO ${table}_words (rowid, text) VALUES (?, ?)`),
      forget: this.#db.prepare(`DELETE FROM ${table}_words WHERE rowid = ?`),
    }
    this.#writers.set(collection, writers)
    return writers
  }

  #all(sql: string, parameters: readonly SQLInputValue[]): Record<string, unknown>[] {
    return this.#db.prepare(sql).all(...parameters)
  }
}

function sizeOf(size: number): number {
  if (!Number.isInteger(size) || size < 1 || size > 1_000) {
    throw new RequestRefusedError(`A page has 1 to 1,000 hits, not ${size}.`)
  }
  return size
}
