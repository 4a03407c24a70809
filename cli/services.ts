/** The services by name, in the order that data flows: what `run` accepts and `up` runs all of. */
import type { Service, ServiceContext } from '../runtime/service.ts'
import { createAuthorizeService } from '../services/authorize/service.ts'
import { createCollectService } from '../services/collect/service.ts'
import { createConsoleService } from '../services/console/service.ts'
import type { StatusSources } from '../services/console/status.ts'
import { createCorrelateService } from '../services/correlate/service.ts'
import { createDetectService } from '../services/detect/service.ts'
import { createIndexerService } from '../services/indexer/service.ts'
import { createLicensingService } from '../services/licensing/service.ts'
import { createNormalizeService } from '../services/normalize/service.ts'
import { createRespondService } from '../services/respond/service.ts'
import { createScheduleService } from '../services/schedule/service.ts'

export const serviceNames = [
  'collect',
  'normalize',
  'detect',
  'correlate',
  'respond',
  'licensing',
  'authorize',
  'indexer',
  'schedule',
  'console',
] as const
export type ServiceName = (typeof serviceNames)[number]

/** Those that the search index is made for. */
const indexed: ReadonlySet<string> = new Set(['indexer', 'schedule', 'console'])
/** Those whose stages have a use for connectors. */
const connected: ReadonlySet<string> = new Set(['respond'])

/** What the console tells of the services beside it. */
type Factory = (context: ServiceContext, beside: StatusSources) => Service

const factories: Readonly<Record<ServiceName, Factory>> = {
  collect: createCollectService,
  normalize: createNormalizeService,
  detect: createDetectService,
  correlate: createCorrelateService,
  respond: createRespondService,
  licensing: createLicensingService,
  authorize: createAuthorizeService,
  indexer: createIndexerService,
  schedule: createScheduleService,
  console: createConsoleService,
}

export function createService(name: ServiceName, context: ServiceContext, beside: StatusSources): Service {
  return factories[name](context, beside)
}

export const needsIndex = (names: readonly ServiceName[]): boolean => names.some((name) => indexed.has(name))
export const needsConnectors = (names: readonly ServiceName[]): boolean => names.some((name) => connected.has(name))
export const answersGateways = (names: readonly ServiceName[]): boolean =>
  (names as readonly string[]).includes('authorize')
