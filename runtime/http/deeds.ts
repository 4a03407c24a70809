/**
 * Keeps record of what callers do: each deed goes onto the bus before it is tried, and again when it has ended.
 *
 * Stands between the HTTP listener and `warden.deeds`. Promises: nothing is tried that is not on record (503 where the bus
 * does not take it); refusals are on record too, so many a minute of one caller, and counted past that; no argument is told,
 * only its digest.
 */
import type { FastifyRequest } from 'fastify'
import { Deed } from '../../core/deed.ts'
import { describeError } from '../../core/errors.ts'
import { canonicalDigest, derivedId } from '../../core/ids.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { HttpError } from './http-error.ts'
import type { Log } from '../log.ts'
import type { Telemetry } from '../telemetry.ts'

/** Refused deeds of one caller that go on record in a minute. */
const refusalsPerMinuteMax = 60
const minuteMs = 60_000
const targetCharsMax = 1_024

export interface DeedBookOptions {
  readonly bus: Pick<Bus, 'publish'>
  readonly nowMs: () => number
  readonly log: Log
  readonly telemetry: Telemetry
}

export class DeedBook {
  readonly #options: DeedBookOptions
  readonly #attempted = new WeakMap<FastifyRequest, Deed>()
  readonly #refusals = new Map<string, { count: number; sinceMs: number }>()

  constructor(options: DeedBookOptions) {
    this.#options = options
  }

  /** Puts it on record that this is about to be tried. Throws HttpError 503 where that fails. */
  async attempt(request: FastifyRequest, target: string, digest: string): Promise<void> {
    const deed = this.#deedOf(request, digest, { outcome: 'attempted', target: target.slice(0, targetCharsMax) })
    try {
      await this.#write(deed)
    } catch (error) {
      throw new HttpError(503, 'NOT_RECORDED', 'It could not be put on record, so it was not done.', {
        cause: error,
        retryAfterMs: 2_000,
        hint: 'Send the same request again.',
      })
    }
    this.#attempted.set(request, deed)
  }

  /** Puts on record how it ended; `code` where it did not go well. */
  async ended(request: FastifyRequest, status: number, code: string | undefined): Promise<void> {
    const before = this.#attempted.get(request)
    if (before === undefined && !this.#mayRecordRefusal(request.caller.name)) {
      this.#options.telemetry.count('deeds_unrecorded', { reason: 'refusals' })
      return
    }
    const outcome = status < 400 ? 'done' : status < 500 ? 'refused' : 'failed'
    const deed: Deed = {
      ...(before ?? this.#deedOf(request, canonicalDigest(null), { outcome })),
      version: before === undefined ? 1 : 2,
      outcome,
      status,
      ...(code === undefined ? {} : { code }),
    }
    try {
      await this.#write(deed)
    } catch (error) {
      this.#options.telemetry.count('deeds_unrecorded', { reason: 'bus' })
      const fields = { requestId: deed.id, by: deed.by, deed: deed.deed, status, error: describeError(error) }
      this.#options.log.error('How a deed ended could not be put on record', fields)
    }
  }

  async #write(deed: Deed): Promise<void> {
    await this.#options.bus.publish([{ topic: topics.deeds, key: deed.tenant, value: JSON.stringify(deed) }])
    this.#options.telemetry.count('deeds', { outcome: deed.outcome })
  }

  #deedOf(request: FastifyRequest, digest: string, rest: Pick<Deed, 'outcome' | 'target'>): Deed {
    const { caller } = request
    const route = request.routeOptions.url ?? 'unknown'
    return Deed.parse({
      id: derivedId('deed', request.id),
      version: 1,
      at: new Date(this.#options.nowMs()).toISOString(),
      by: `operator:${caller.name}`,
      roles: [...caller.roles],
      tenant: caller.tenant ?? 'operator',
      deed: `${request.method} ${route}`,
      arguments: digest,
      address: request.ip,
      ...rest,
    })
  }

  #mayRecordRefusal(name: string): boolean {
    const now = this.#options.nowMs()
    const known = this.#refusals.get(name)
    if (known === undefined || now - known.sinceMs >= minuteMs) {
      this.#refusals.set(name, { count: 1, sinceMs: now })
      return true
    }
    known.count++
    return known.count <= refusalsPerMinuteMax
  }
}
