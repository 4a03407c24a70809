/**
 * The composition root: makes the adapters that the configuration names, and the services that a process runs from them.
 *
 * The only place that names adapters, connectors and services together. Promises: what was started is stopped again, in
 * reverse, also when starting fails half way; secrets are resolved for what this process runs, and for nothing else.
 */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Bus } from '../core/ports/bus.ts'
import { systemClock } from '../core/ports/clock.ts'
import type { SearchIndex } from '../core/ports/search-index.ts'
import { topicSpecs } from '../core/topics.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import type { Config } from '../runtime/config/config.ts'
import { sealedBus } from '../runtime/control-seal.ts'
import { ContentPublisher } from '../runtime/content/content-publisher.ts'
import { followContent, type FollowedContent } from '../runtime/content/content-reader.ts'
import { agreeOnKey } from '../runtime/installation-key.ts'
import type { AccessToken } from '../runtime/http/http-access.ts'
import { isLoopback } from '../runtime/loopback.ts'
import { createHttpHost, listenAddress, type HttpHost } from '../runtime/http/http.ts'
import type { Log } from '../runtime/log.ts'
import { createLog } from '../runtime/logger.ts'
import { createMetrics, type Metrics } from '../runtime/metrics.ts'
import { Redactor } from '../runtime/redact.ts'
import { generatedSecret, Secrets } from '../runtime/config/secrets.ts'
import type { Health, Service, ServiceContext } from '../runtime/service.ts'
import { withinGrace } from '../runtime/shutdown.ts'
import { openAdapters, type Adapters } from './adapters.ts'
import { onceBusIsThere } from './bus-there.ts'
import { connectorsFrom } from './connectors.ts'
import { contentChecks } from './content.ts'
import { contentFolders } from './content-folders.ts'
import { readHmacKey } from './hmac-key.ts'
import { version } from './home.ts'
import { adminTokenFile, removeInstance, writeInstance } from './instance.ts'
import { ownAccess, settledListen } from './listen.ts'
import { answersGateways, needsConnectors, needsIndex, type ServiceName } from './service-names.ts'
import { createService } from './services.ts'

export interface ComposeOptions {
  readonly loaded: LoadedConfig
  readonly env: Readonly<Record<string, string | undefined>>
  readonly services: readonly ServiceName[]
  /** Whether this process publishes content where `content.publish` does not say. */
  readonly publishes: boolean
  /** Whether it listens; a replay does not. */
  readonly listens: boolean
  /** Whether silent partitions get ticks now; default yes. */
  readonly ticking?: () => boolean
}

/** What one process is made of, running. */
export interface Instance {
  readonly config: Config
  readonly dataFolder: string
  readonly log: Log
  readonly bus: Bus
  readonly index: SearchIndex | undefined
  readonly content: FollowedContent
  readonly services: readonly Service[]
  readonly hmacKey: Uint8Array
  /** Where it listens; undefined where it does not. */
  readonly url: string | undefined
  /** The token that was generated because none is configured. */
  readonly adminToken: string | undefined
  readonly health: () => Readonly<Record<string, Health>>
  /** Stops everything; false where the grace was over first. */
  stop(): Promise<boolean>
}

type Undo = () => Promise<unknown>

/** Starts everything; rejects, with everything stopped again, where something can't start. */
export async function compose(options: ComposeOptions): Promise<Instance> {
  const undo: Undo[] = []
  const { config } = options.loaded
  const stop = (): Promise<boolean> => withinGrace(unwind(undo), config.runtime.shutdownGraceMs)
  try {
    return await start(options, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function unwind(undo: Undo[]): Promise<void> {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
    // One that fails must not keep the others from stopping.
    await step().catch(() => undefined)
  }
}

async function start(options: ComposeOptions, undo: Undo[], stop: Instance['stop']): Promise<Instance> {
  const { loaded } = options
  const listen = options.listens ? await settledListen(loaded.config.http.listen) : loaded.config.http.listen
  const config: Config = { ...loaded.config, http: { ...loaded.config.http, listen } }
  const dataFolder = resolve(loaded.folder, config.data.folder)
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  const redactor = new Redactor()
  const log = createLog({ ...config.log, redactor })
  const metrics = createMetrics()
  const secrets = new Secrets({ env: options.env, folder: loaded.folder, redactor, log })
  const hmacKey = readHmacKey(config, dataFolder, secrets, redactor)
  const access = options.listens ? accessTokens(config, dataFolder, secrets, redactor) : { tokens: [] }
  const self = options.listens ? ownAccess(listen, redactor) : undefined
  const own =
    self !== undefined && answersGateways(options.services) ? { url: self.url, token: self.token.token } : undefined
  const connectors = needsConnectors(options.services)
    ? connectorsFrom(config, { secrets, folder: loaded.folder, dataFolder, own })
    : undefined
  const opened = await openAdapters({
    config,
    folder: loaded.folder,
    dataFolder,
    secrets,
    log,
    index: needsIndex(options.services),
  })
  undo.push(() => opened.close())
  const adapters = { ...opened, bus: sealedBus(opened.bus, hmacKey, systemClock) }
  const specs = topicSpecs(config.bus.partitions)
  await onceBusIsThere(() => adapters.bus.createTopics(specs), log)
  for (const { name, retentionMs } of specs) {
    if (retentionMs !== undefined)
      metrics.telemetry.gauge('topic_retention_seconds', { topic: name }, retentionMs / 1_000)
  }
  const content = await followContent(adapters.bus, log, metrics.telemetry)
  undo.push(() => content.stop())
  const publishes = config.content.publish ?? options.publishes
  await agreeOnKey({ bus: adapters.bus, content, hmacKey, replaces: config.hmacKeyReplaces, publishes, log })
  if (publishes) await publishContent(options, { adapters, content, log, metrics }, undo)
  const context: ServiceContext = {
    config,
    configFolder: loaded.folder,
    bus: adapters.bus,
    content,
    clock: systemClock,
    log,
    telemetry: metrics.telemetry,
    hmacKey,
    ...(adapters.index === undefined ? {} : { index: adapters.index }),
    ...(connectors === undefined ? {} : { connectors }),
    ...(options.ticking === undefined ? {} : { ticking: options.ticking }),
  }
  const services: Service[] = []
  const health = (): Record<string, Health> =>
    Object.fromEntries(services.map((service) => [service.name, service.health()]))
  const versions = { content, checks: contentChecks() }
  const progress = () => services.flatMap((service) => service.progress?.() ?? [])
  for (const name of options.services) {
    services.push(createService(name, { ...context, log: log.with({ service: name }) }, { health, progress, versions }))
  }
  const host = options.listens
    ? await hostOf(config, [...access.tokens, ...(self === undefined ? [] : [self.token])], {
        log,
        metrics,
        health,
        bus: adapters.bus,
      })
    : undefined
  for (const service of services) if (host !== undefined) service.routes?.(host.app)
  // It listens before its services are ready: whoever asks is told so.
  const url = await host?.start()
  if (host !== undefined) undo.push(() => host.stop())
  undo.push(() => Promise.all(services.map((service) => service.stop())))
  await Promise.all(services.map((service) => service.start()))
  if (url !== undefined) announce(options, dataFolder, url, undo)
  // Stopping begins at the door: nothing new comes in while what is under way ends.
  if (host !== undefined) undo.push(() => host.stop())
  return {
    config, dataFolder, log, content, services, hmacKey, url, health, stop,
    bus: adapters.bus,
    index: adapters.index,
    adminToken: access.adminToken,
  } // prettier-ignore
}

/** The command line finds the console by this; a process without one has nothing to say to it. */
function announce(options: ComposeOptions, dataFolder: string, url: string, undo: Undo[]): void {
  if (!(options.services as readonly string[]).includes('console')) return
  writeInstance(dataFolder, url)
  undo.push(async () => removeInstance(dataFolder))
}

interface AccessTokens {
  readonly tokens: readonly AccessToken[]
  readonly adminToken?: string
}

/** The configured tokens; on loopback without any, one that is generated. */
function accessTokens(config: Config, dataFolder: string, secrets: Secrets, redactor: Redactor): AccessTokens {
  const { tokens, listen } = config.http
  if (tokens.length > 0 || !isLoopback(listenAddress(listen).host)) {
    return {
      tokens: tokens.map(({ token, ...rest }, index) => ({
        ...rest,
        ...(token === undefined ? {} : { token: secrets.read(token, `http.tokens[${index}].token`) }),
      })),
    }
  }
  const adminToken = generatedSecret(adminTokenFile(dataFolder), redactor)
  return { tokens: [{ name: 'local-admin', token: adminToken, roles: ['admin'] }], adminToken }
}

interface Parts {
  readonly log: Log
  readonly metrics: Metrics
}

async function publishContent(
  options: ComposeOptions,
  parts: Parts & { readonly adapters: Adapters; readonly content: FollowedContent },
  undo: Undo[],
): Promise<void> {
  const { config, folder } = options.loaded
  const publisher = new ContentPublisher({
    bus: parts.adapters.bus,
    content: parts.content,
    folders: contentFolders(config, folder),
    checks: contentChecks(),
    log: parts.log,
    telemetry: parts.metrics.telemetry,
  })
  undo.push(() => publisher.stop())
  await publisher.publishAll()
  if (config.content.watch) publisher.watch()
}

function hostOf(
  config: Config,
  tokens: readonly AccessToken[],
  parts: Parts & { readonly health: Instance['health']; readonly bus: Bus },
): Promise<HttpHost> {
  return createHttpHost({
    http: config.http,
    tokens,
    shutdownGraceMs: Math.ceil(config.runtime.shutdownGraceMs / 2),
    log: parts.log.with({ service: 'http' }),
    telemetry: parts.metrics.telemetry,
    registry: parts.metrics.registry,
    health: parts.health,
    bus: parts.bus,
    version,
  })
}
