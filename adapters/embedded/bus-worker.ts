/**
 * The worker thread that owns the bus's file.
 */
import { breathe, type OpenFile } from './database.ts'
import { BusStore, type AppendBody, type ReadBody, type StoredOffset, type StoredTopic } from './bus-store.ts'
import { Moved, serve } from './worker-loop.ts'

export interface OpenedBus {
  readonly topics: readonly StoredTopic[]
  readonly offsets: readonly StoredOffset[]
}

export interface MaintainBody {
  readonly expire: readonly { readonly partition: number; readonly cutoffMs: number }[]
  readonly compact: readonly {
    readonly partition: number
    readonly beforeMs: number
    readonly tombstonesBeforeMs: number
  }[]
}

export interface Maintained {
  /** Partitions whose log begins later now. */
  readonly lows: readonly { readonly partition: number; readonly low: number }[]
  readonly removed: number
}

/** Rows that one slice of maintenance may touch before others get their turn. */
const sliceRowsMax = 200

let store: BusStore | undefined
const opened = (): BusStore => {
  if (store === undefined) throw new Error('the bus is not open')
  return store
}

/** Repeats short work as long as there is more, and lets others in between. */
async function inSlices(work: () => boolean): Promise<void> {
  while (work()) await breathe()
  await breathe()
}

serve({
  open(options: OpenFile): OpenedBus {
    store = new BusStore(options)
    return { topics: store.topics(), offsets: store.offsets() }
  },
  createTopics(body: Parameters<BusStore['createTopics']>[0]): readonly StoredTopic[] {
    opened().createTopics(body)
    return opened().topics()
  },
  append(body: AppendBody) {
    opened().append(body)
  },
  read(body: ReadBody): Moved {
    const result = opened().read(body)
    return new Moved(result, [result.meta.buffer, result.data.buffer])
  },
  async maintain({ expire, compact }: MaintainBody): Promise<Maintained> {
    const lows = new Map<number, number>()
    let removed = 0
    for (const { partition, cutoffMs } of expire) {
      await inSlices(() => {
        const slice = store?.expire(partition, cutoffMs, sliceRowsMax)
        if (slice !== undefined && slice.low >= 0) lows.set(partition, slice.low)
        removed += slice?.removed ?? 0
        return slice?.more === true
      })
    }
    for (const { partition, beforeMs, tombstonesBeforeMs } of compact) {
      await inSlices(() => {
        const slice = store?.compact(partition, beforeMs, tombstonesBeforeMs, sliceRowsMax)
        removed += slice?.removed ?? 0
        return slice?.more === true
      })
    }
    return { lows: [...lows].map(([partition, low]) => ({ partition, low })), removed }
  },
  ping() {
    opened().ping()
  },
  close() {
    store?.close()
    store = undefined
  },
})
