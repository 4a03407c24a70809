/** The bus and the search index that the configuration names. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { openEmbedded, type Embedded } from '../adapters/embedded/open.ts'
import { createKafkaBus } from '../adapters/kafka/bus.ts'
import type { KafkaBusOptions } from '../adapters/kafka/config.ts'
import { ConfigInvalidError, describeError } from '../core/errors.ts'
import type { Bus } from '../core/ports/bus.ts'
import { systemClock } from '../core/ports/clock.ts'
import type { SearchIndex } from '../core/ports/search-index.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Secrets } from '../runtime/secrets.ts'

export interface Adapters {
  readonly bus: Bus
  readonly index: SearchIndex | undefined
  close(): Promise<void>
}

export interface AdapterOptions {
  readonly config: Config
  /** What relative paths in the configuration start from. */
  readonly folder: string
  readonly dataFolder: string
  readonly secrets: Secrets
  readonly log: Log
  /** Whether this process runs a service that stores or searches. */
  readonly index: boolean
}

/** Opens them; the data folder is locked where something in it is written. Throws ConfigInvalidError on missing secrets. */
export async function openAdapters(options: AdapterOptions): Promise<Adapters> {
  if (options.config.bus.kind === 'kafka') return openKafka(options)
  options.secrets.settle()
  return openPair(options)
}

async function openPair({ dataFolder, log }: AdapterOptions): Promise<Embedded> {
  const said = log.with({ service: 'embedded' })
  const embedded = await openEmbedded({ folder: dataFolder, log: said, clock: systemClock })
  await embedded.index.prepare()
  return embedded
}

async function openKafka(options: AdapterOptions): Promise<Adapters> {
  const settings = kafkaOptions(options)
  options.secrets.settle()
  const bus = createKafkaBus(settings, options.log.with({ service: 'kafka' }), systemClock)
  try {
    // The embedded bus beside it stays empty: the pair shares one lock on the data folder.
    const embedded = options.index ? await openPair(options) : undefined
    return {
      bus,
      index: embedded?.index,
      close: async () => {
        await Promise.all([bus.close(), embedded?.close()])
      },
    }
  } catch (error) {
    await bus.close()
    throw error
  }
}

function kafkaOptions({ config, folder, secrets }: AdapterOptions): KafkaBusOptions {
  const { tls, sasl, ...rest } = config.bus.kafka!
  const pem = (path: string, setting: string): string => {
    try {
      return readFileSync(resolve(folder, path), 'utf8')
    } catch (error) {
      throw new ConfigInvalidError([{ code: 'CONFIG_INVALID', message: `${setting}: ${describeError(error)}` }])
    }
  }
  return {
    ...rest,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: pem(tls.ca, 'bus.kafka.tls.ca') }),
            ...(tls.cert === undefined ? {} : { cert: pem(tls.cert, 'bus.kafka.tls.cert') }),
            ...(tls.key === undefined ? {} : { key: secrets.read(tls.key, 'bus.kafka.tls.key') }),
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
          },
        }),
    ...(sasl === undefined
      ? {}
      : { sasl: { ...sasl, password: secrets.read(sasl.password, 'bus.kafka.sasl.password') } }),
  }
}
