/**
 * The authorize service: answers "may this call pass?" from memory, as many copies as there are gateways.
 *
 * Reads warden.licenses on its own in each copy, and writes nothing. Promises: no answer before all that was there is read;
 * a revocation is in force as soon as its record arrives; starting waits for nothing.
 */
import { HttpError } from '../../runtime/http/http-error.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { Authorizer } from './authorizer.ts'
import { mountExtAuthz } from './ext-authz.ts'
import { LicenseFollower } from './follower.ts'
import { LicenseMap } from './license-map.ts'
import { MeasuredAuthorizer } from './measured.ts'
import { mountAuthorizeRoutes } from './routes.ts'
import { UsageBook } from './usage-book.ts'

const sweepEveryMs = 10_000

export function createAuthorizeService(context: ServiceContext): Service {
  const { clock, config, hmacKey, telemetry } = context
  const settings = config.authorize
  const map = new LicenseMap()
  const usage = new UsageBook(settings)
  const follower = new LicenseFollower(context, map)
  const authorizer = new Authorizer({ map, usage, hmacKey, nowMs: () => clock.nowMs() })
  const measured = new MeasuredAuthorizer(authorizer, context)
  let sweep: NodeJS.Timeout | undefined

  const checkReady = (): void => {
    if (!follower.ready) {
      throw new HttpError(503, 'NOT_READY', 'Licenses and credentials are still being read.', { retryAfterMs: 1_000 })
    }
    const { refuseAfterSilenceMs } = settings
    if (refuseAfterSilenceMs !== undefined && follower.silenceMs() > refuseAfterSilenceMs) {
      throw new HttpError(503, 'OUT_OF_TOUCH', 'What is known here may be out of date.', { retryAfterMs: 5_000 })
    }
  }

  return {
    name: 'authorize',
    start: async () => {
      follower.start()
      sweep = setInterval(() => {
        usage.prune(clock.nowMs())
        telemetry.gauge('authorize_credentials', {}, map.credentials)
        telemetry.gauge('authorize_licenses', {}, map.licenses)
        telemetry.gauge('authorize_leases', {}, usage.leases)
      }, sweepEveryMs)
      sweep.unref()
    },
    stop: async () => {
      clearInterval(sweep)
      await follower.stop()
    },
    health: () => follower.health(),
    routes: (app) => {
      mountAuthorizeRoutes(app, authorizer, measured, checkReady)
      mountExtAuthz(app, measured, { config: settings, forwarded: config.http.trustedProxies.length > 0, checkReady })
    },
  }
}
