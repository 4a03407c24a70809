/**
 * A worker thread of the search index: one instance writes, a second one answers questions, so that a long question does
 * not hold back the writing.
 */
import type { Collection, Filter, SearchQuery } from '../../core/ports/search-index.ts'
import { breathe, type OpenFile } from './database.ts'
import { IndexStore, type PutRow } from './index-store.ts'
import { serve } from './worker-loop.ts'

export interface Asked {
  readonly collection: Collection
  readonly filter?: Filter | undefined
}

/** Documents that one slice of expiry removes before others get their turn. */
const sliceRowsMax = 200

let store: IndexStore | undefined
const opened = (): IndexStore => {
  if (store === undefined) throw new Error('the index is not open')
  return store
}

serve({
  open(options: OpenFile) {
    store = new IndexStore(options)
  },
  put: (rows: readonly PutRow[]) => opened().put(rows),
  get: ({ collection, id }: { collection: Collection; id: string }) => opened().get(collection, id),
  search: (query: SearchQuery) => opened().search(query),
  count: ({ collection, filter }: Asked) => opened().count(collection, filter),
  histogram: ({ collection, filter, intervalMs }: Asked & { intervalMs: number }) =>
    opened().histogram(collection, intervalMs, filter),
  terms: ({ collection, filter, field, size }: Asked & { field: string; size: number }) =>
    opened().terms(collection, field, size, filter),
  cardinality: ({ collection, filter, field }: Asked & { field: string }) =>
    opened().cardinality(collection, field, filter),
  async expire({ collection, beforeMs }: { collection: Collection; beforeMs: number }): Promise<number> {
    let removed = 0
    for (;;) {
      const slice = opened().expire(collection, beforeMs, sliceRowsMax)
      removed += slice
      if (slice < sliceRowsMax) return removed
      await breathe()
    }
  },
  ping() {
    opened().ping()
  },
  close() {
    store?.close()
    store = undefined
  },
})
