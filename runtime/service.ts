/**
 * What a service is to whoever composes it: something with a name that starts, stops, says how it is, and may answer HTTP.
 *
 * The composition root (cli/) makes the adapters and hands them in; a service never makes its own.
 */
import type { FastifyInstance } from 'fastify'
import type { Bus } from '../core/ports/bus.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Connector } from '../core/ports/connector.ts'
import type { SearchIndex } from '../core/ports/search-index.ts'
import type { Config } from './config/config.ts'
import type { ContentReader } from './content/content-reader.ts'
import type { Log } from './log.ts'
import type { TaskProgress } from './stage/stage.ts'
import type { Telemetry } from './telemetry.ts'

export interface Health {
  /** `ready`: does its work. `starting`, `degraded` (works, but something waits), `failed`. */
  readonly state: 'starting' | 'ready' | 'degraded' | 'failed'
  readonly summary: string
  /** Why it takes nothing on now, though it has started: `/readyz` tells it to everybody, so it names nothing. */
  readonly unready?: string
}

/** Its last write failed: nothing that it takes on would go further. Over when one succeeds. */
export const writesFail = 'its last write failed; it is tried again'

export interface Service {
  readonly name: string
  start(): Promise<void>
  /** Finishes what is under way, writes its last checkpoint, and returns within the configured grace. */
  stop(): Promise<void>
  health(): Health
  /** Mounts its endpoints; called before `start`. */
  routes?(app: FastifyInstance): void
  /** How far each of its tasks has come: for status, and to tell when a replay is drained. */
  progress?(): readonly TaskProgress[]
}

/** All that a service may be made from. */
export interface ServiceContext {
  readonly config: Config
  /** What relative paths in the configuration start from; default: the working directory. */
  readonly configFolder?: string
  readonly bus: Bus
  readonly content: ContentReader
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  /** Keys credentials' digests; the same in every service. */
  readonly hmacKey: Uint8Array
  /** Only where the service declares that it needs one (indexer, console). */
  readonly index?: SearchIndex
  /** Only for respond. */
  readonly connectors?: readonly Connector[]
  /** Whether silent partitions get ticks now; default yes. A replay has time stand still until its input is read. */
  readonly ticking?: () => boolean
}
