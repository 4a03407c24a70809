/**
 * The whole HTTP API, over an embedded pair or over servers: every service that has routes behind one real listener, an
 * indexer beside them, and documents of two tenants and of the operator.
 */
import { inspect } from 'node:util'
import { contentChecks } from '../../cli/content.ts'
import { contentFolders } from '../../cli/content-folders.ts'
import type { Decision } from '../../core/decision.ts'
import { topics } from '../../core/topics.ts'
import { Config } from '../../runtime/config/config.ts'
import { ContentPublisher } from '../../runtime/content/content-publisher.ts'
import type { FollowedContent } from '../../runtime/content/content-reader.ts'
import { createHttpHost } from '../../runtime/http/http.ts'
import { silentLog, type Log } from '../../runtime/log.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import { createAuthorizeService } from '../../services/authorize/service.ts'
import { createCollectService } from '../../services/collect/service.ts'
import type { LiveLimits } from '../../services/console/live-feed.ts'
import { createConsoleService } from '../../services/console/service.ts'
import { createDetectService } from '../../services/detect/service.ts'
import { createIndexerService } from '../../services/indexer/service.ts'
import { createLicensingService } from '../../services/licensing/service.ts'
import { incidentOf } from './incident.ts'
import { actionOf, eventOf, eventually, openIndexed, publish, signalOf, type Indexed, type Pair } from './indexed.ts'
import { usageOf } from './usage.ts'

/** Stands in every document of a tenant or of the operator, and nowhere else. */
export const markerOf = (owner: string): string => `secret-of-${owner}`

export const apiTokens = [
  { name: 'root', token: 'root-token-0123456789abcdef', roles: ['admin'] },
  ...(['viewer', 'analyst', 'responder', 'admin'] as const).map((role) => ({
    name: `north-${role}`,
    token: `north-${role}-token-0123456789`,
    roles: [role],
    tenant: 'north',
  })),
] as const

export interface Api extends Indexed {
  readonly url: string
  /** What the listener logged as an error. */
  readonly errors: readonly string[]
  /** Sends a request as the holder of this token. */
  fetchAs(name: string, path: string, init?: RequestInit): Promise<Response>
}

interface ApiOptions {
  readonly live?: Partial<LiveLimits>
  /** An embedded pair by default. */
  readonly on?: Pair
}

export async function startApi(options: ApiOptions = {}): Promise<Api> {
  const indexed = await openIndexed(options.on)
  const http = { listen: '127.0.0.1:0', queriesPerMinuteMax: 600_000, refusalsPerMinuteMax: 600_000 }
  const config = Config.parse({ bus: { partitions: 2 }, http })
  const context = { ...indexed.context, config: { ...config, http: { ...config.http, deedsPerMinuteMax: 600_000 } } }
  const { telemetry, registry } = createMetrics({ processMetrics: false })
  const errors: string[] = []
  const log: Log = { ...silentLog, error: (message, fields) => void errors.push(`${message} ${inspect(fields)}`) }
  const content = context.content as FollowedContent
  await new ContentPublisher({
    bus: indexed.bus,
    content,
    folders: contentFolders(config, '.'),
    checks: contentChecks(),
    log: silentLog,
    telemetry,
  }).publishAll()
  const services = [
    createIndexerService(context),
    createCollectService(context),
    createAuthorizeService(context),
    createDetectService(context),
    createLicensingService(context),
    createConsoleService(context, options.live === undefined ? {} : { live: options.live }),
  ]
  const host = await createHttpHost({
    http: context.config.http,
    tokens: apiTokens,
    shutdownGraceMs: 500,
    log,
    telemetry,
    registry,
    health: () => Object.fromEntries(services.map((service) => [service.name, service.health()])),
    bus: indexed.bus,
  })
  for (const service of services) service.routes?.(host.app)
  const url = await host.start()
  for (const service of services) await service.start()
  for (const owner of ['north', 'south', 'operator']) await fill(indexed, owner)
  return {
    ...indexed,
    url,
    errors,
    fetchAs: (name, path, init = {}) => {
      const { token } = apiTokens.find((each) => each.name === name)!
      return fetch(`${url}${path}`, { ...init, headers: withToken(init.headers, token) })
    },
    close: async () => {
      await host.stop()
      for (const service of services.toReversed()) await service.stop()
      await indexed.close()
    },
  }
}

function withToken(given: RequestInit['headers'], token: string): Headers {
  const headers = new Headers(given)
  headers.set('authorization', `Bearer ${token}`)
  return headers
}

const at = '2026-03-01T10:00:00.000Z'

/** One document of each kind; ids are `<kind>-<owner>`. */
async function fill({ bus, index }: Indexed, owner: string): Promise<void> {
  const marker = markerOf(owner)
  const entities = [{ type: 'principal', id: `${owner}/${marker}` } as const]
  const incident = incidentOf({ id: `incident-${owner}`, tenant: owner, title: marker, entities })
  const named = { id: `signal-${owner}`, version: 1, rule: 'r', title: marker, level: 'high', risk: 1, at } as const
  const signals = [{ ...named, explanation: marker, evidence: 1, shadow: false }]
  await publish(bus, topics.incidents, { ...incident, version: 2, signals })
  await publish(bus, topics.incidentHistory, { ...incident, signals }, { ...incident, version: 2, signals })
  const event = eventOf(`event-${owner}`, { tenant: owner })
  await publish(bus, topics.events, {
    ...event,
    user: { name: marker },
    warden: { ...event.warden, principal: `${owner}/${marker}` },
  })
  const { hash } = event.event
  const reference = { id: `event-${owner}`, timestamp: at, hash, position: event.warden.position }
  const evidence = { count: 1, events: [reference] }
  await publish(
    bus,
    topics.signals,
    signalOf(`signal-${owner}`, { scope: owner, explanation: marker, entities, evidence }),
  )
  const action = actionOf(`action-${owner}`, { tenant: owner, incidentId: incident.id, summary: marker })
  await publish(
    bus,
    topics.effects,
    { kind: 'action', action },
    { kind: 'action', action: { ...action, version: 2, state: 'verified' } },
  )
  const decision: Decision = {
    kind: 'note',
    id: `decision-${owner}`,
    at,
    by: 'operator:ana',
    roles: ['analyst'],
    tenant: owner,
    incidentId: incident.id,
    text: marker,
  }
  await publish(bus, topics.decisions, decision)
  await publish(bus, topics.deeds, {
    id: `deed-${owner}`,
    version: 1,
    at,
    by: 'operator:ana',
    roles: ['analyst'],
    tenant: owner,
    deed: 'POST /v1/decisions',
    target: marker,
    arguments: 'f'.repeat(64),
    outcome: 'done',
  })
  await publish(
    bus,
    topics.licenses,
    {
      kind: 'license',
      version: 1,
      updatedAt: at,
      license: { id: `license-${owner}`, tenant: owner, models: [marker], form: 'api', tier: 'standard' },
    },
    {
      kind: 'credential',
      version: 1,
      updatedAt: at,
      credential: { id: `credential-${owner}`, tenant: owner, principal: `${owner}/${marker}`, label: marker },
      state: 'active',
    },
  )
  await publish(bus, topics.usage, usageOf(owner, { model: marker }))
  await publish(bus, topics.deadLetters, {
    id: `letter-${owner}`,
    stage: 'normalize',
    code: 'TIME_MISSING',
    message: marker,
    at,
    position: { topic: topics.audit, partition: 0, offset: 0, index: 0 },
    bytes: 2,
    sha256: 'f'.repeat(64),
    headers: {},
    original: marker,
    encoding: 'utf8',
    truncated: false,
  })
  await publish(bus, topics.leaks, {
    id: `leak-${owner}`,
    version: 1,
    '@timestamp': at,
    since: at,
    rule: 'leak-account',
    tenant: owner,
    account: `${owner}/${marker}`,
    model: marker,
    queries: 40,
    distinct: 30,
  })
  const wanted = [
    ['incidents', incident.id],
    ['incident-history', `${incident.id}/2`],
    ['events', `event-${owner}`],
    ['signals', `signal-${owner}`],
    ['action-history', `action-${owner}/2`],
    ['decisions', `decision-${owner}`],
    ['deeds', `deed-${owner}`],
    ['licenses', `credential/credential-${owner}`],
    ['usage', `usage-${owner}`],
    ['dead-letters', `letter-${owner}`],
    ['leaks', `leak-${owner}`],
  ] as const
  for (const [collection, id] of wanted) await eventually(() => index.get(collection, id))
}
