/**
 * The collect service: takes events in over HTTP and puts them on the bus as they came, credentials replaced.
 */
import { writesFail, type Health, type Service, type ServiceContext } from '../../runtime/service.ts'
import { SourceCatalog } from './catalog.ts'
import { CollectHttp } from './http.ts'

export function createCollectService(context: ServiceContext): Service {
  const catalog = new SourceCatalog(context.content)
  const { bus, clock, telemetry, hmacKey, config } = context
  const log = context.log.with({ service: 'collect' })
  const http = new CollectHttp({ bus, clock, log, telemetry, hmacKey, collect: config.collect }, catalog)
  let started = false
  return {
    name: 'collect',
    start: async () => {
      await bus.ping()
      started = true
    },
    stop: async () => {
      started = false
    },
    health: (): Health => {
      if (!started) return { state: 'starting', summary: 'waits for the bus' }
      if (context.content.current('sources') === undefined) return { state: 'starting', summary: 'waits for sources' }
      const failure = http.busFailure
      return failure === undefined
        ? { state: 'ready', summary: 'takes records in' }
        : { state: 'degraded', summary: `the bus refused the last records: ${failure}`, unready: writesFail }
    },
    routes: (app) => http.mount(app),
  }
}
