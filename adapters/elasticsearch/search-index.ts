/**
 * The SearchIndex on Elasticsearch 8, for as many processes and as many events as there are.
 *
 * Promises those of core/ports/search-index.ts. Needs no server to be made: each call says when there is none. What was
 * put is visible to searches within a second, or after `refresh`; `get` sees it at once. Events are removed by whole days.
 */
import { IndexRefusedError, IndexUnavailableError } from '../../core/errors.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import type { Clock } from '../../core/ports/clock.ts'
import {
  collections,
  type Bucket,
  type Collection,
  type Document,
  type Filter,
  type PutDocument,
  type PutResult,
  type SearchIndex,
  type SearchPage,
  type SearchQuery,
} from '../../core/ports/search-index.ts'
import { Bulk } from './bulk.ts'
import { Connection } from './client.ts'
import {
  ElasticsearchIndexSchema,
  indexLimits,
  type ElasticsearchIndexOptions,
  type ElasticsearchLog,
  type ElasticsearchSettings,
} from './config.ts'
import { diagnoseElasticsearch } from './diagnose.ts'
import { documentFrom } from './encode.ts'
import { Lifecycle } from './lifecycle.ts'
import { countedFields, cursorOf, cursorText, queryOf, sortOf, timeField, type Cursor, type Query } from './query.ts'
import { statusOf } from './retry.ts'
import { Views } from './views.ts'

/** Throws on options that can't be used. */
export function createElasticsearchIndex(
  options: ElasticsearchIndexOptions,
  tools: { readonly clock: Clock; readonly log: ElasticsearchLog },
): ElasticsearchIndex {
  return new ElasticsearchIndex(ElasticsearchIndexSchema.parse(options), tools)
}

interface Hit {
  readonly _id: string
  readonly _version?: number
  readonly _source: unknown
  readonly sort: Cursor['values']
}

interface SearchAnswer {
  readonly pit_id?: string
  readonly hits: { readonly hits: readonly Hit[] }
  readonly aggregations?: Readonly<Record<string, unknown>>
}

interface Buckets {
  readonly buckets: readonly {
    readonly key: string | number
    readonly key_as_string?: string
    readonly doc_count: number
  }[]
}

/** An index that no document has been put to yet is an empty one; half an answer is none. */
const lenient = { ignore_unavailable: true, allow_no_indices: true } as const
const whole = { ...lenient, allow_partial_search_results: false } as const

class ElasticsearchIndex implements SearchIndex {
  readonly kind = 'elasticsearch'
  readonly #connection: Connection
  readonly #lifecycle: Lifecycle
  readonly #bulk: Bulk
  readonly #views: Views
  readonly #settings: ElasticsearchSettings
  readonly #clock: Clock

  constructor(settings: ElasticsearchSettings, tools: { readonly clock: Clock; readonly log: ElasticsearchLog }) {
    this.#settings = settings
    this.#clock = tools.clock
    this.#connection = new Connection(settings)
    this.#lifecycle = new Lifecycle(this.#connection, settings, tools)
    this.#bulk = new Bulk(this.#connection, settings, this.#lifecycle)
    this.#views = new Views(this.#connection)
  }

  async prepare(): Promise<void> {
    await this.#lifecycle.prepare()
  }

  async put(documents: readonly PutDocument[]): Promise<readonly PutResult[]> {
    return await this.#bulk.put(documents)
  }

  async get(
    collection: Collection,
    id: string,
  ): Promise<{ readonly version: number; readonly document: Document } | undefined> {
    if (id === '' || Buffer.byteLength(id) > indexLimits.idBytesMax) return undefined
    const hit = collection === 'events' ? await this.#event(id) : await this.#plain(this.#all(collection), id)
    return hit === undefined ? undefined : { version: hit._version ?? 1, document: documentFrom(hit._source) }
  }

  async refresh(): Promise<void> {
    const path = `/${collections.map((each) => this.#all(each)).join()}/_refresh`
    await this.#connection.ask({ method: 'POST', path, querystring: lenient })
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    const size = sizeOf(query.size ?? 50)
    const sort = sortOf(query)
    const filter = queryOf(query.collection, query.filter)
    const cursor = query.after === undefined ? undefined : cursorOf(query.after, sort.length)
    const body = {
      size: size + 1,
      query: filter,
      sort,
      version: true,
      track_total_hits: false,
      ...(cursor === undefined ? {} : { search_after: cursor.values }),
    }
    const { hits, view } = await this.#page(query.collection, body, cursor)
    const last = hits.length > size ? hits[size - 1] : undefined
    if (last === undefined && view !== undefined) await this.#views.close(view)
    const page = hits.slice(0, size).map((hit) => ({
      id: hit._id,
      version: hit._version ?? 1,
      document: documentFrom(hit._source),
    }))
    if (last === undefined) return { hits: page }
    return { hits: page, after: cursorText({ values: last.sort.slice(0, sort.length), view: view ?? null }) }
  }

  async count(collection: Collection, filter?: Filter): Promise<number> {
    const { count, _shards } = await this.#connection.ask<{
      count: number
      _shards: { total: number; successful: number }
    }>({
      method: 'POST',
      path: `/${this.#all(collection)}/_count`,
      querystring: lenient,
      body: { query: queryOf(collection, filter) },
    })
    // It counts what it can reach: an index that has just come back would look as if it were empty.
    if (_shards.successful < _shards.total) {
      throw new IndexUnavailableError(`Only ${_shards.successful} of ${_shards.total} parts of the index answer.`)
    }
    return count
  }

  async histogram(
    collection: Collection,
    intervalMs: number,
    filter?: Filter,
  ): Promise<readonly { readonly startMs: number; readonly count: number }[]> {
    if (!Number.isSafeInteger(intervalMs) || intervalMs < 1) {
      throw new IndexRefusedError(`${intervalMs} ms is no interval for a histogram.`)
    }
    const date_histogram = { field: timeField, fixed_interval: `${intervalMs}ms`, min_doc_count: 1 }
    const { times } = await this.#aggregate<{ times: Buckets }>(collection, filter, { times: { date_histogram } })
    if (times.buckets.length > indexLimits.histogramBucketsMax) {
      throw new IndexRefusedError(
        `A histogram may have ${indexLimits.histogramBucketsMax} intervals: take longer ones, or a shorter time.`,
      )
    }
    return times.buckets.map((each) => ({ startMs: Number(each.key), count: each.doc_count }))
  }

  async terms(collection: Collection, field: string, size: number, filter?: Filter): Promise<readonly Bucket[]> {
    const order = [{ _count: 'desc' }, { _key: 'asc' }]
    // Each shard names more than asked, so that what is spread over many days is counted whole.
    const shard_size = Math.max(indexLimits.termsPerShardMin, sizeOf(size) * 5)
    const each = countedFields(collection, field).map(
      (name, i) => [`f${i}`, { terms: { field: name, size, shard_size, order } }] as const,
    )
    const found = await this.#aggregate<Record<string, Buckets>>(collection, filter, Object.fromEntries(each))
    const counts = new Map<string, number>()
    for (const { buckets } of Object.values(found)) {
      for (const { key, key_as_string, doc_count } of buckets) {
        const name = key_as_string ?? String(key)
        counts.set(name, (counts.get(name) ?? 0) + doc_count)
      }
    }
    return [...counts]
      .map(([key, count]) => ({ key, count }))
      .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
      .slice(0, size)
  }

  async cardinality(collection: Collection, field: string, filter?: Filter): Promise<number> {
    const each = countedFields(collection, field).map(
      (name, i) => [`f${i}`, { cardinality: { field: name, precision_threshold: 3_000 } }] as const,
    )
    const found = await this.#aggregate<Record<string, { value: number }>>(collection, filter, Object.fromEntries(each))
    return Object.values(found).reduce((sum, { value }) => sum + value, 0)
  }

  async expire(collection: Collection, beforeMs: number): Promise<number> {
    return await this.#lifecycle.expire(collection, beforeMs)
  }

  async ping(): Promise<void> {
    await this.#connection.ask({ method: 'HEAD', path: '/' })
  }

  async diagnose(): Promise<readonly Diagnosis[]> {
    return await diagnoseElasticsearch(this.#connection, this.#settings, this.#lifecycle, this.#clock)
  }

  async close(): Promise<void> {
    await this.#views.closeAll().catch(() => undefined)
    await this.#connection.close()
  }

  #all(collection: Collection): string {
    return this.#lifecycle.names.all(collection)
  }

  /** A page, seen through a view from the second one on. */
  async #page(
    collection: Collection,
    body: Query,
    cursor: Cursor | undefined,
  ): Promise<{ readonly hits: readonly Hit[]; readonly view: string | undefined }> {
    const view = cursor === undefined ? undefined : (cursor.view ?? (await this.#views.open(this.#all(collection))))
    const pit = view === undefined ? undefined : this.#views.through(view)
    if (view !== undefined && pit !== undefined) {
      const seen = await this.#through(body, pit)
      if (seen !== undefined) {
        if (seen.pit_id !== undefined) this.#views.renew(view, seen.pit_id)
        return { hits: seen.hits.hits, view }
      }
    }
    const path = `/${this.#all(collection)}/_search`
    const answer = await this.#connection.ask<SearchAnswer>({ method: 'POST', path, querystring: whole, body })
    return { hits: answer.hits.hits, view: undefined }
  }

  /** Undefined where the view is gone. */
  async #through(body: Query, pit: Query): Promise<SearchAnswer | undefined> {
    try {
      const querystring = { allow_partial_search_results: false }
      return await this.#connection.ask<SearchAnswer>(
        { method: 'POST', path: '/_search', querystring, body: { ...body, pit } },
        { absent: [404] },
      )
    } catch (error) {
      // One of its days may have been removed meanwhile.
      if (statusOf((error as Error).cause) === 503) return undefined
      throw error
    }
  }

  async #aggregate<T>(collection: Collection, filter: Filter | undefined, aggs: Query): Promise<T> {
    const answer = await this.#connection.ask<SearchAnswer>({
      method: 'POST',
      path: `/${this.#all(collection)}/_search`,
      querystring: whole,
      body: { size: 0, query: queryOf(collection, filter), aggs, track_total_hits: false },
    })
    // Without any index there is nothing to aggregate, and no key for it.
    return (answer.aggregations ?? Object.fromEntries(Object.keys(aggs).map((key) => [key, nothingFound]))) as T
  }

  async #plain(index: string, id: string): Promise<Hit | undefined> {
    const path = `/${index}/_doc/${encodeURIComponent(id)}`
    const found = await this.#connection.ask<Hit & { found?: boolean }>({ method: 'GET', path }, { absent: [404] })
    return found?.found === true ? found : undefined
  }

  /** The id does not tell the day. Searches know most; of what was put within the last second each day is asked. */
  async #event(id: string): Promise<Hit | undefined> {
    const answer = await this.#connection.ask<SearchAnswer>({
      method: 'POST',
      path: `/${this.#all('events')}/_search`,
      querystring: whole,
      body: { size: 1, version: true, query: { ids: { values: [id] } } },
    })
    if (answer.hits.hits[0] !== undefined) return answer.hits.hits[0]
    const indices = await this.#lifecycle.eventIndices()
    if (indices.length === 0) return undefined
    const { docs } = await this.#connection.ask<{ docs: readonly (Hit & { found?: boolean })[] }>({
      method: 'POST',
      path: '/_mget',
      body: { docs: indices.map((index) => ({ _index: index, _id: id })) },
    })
    return docs.find((each) => each.found === true)
  }
}

const nothingFound = { buckets: [], value: 0 }

function sizeOf(size: number): number {
  if (!Number.isInteger(size) || size < 1 || size > 1_000) {
    throw new IndexRefusedError(`A page has 1 to 1,000 hits, not ${size}.`)
  }
  return size
}
