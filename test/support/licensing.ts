/**
 * Licensing and authorize as they run: on an embedded bus of their own, behind the real HTTP listener.
 */
import type { FastifyInstance } from 'fastify'
import type { Action } from '../../core/action.ts'
import { credentialId } from '../../core/ids.ts'
import type { Credential, License } from '../../core/license.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { systemClock, type Clock } from '../../core/ports/clock.ts'
import { headers, topics, topicSpecs } from '../../core/topics.ts'
import { openEmbedded, temporary } from '../../adapters/embedded/open.ts'
import { Config } from '../../runtime/config/config.ts'
import { followContent } from '../../runtime/content/content-reader.ts'
import { createHttpHost } from '../../runtime/http/http.ts'
import { silentLog, type Log } from '../../runtime/log.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { stageService } from '../../runtime/stage/stage-service.ts'
import { createAuthorizeService } from '../../services/authorize/service.ts'
import { createLicensingService } from '../../services/licensing/service.ts'
import { decisionsRelay } from '../../services/respond/relays.ts'

export const hmacKey = new Uint8Array(32).fill(9)
const tokens = [
  { name: 'root', token: 'admin-token-0123456789', roles: ['admin'] },
  { name: 'edge', token: 'gateway-token-0123456789', roles: ['gateway'] },
  { name: 'globex-edge', token: 'globex-token-0123456789', roles: ['gateway', 'admin'], tenant: 'globex' },
  { name: 'playbooks', token: 'responder-token-0123456789', roles: ['responder'] },
  { name: 'ana', token: 'analyst-token-0123456789', roles: ['analyst'] },
] as const
export type Who = (typeof tokens)[number]['name']

export interface LicensingOptions {
  readonly folder?: string
  readonly config?: Record<string, unknown>
  readonly clock?: Clock
  readonly log?: Log
  /** Default: all. Without licensing, nothing feeds the topic but the test. */
  readonly services?: readonly ('decisions' | 'licensing' | 'authorize')[]
  /** Puts something between authorize and the bus. */
  readonly throughBus?: (bus: Bus) => Bus
  /** More routes on the same listener. */
  readonly routes?: (app: FastifyInstance) => void
}

/** What the answers of both services may hold; a test asserts what it needs. */
export interface Reply {
  readonly code?: string
  readonly state?: string
  readonly credentialId?: string
  readonly lease?: { readonly id: string; readonly expiresAt: string }
  readonly error?: { readonly code: string; readonly message: string }
}

export async function startLicensing(options: LicensingOptions = {}) {
  const { clock = systemClock, log = silentLog } = options
  const config = Config.parse({ runtime: { checkpointIntervalMs: 50 }, ...options.config })
  const embedded = await openEmbedded({ folder: options.folder ?? temporary, log, clock })
  const { bus } = embedded
  await bus.createTopics(topicSpecs(config.bus.partitions))
  const { telemetry, registry } = createMetrics({ processMetrics: false })
  const content = await followContent(bus, log, telemetry)
  const context: ServiceContext = { config, bus, content, clock, log, telemetry, hmacKey }
  const makers: Record<string, () => Promise<Service>> = {
    decisions: async () =>
      stageService('decisions', context, [decisionsRelay(await bus.partitionCount(topics.effects))]),
    licensing: async () => createLicensingService(context),
    authorize: async () => createAuthorizeService({ ...context, bus: options.throughBus?.(bus) ?? bus }),
  }
  const services = await Promise.all(
    (options.services ?? ['decisions', 'licensing', 'authorize']).map((name) => makers[name]!()),
  )
  const host = await createHttpHost({
    http: { ...config.http, listen: '127.0.0.1:0' },
    tokens,
    shutdownGraceMs: 500,
    log,
    telemetry,
    registry,
    health: () => Object.fromEntries(services.map((service) => [service.name, service.health()])),
    bus,
  })
  for (const service of services) service.routes?.(host.app)
  options.routes?.(host.app)
  const url = await host.start()
  for (const service of services) await service.start()

  const call = async (who: Who, method: string, path: string, body?: unknown) => {
    const { token } = tokens.find(({ name }) => name === who)!
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const read: Reply = text === '' ? {} : (JSON.parse(text) as Reply)
    return { status: response.status, text, body: read, headers: response.headers }
  }
  return {
    url,
    bus,
    call,
    metrics: () => registry.metrics(),
    authorize: async (body: Record<string, unknown>, who: Who = 'edge') =>
      (await call(who, 'POST', '/v1/authorize', { model: 'llm-7b', ...body })).body,
    /** What respond journals. */
    order: (verb: string, args: Record<string, unknown>, more: Partial<Action> = {}) => {
      const action = attempted(verb, args, more)
      const value = JSON.stringify({ kind: 'action', action })
      const arrived = { [headers.arrived]: String(clock.nowMs()) }
      return bus.publish([{ topic: topics.effects, key: action.tenant, value, headers: arrived }])
    },
    stop: async () => {
      for (const service of services) await service.stop()
      await host.stop()
      await content.stop()
      await embedded.close()
    },
  }
}

let actions = 0
export function attempted(verb: string, args: Record<string, unknown>, more: Partial<Action> = {}): Action {
  return {
    id: `action-${++actions}`,
    version: 1,
    tenant: 'acme',
    incidentId: 'incident-1',
    runId: 'run-1',
    playbook: { id: 'revoke-stolen-key', version: 'v1' },
    step: 'off',
    connector: 'licensing',
    action: `credential.${verb}`,
    target: 'credential:x',
    args: { reason: 'The key reads the model out.', ...args },
    digest: 'd',
    destructive: true,
    state: 'attempted',
    attempt: 1,
    possiblyRepeated: false,
    at: new Date().toISOString(),
    summary: 'Tried.',
    evidence: 'e',
    arrivedMs: Date.now(),
    ...more,
  }
}

export const idOf = (secret: string): string => credentialId(secret, hmacKey)

/** Records as licensing writes them. */
export const licenseRecord = (license: Partial<License> & { readonly id: string }, version = 1) => ({
  topic: topics.licenses,
  key: `license/${license.id}`,
  value: JSON.stringify({
    kind: 'license',
    version,
    updatedAt: '2026-05-01T00:00:00Z',
    license: { tenant: 'acme', models: ['*'], form: 'api', tier: 'standard', ...license },
  }),
})
export const credentialRecord = (
  credential: Partial<Credential> & { readonly id: string },
  more: { readonly version?: number; readonly state?: string } = {},
) => ({
  topic: topics.licenses,
  key: `credential/${credential.id}`,
  value: JSON.stringify({
    kind: 'credential',
    version: 1,
    updatedAt: '2026-05-01T00:00:00Z',
    credential: { tenant: 'acme', principal: 'acme/bob', licenseId: 'acme-api', ...credential },
    state: 'active',
    ...more,
  }),
})
