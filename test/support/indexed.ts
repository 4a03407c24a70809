/**
 * Indexer and console as they run: on an embedded pair of their own, or on a broker and an Elasticsearch, behind the real
 * HTTP listener.
 */
import { openEmbedded, temporary } from '../../adapters/embedded/open.ts'
import { createElasticsearchIndex } from '../../adapters/elasticsearch/search-index.ts'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import type { SearchIndex } from '../../core/ports/search-index.ts'
import type { Action } from '../../core/action.ts'
import { WardenError } from '../../core/errors.ts'
import type { Event } from '../../core/event.ts'
import type { Signal } from '../../core/signal.ts'
import { topics, topicSpecs } from '../../core/topics.ts'
import { Config } from '../../runtime/config/config.ts'
import { followContent } from '../../runtime/content/content-reader.ts'
import { silentLog } from '../../runtime/log.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import type { ServiceContext } from '../../runtime/service.ts'

export interface Indexed {
  readonly context: ServiceContext & { readonly index: SearchIndex }
  readonly bus: Bus
  readonly index: SearchIndex
  close(): Promise<void>
}

/** A bus and an index, open. */
export interface Pair {
  readonly bus: Bus
  readonly index: SearchIndex
  close(): Promise<void>
}

/** On an embedded pair in this folder, or on the pair that is given. */
export async function openIndexed(on: string | Pair = temporary): Promise<Indexed> {
  const config = Config.parse({ bus: { partitions: 2 } })
  const { bus, index, close } =
    typeof on === 'string' ? await openEmbedded({ folder: on, log: silentLog, clock: systemClock }) : on
  await bus.createTopics(topicSpecs(2))
  const { telemetry } = createMetrics({ processMetrics: false })
  const content = await followContent(bus, silentLog, telemetry)
  const context = {
    config,
    bus,
    index,
    content,
    clock: systemClock,
    log: silentLog,
    telemetry,
    hmacKey: new Uint8Array(32).fill(9),
  }
  return {
    context,
    bus,
    index,
    close: async () => {
      await content.stop()
      await close()
    },
  }
}

/** A broker and an Elasticsearch that nobody else uses. */
export function openOnServers(brokers: readonly string[], node: string): Pair {
  const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
  const index = createElasticsearchIndex({ nodes: [node] }, { clock: systemClock, log: silentLog })
  return {
    bus,
    index,
    close: async () => {
      await index.close()
      await bus.close()
    },
  }
}

/** Publishes JSON values to a topic. */
export async function publish(bus: Bus, topic: string, ...values: readonly unknown[]): Promise<void> {
  await bus.publish(values.map((value) => ({ topic, key: 'k', value: JSON.stringify(value) })))
}

/** Looks until there is something to see; an index that asks to try later is looked at again. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, timeoutMs = 45_000): Promise<T> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const seen = await look().catch((error: unknown) => {
      if (error instanceof WardenError && error.retryable) return undefined
      throw error
    })
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() > until) throw new Error(`still not so after ${timeoutMs} ms: ${look.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function eventOf(
  id: string,
  changes: { tenant?: string; at?: string; synthetic?: boolean; ip?: string } = {},
): Event {
  const tenant = changes.tenant ?? 'acme'
  return {
    '@timestamp': changes.at ?? '2026-03-01T10:00:00.000Z',
    event: {
      id,
      kind: 'event',
      action: 'GetObject',
      outcome: 'success',
      dataset: 'aws.cloudtrail',
      created: '2026-03-01T10:00:01.000Z',
      hash: 'a'.repeat(64),
    },
    organization: { id: tenant },
    user: { name: 'ana' },
    source: { ip: changes.ip ?? '10.0.0.1' },
    warden: {
      principal: `${tenant}/ana`,
      logsource: { product: 'aws', service: 'cloudtrail' },
      position: { topic: topics.audit, partition: 0, offset: 1, index: 0 },
      ...(changes.synthetic === undefined ? {} : { synthetic: changes.synthetic }),
    },
  }
}

export function signalOf(id: string, changes: Partial<Signal> = {}): Signal {
  return {
    id,
    version: 1,
    status: 'open',
    supersedes: [],
    '@timestamp': '2026-03-01T10:00:00.000Z',
    created: '2026-03-01T10:00:01.000Z',
    scope: 'acme',
    rule: {
      id: 'weights-read-in-bulk',
      title: 'Model weights read in bulk',
      version: 'v',
      kind: 'sigma',
      level: 'high',
      tags: [],
      techniques: [],
      shadow: false,
    },
    risk: 60,
    group: {},
    entities: [{ type: 'principal', id: 'acme/ana' }],
    joinOn: [],
    evidence: { count: 1, events: [] },
    explanation: 'ana read 12 shards.',
    facts: {},
    ...changes,
  }
}

export function actionOf(id: string, changes: Partial<Action> = {}): Action {
  return {
    id,
    version: 1,
    tenant: 'acme',
    incidentId: 'incident-1',
    runId: 'run-1',
    playbook: { id: 'contain-exfiltration', version: 'v1' },
    step: 'revoke',
    connector: 'licensing',
    action: 'credential.revoke',
    target: 'credential:key-a',
    args: { credentialId: 'key-a' },
    digest: 'digest-1',
    destructive: true,
    state: 'awaiting-approval',
    attempt: 0,
    possiblyRepeated: false,
    at: '2026-03-01T10:01:00.000Z',
    summary: 'Waits for approval.',
    approval: { role: 'responder', expiresAt: '2036-03-01T11:00:00.000Z' },
    evidence: 'e',
    ...changes,
  }
}
