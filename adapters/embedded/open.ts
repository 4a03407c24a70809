/**
 * Opens the embedded pair: the bus and the search index of one process, in one data folder.
 *
 * Promises: one process to a folder (DataFolderLockedError names the other); after kill -9 the next one takes over at
 * once, with everything that was acknowledged.
 */
import { rm } from 'node:fs/promises'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../core/ports/clock.ts'
import { openBus, type EmbeddedBus } from './bus.ts'
import {
  busLimits,
  indexLimits,
  type EmbeddedBusOptions,
  type EmbeddedIndexOptions,
  type EmbeddedLog,
} from './config.ts'
import type { OpenFile } from './database.ts'
import { lockFolder } from './lock.ts'
import { openIndex, type EmbeddedIndex } from './search-index.ts'

/** In place of a folder: one in the system's temporary folder that ends with `close`, for replays and tests. */
export const temporary = ':memory:'

export interface EmbeddedOptions {
  readonly folder: string
  readonly log: EmbeddedLog
  readonly clock: Clock
  readonly bus?: EmbeddedBusOptions
  readonly index?: EmbeddedIndexOptions
}

export interface Embedded {
  readonly bus: EmbeddedBus
  readonly index: EmbeddedIndex
  /** The databases, for backups and for whoever looks at the disk. */
  readonly files: readonly string[]
  close(): Promise<void>
}

export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log, clock } = options
  const passing = options.folder === temporary
  const folder = passing ? mkdtempSync(join(tmpdir(), 'modelwarden-')) : options.folder
  const lock = lockFolder(folder, clock.nowMs())
  const release = async (): Promise<void> => {
    lock.release()
    if (passing) await rm(folder, { recursive: true, force: true })
  }
  const file = (
    name: string,
    checkpointBytes: number,
    settings: EmbeddedBusOptions | EmbeddedIndexOptions = {},
  ): OpenFile => ({
    file: join(folder, name),
    synchronous: passing ? 'OFF' : settings.survives === 'power-cut' ? 'FULL' : 'NORMAL',
    fileBytesMax: settings.fileBytesMax,
    checkpointBytes,
  })
  const opening = [
    openBus(file('bus.db', busLimits.checkpointBytes, options.bus), { log, clock, ...options.bus }),
    openIndex(file('index.db', indexLimits.checkpointBytes, options.index), log),
  ] as const
  const [busOpened, indexOpened] = await Promise.allSettled(opening)
  if (busOpened.status === 'rejected' || indexOpened.status === 'rejected') {
    if (busOpened.status === 'fulfilled') await busOpened.value.close()
    if (indexOpened.status === 'fulfilled') await indexOpened.value.close()
    await release()
    throw busOpened.status === 'rejected' ? busOpened.reason : (indexOpened as PromiseRejectedResult).reason
  }
  const [bus, index] = [busOpened.value, indexOpened.value]
  return {
    bus,
    index,
    files: [join(folder, 'bus.db'), join(folder, 'index.db')],
    async close() {
      try {
        await Promise.all([bus.close(), index.close()])
      } finally {
        await release()
      }
    },
  }
}
