/** How each service is made. */
import type { Service, ServiceContext } from '../runtime/service.ts'
import { createAuthorizeService } from '../services/authorize/service.ts'
import { createCollectService } from '../services/collect/service.ts'
import { createConsoleService, type ConsoleOptions } from '../services/console/service.ts'
import { createCorrelateService } from '../services/correlate/service.ts'
import { createDetectService } from '../services/detect/service.ts'
import { createIndexerService } from '../services/indexer/service.ts'
import { createLicensingService } from '../services/licensing/service.ts'
import { createMeterService } from '../services/meter/service.ts'
import { createNormalizeService } from '../services/normalize/service.ts'
import { createRespondService } from '../services/respond/service.ts'
import { createScheduleService } from '../services/schedule/service.ts'
import type { ServiceName } from './service-names.ts'

/** What the console tells of the services beside it. */
type Factory = (context: ServiceContext, beside: ConsoleOptions) => Service

const factories: Readonly<Record<ServiceName, Factory>> = {
  collect: createCollectService,
  normalize: createNormalizeService,
  detect: createDetectService,
  meter: createMeterService,
  correlate: createCorrelateService,
  respond: createRespondService,
  licensing: createLicensingService,
  authorize: createAuthorizeService,
  indexer: createIndexerService,
  schedule: createScheduleService,
  console: createConsoleService,
}

export function createService(name: ServiceName, context: ServiceContext, beside: ConsoleOptions): Service {
  return factories[name](context, beside)
}
