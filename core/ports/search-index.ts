/**
 * The search index: where people look. Elasticsearch, or SQLite with FTS5 for one process.
 *
 * Collections have fixed meanings, so a caller never names an index of the server's.
 */
import type { Diagnosis } from '../diagnosis.ts'

export const collections = [
  'events',
  'signals',
  'incidents',
  /** Every version of an incident, `<id>/<version>`. */
  'incident-history',
  'actions',
  /** Every state of an action, `<id>/<version>`. */
  'action-history',
  'decisions',
  'deeds',
  'dead-letters',
  'licenses',
  'leaks',
  'usage',
] as const
export type Collection = (typeof collections)[number]

export type Document = Readonly<Record<string, unknown>>

/** One document to be stored. */
export interface PutDocument {
  readonly collection: Collection
  readonly id: string
  /**
   * Without a version the first write wins and later ones change nothing (events). With one, the highest version wins,
   * whatever the order of arrival.
   */
  readonly version?: number
  /** ms since 1970: sorts, and for events names the day's index. */
  readonly timeMs: number
  readonly document: Document
}

export interface PutResult {
  readonly id: string
  readonly outcome: 'stored' | 'duplicate' | 'stale' | 'refused'
  /** Why it was refused, for the dead letter. */
  readonly reason?: string
}

/**
 * A filter tree over dotted field names. Values compare as the index maps them: keyword, number, date. A field of a list's
 * elements (`entities.id`) matches where any element does. `time` stands for the document's `timeMs`; its bounds are
 * milliseconds or ISO dates. What can't be answered (too many conditions, a foreign cursor) rejects with IndexRefusedError.
 */
export type Filter =
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly field: string; readonly is: string | number | boolean }
  | { readonly field: string; readonly in: readonly (string | number | boolean)[] }
  | { readonly field: string; readonly prefix: string }
  | { readonly field: string; readonly exists: boolean }
  | {
      readonly field: string
      readonly gte?: string | number
      readonly gt?: string | number
      readonly lte?: string | number
      readonly lt?: string | number
    }
  /** Words anywhere in the document's texts, all of them, in any order and case; without words nothing matches. */
  | { readonly text: string }

export interface SearchQuery {
  readonly collection: Collection
  readonly filter?: Filter
  /** `time` or a dotted field name; ties are broken by id. Default: time, descending. */
  readonly sort?: { readonly by: string; readonly order: 'asc' | 'desc' }
  /** Page size, 1 to 1,000. Default 50. */
  readonly size?: number
  /** The cursor that the page before gave. */
  readonly after?: string
}

export interface SearchPage {
  readonly hits: readonly { readonly id: string; readonly version: number; readonly document: Document }[]
  /** Give it to the next call; absent on the last page. */
  readonly after?: string
}

export interface Bucket {
  readonly key: string
  readonly count: number
}

export interface SearchIndex {
  readonly kind: string
  /** Makes what it needs (templates, tables). Safe to call again. */
  prepare(): Promise<void>
  /** Resolves when the documents are durable; one result each, in order. Rejects with IndexUnavailableError as a whole. */
  put(documents: readonly PutDocument[]): Promise<readonly PutResult[]>
  get(
    collection: Collection,
    id: string,
  ): Promise<{ readonly version: number; readonly document: Document } | undefined>
  /** Makes what was put visible to searches. */
  refresh(): Promise<void>
  search(query: SearchQuery): Promise<SearchPage>
  count(collection: Collection, filter?: Filter): Promise<number>
  /** Documents per interval of event time, oldest first, empty ones left out. */
  histogram(
    collection: Collection,
    intervalMs: number,
    filter?: Filter,
  ): Promise<readonly { readonly startMs: number; readonly count: number }[]>
  /** The most frequent values of a field, by count then key; at most `size` (1 to 1,000). */
  terms(collection: Collection, field: string, size: number, filter?: Filter): Promise<readonly Bucket[]>
  /** Number of distinct values of a field (may be approximate past 3,000). */
  cardinality(collection: Collection, field: string, filter?: Filter): Promise<number>
  /** Removes events older than this time; the number removed. */
  expire(collection: Collection, beforeMs: number): Promise<number>
  ping(): Promise<void>
  /** How the server and what we keep there are, for an operator. Changes nothing. Rejects where it does not answer. */
  diagnose?(): Promise<readonly Diagnosis[]>
  close(): Promise<void>
}
