/**
 * Whether what the server says to have already is there to stay.
 *
 * A version conflict says that a request before put the document into memory, not that it stands on the disk. Where that
 * request is still under way (its sender has given it up, or was killed) and the disk is full, the server tells us of the
 * conflict first, then fails that request, and forgets the document. Seen on Elasticsearch 8.19.
 *
 * Promises: a document counts as there only if one and the same write of it was there both before and after a flush, which
 * writes all that is in memory to the disk.
 */
import { pathsOf, type Connection } from './client.ts'

/** A document as a bulk request names it. */
export interface Place {
  readonly index: string
  readonly id: string
}

interface Found {
  readonly found?: boolean
  readonly _seq_no?: number
  readonly _primary_term?: number
}

/** Those of them that are there to stay. */
export async function lasting<T extends Place>(connection: Connection, items: readonly T[]): Promise<ReadonlySet<T>> {
  if (items.length === 0) return new Set()
  const before = await writes(connection, items)
  if (!(await flush(connection, items))) return new Set()
  const after = await writes(connection, items)
  return new Set(items.filter((_, i) => before[i] !== undefined && before[i] === after[i]))
}

/** Which write of each is there: undefined for none. */
async function writes(connection: Connection, items: readonly Place[]): Promise<readonly (string | undefined)[]> {
  const { docs } = await connection.ask<{ docs: readonly Found[] }>({
    method: 'POST',
    path: '/_mget',
    querystring: { _source: false },
    body: { docs: items.map(({ index, id }) => ({ _index: index, _id: id })) },
  })
  return docs.map(({ found, _seq_no, _primary_term }) => (found === true ? `${_primary_term} ${_seq_no}` : undefined))
}

/** Whether all that their indices had in memory is on the disk. */
async function flush(connection: Connection, items: readonly Place[]): Promise<boolean> {
  for (const path of pathsOf(items.map(({ index }) => index))) {
    const { _shards } = await connection.ask<{ _shards: { successful: number; failed: number } }>({
      method: 'POST',
      path: `/${path}/_flush`,
      querystring: { ignore_unavailable: true },
    })
    if (_shards.failed > 0 || _shards.successful === 0) return false
  }
  return true
}
