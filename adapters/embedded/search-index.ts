/**
 * The SearchIndex on SQLite with FTS5, for one process.
 *
 * Promises those of core/ports/search-index.ts; what was put is visible to searches at once. A full disk rejects `put` with
 * IndexUnavailableError until there is room again.
 */
import { IndexRefusedError, IndexUnavailableError } from '../../core/errors.ts'
import type {
  Bucket,
  Collection,
  Document,
  Filter,
  PutDocument,
  PutResult,
  SearchIndex,
  SearchPage,
  SearchQuery,
} from '../../core/ports/search-index.ts'
import { documentJson } from '../../core/search-document.ts'
import { WorkerClient } from './client.ts'
import { indexLimits, type EmbeddedLog } from './config.ts'
import type { OpenFile } from './database.ts'
import { RequestRefusedError } from './errors.ts'
import type { Hit, PutAnswer, PutRow } from './index-store.ts'
import { conditionOf } from './index-query.ts'
import type { Asked } from './index-worker.ts'

export async function openIndex(open: OpenFile, log: EmbeddedLog): Promise<EmbeddedIndex> {
  const start = (): WorkerClient =>
    new WorkerClient('index', open.file, new URL('./index-worker.ts', import.meta.url), log)
  const writer = start()
  const reader = start()
  try {
    // The writer makes the tables; the reader finds them.
    await writer.ask('open', open)
    await reader.ask('open', open)
    return new EmbeddedIndex(writer, reader)
  } catch (error) {
    await Promise.all([writer.close(), reader.close()])
    throw error
  }
}

export class EmbeddedIndex implements SearchIndex {
  readonly kind = 'embedded'
  readonly #writer: WorkerClient
  readonly #reader: WorkerClient

  constructor(writer: WorkerClient, reader: WorkerClient) {
    this.#writer = writer
    this.#reader = reader
  }

  /** Opening has made what is needed. */
  async prepare(): Promise<void> {
    await this.ping()
  }

  async put(documents: readonly PutDocument[]): Promise<readonly PutResult[]> {
    const results: PutResult[] = []
    const rows: PutRow[] = []
    const places: number[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      if (rows.length === 0) return
      const answers = await this.#ask<readonly PutAnswer[]>(this.#writer, 'put', rows)
      for (const [i, answer] of answers.entries()) results[places[i]!] = resultOf(rows[i]!.id, answer)
      rows.length = 0
      places.length = 0
      bytes = 0
    }
    for (const [i, document] of documents.entries()) {
      const row = rowOf(document)
      if ('reason' in row) {
        results[i] = { id: document.id, outcome: 'refused', reason: row.reason }
        continue
      }
      rows.push(row)
      places.push(i)
      bytes += row.json.length
      if (rows.length >= indexLimits.putDocumentsMax || bytes >= indexLimits.putBytesMax) await flush()
    }
    await flush()
    return results
  }

  async get(collection: Collection, id: string): Promise<{ version: number; document: Document } | undefined> {
    const hit = await this.#ask<Hit | undefined>(this.#reader, 'get', { collection, id })
    return hit === undefined ? undefined : { version: hit.version, document: JSON.parse(hit.document) as Document }
  }

  /** What was put is visible already. */
  async refresh(): Promise<void> {
    await this.ping()
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    const { hits, after } = await this.#question<{ hits: readonly Hit[]; after?: string }>('search', { ...query })
    const parsed = hits.map(({ id, version, document }) => ({
      id,
      version,
      document: JSON.parse(document) as Document,
    }))
    return after === undefined ? { hits: parsed } : { hits: parsed, after }
  }

  async count(collection: Collection, filter?: Filter): Promise<number> {
    return await this.#question<number>('count', { collection, filter })
  }

  async histogram(
    collection: Collection,
    intervalMs: number,
    filter?: Filter,
  ): Promise<readonly { startMs: number; count: number }[]> {
    return await this.#question('histogram', { collection, filter, intervalMs })
  }

  async terms(collection: Collection, field: string, size: number, filter?: Filter): Promise<readonly Bucket[]> {
    return await this.#question<readonly Bucket[]>('terms', { collection, filter, field, size })
  }

  async cardinality(collection: Collection, field: string, filter?: Filter): Promise<number> {
    return await this.#question<number>('cardinality', { collection, filter, field })
  }

  async expire(collection: Collection, beforeMs: number): Promise<number> {
    return await this.#ask<number>(this.#writer, 'expire', { collection, beforeMs })
  }

  async ping(): Promise<void> {
    await this.#ask(this.#writer, 'ping')
    await this.#ask(this.#reader, 'ping')
  }

  async close(): Promise<void> {
    await this.#reader.close()
    await this.#writer.close()
  }

  /** Asks the reader. Filters are checked here already: one too deep could not even be sent. */
  async #question<T>(op: string, asked: Asked & Readonly<Record<string, unknown>>): Promise<T> {
    return await this.#ask<T>(this.#reader, op, asked, () => conditionOf(asked.collection, asked.filter))
  }

  async #ask<T>(worker: WorkerClient, op: string, body?: unknown, check?: () => void): Promise<T> {
    if (worker.waiting >= indexLimits.waitingRequestsMax) {
      throw new IndexUnavailableError(`${worker.waiting} requests wait for the index already.`)
    }
    try {
      check?.()
      return await worker.ask<T>(op, body)
    } catch (error) {
      if (error instanceof RequestRefusedError) throw new IndexRefusedError(error.message, { cause: error })
      throw error
    }
  }
}

/** The document as the worker takes it, or why it can't be stored. */
function rowOf(put: PutDocument): PutRow | { readonly reason: string } {
  const { collection, id, version, timeMs } = put
  const checked = documentJson(put)
  if ('reason' in checked) return checked
  return { collection, id, version: version ?? 0, timeMs: Math.trunc(timeMs), json: checked.json }
}

function resultOf(id: string, answer: PutAnswer): PutResult {
  return typeof answer === 'string' ? { id, outcome: answer } : { id, outcome: 'refused', reason: answer.refused }
}
