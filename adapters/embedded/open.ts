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
import type { EmbeddedBusOptions, EmbeddedIndexOptions, EmbeddedLog } from './config.ts'
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
  const file = (name: string, settings: EmbeddedBusOptions | EmbeddedIndexOptions = {}): OpenFile => ({
    file: join(folder, name),
    synchronous: passing ? 'OFF' : settings.survives === 'power-cut' ? 'FULL' : 'NORMAL',
    fileBytesMax: settings.fileBytesMax,
  })
  let bus: EmbeddedBus | undefined
  try {
    bus = await openBus(file('bus.db', options.bus), { log, clock, ...options.bus })
    const index = await openIndex(file('index.db', options.index), log)
    const opened = bus
    return {
      bus: opened,
      index,
      async close() {
        try {
          await Promise.all([opened.close(), index.close()])
        } finally {
          await release()
        }
      },
    }
  } catch (error) {
    await bus?.close()
    await release()
    throw error
  }
}
