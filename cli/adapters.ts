/** The bus and the search index that the configuration names. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ElasticsearchIndexOptions } from '../adapters/elasticsearch/config.ts'
import { openEmbedded, type Embedded } from '../adapters/embedded/open.ts'
import { createKafkaBus } from '../adapters/kafka/bus.ts'
import type { KafkaBusOptions } from '../adapters/kafka/config.ts'
import { ConfigInvalidError, describeError } from '../core/errors.ts'
import type { Bus } from '../core/ports/bus.ts'
import { systemClock } from '../core/ports/clock.ts'
import type { SearchIndex } from '../core/ports/search-index.ts'
import type { Config } from '../runtime/config/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Secrets } from '../runtime/config/secrets.ts'

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
  const { bus, index } = options.config
  const kafka = bus.kind === 'kafka' ? kafkaOptions(options) : undefined
  const elasticsearch = index.kind === 'elasticsearch' && options.index ? elasticsearchOptions(options) : undefined
  options.secrets.settle()
  const opened: { close(): Promise<void> }[] = []
  try {
    // The embedded pair shares one lock on the data folder; a half that is not asked for stays empty.
    const needsPair = kafka === undefined || (options.index && elasticsearch === undefined)
    const pair = needsPair ? await openPair(options) : undefined
    if (pair !== undefined) opened.push(pair)
    const kafkaBus =
      kafka === undefined ? undefined : createKafkaBus(kafka, options.log.with({ service: 'kafka' }), systemClock)
    if (kafkaBus !== undefined) opened.push(kafkaBus)
    const searched = elasticsearch === undefined ? undefined : await openElasticsearch(elasticsearch, options.log)
    if (searched !== undefined) opened.push(searched)
    return {
      bus: kafkaBus ?? pair!.bus,
      index: options.index ? (searched ?? pair?.index) : undefined,
      close: async () => {
        await Promise.all(opened.map((each) => each.close()))
      },
    }
  } catch (error) {
    await Promise.all(opened.map((each) => each.close()))
    throw error
  }
}

/** Kafka alone; undefined where the bus is embedded. Touches no file, connects to nothing yet. */
export function openKafka(options: AdapterOptions): Bus | undefined {
  if (options.config.bus.kind !== 'kafka') return undefined
  const kafka = kafkaOptions(options)
  options.secrets.settle()
  return createKafkaBus(kafka, options.log.with({ service: 'kafka' }), systemClock)
}

/** Elasticsearch alone; undefined where the index is embedded. Touches no file, connects to nothing yet. */
export async function openSearchServer(options: AdapterOptions): Promise<SearchIndex | undefined> {
  if (options.config.index.kind !== 'elasticsearch') return undefined
  const elasticsearch = elasticsearchOptions(options)
  options.secrets.settle()
  return await openElasticsearch(elasticsearch, options.log)
}

async function openPair({ dataFolder, log }: AdapterOptions): Promise<Embedded> {
  const said = log.with({ service: 'embedded' })
  const embedded = await openEmbedded({ folder: dataFolder, log: said, clock: systemClock })
  await embedded.index.prepare()
  return embedded
}

/** Needs no server yet: who asks is told when there is none. Its client is large, so it is loaded where it is used. */
async function openElasticsearch(options: ElasticsearchIndexOptions, log: Log): Promise<SearchIndex> {
  const { createElasticsearchIndex } = await import('../adapters/elasticsearch/search-index.ts')
  return createElasticsearchIndex(options, { clock: systemClock, log: log.with({ service: 'elasticsearch' }) })
}

function elasticsearchOptions({ config, folder, secrets }: AdapterOptions): ElasticsearchIndexOptions {
  const { tls, apiKey, username, password, ...rest } = config.index.elasticsearch!
  const setting = 'index.elasticsearch'
  return {
    ...rest,
    eventsKeptDays: config.indexer.eventsKeptDays,
    ...(apiKey === undefined ? {} : { auth: { apiKey: secrets.read(apiKey, `${setting}.apiKey`) } }),
    ...(username === undefined || password === undefined
      ? {}
      : { auth: { username, password: secrets.read(password, `${setting}.password`) } }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: pemFile(folder, tls.ca, `${setting}.tls.ca`) }),
            ...(tls.caFingerprint === undefined ? {} : { caFingerprint: tls.caFingerprint }),
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
          },
        }),
  }
}

function pemFile(folder: string, path: string, setting: string): string {
  try {
    return readFileSync(resolve(folder, path), 'utf8')
  } catch (error) {
    throw new ConfigInvalidError([{ code: 'CONFIG_INVALID', message: `${setting}: ${describeError(error)}` }])
  }
}

function kafkaOptions({ config, folder, secrets }: AdapterOptions): KafkaBusOptions {
  const { tls, sasl, ...rest } = config.bus.kafka!
  return {
    ...rest,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: pemFile(folder, tls.ca, 'bus.kafka.tls.ca') }),
            ...(tls.cert === undefined ? {} : { cert: pemFile(folder, tls.cert, 'bus.kafka.tls.cert') }),
            ...(tls.key === undefined ? {} : { key: secrets.read(tls.key, 'bus.kafka.tls.key') }),
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
          },
        }),
    ...(sasl === undefined
      ? {}
      : { sasl: { ...sasl, password: secrets.read(sasl.password, 'bus.kafka.sasl.password') } }),
  }
}
