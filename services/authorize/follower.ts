/**
 * Keeps the memory of authorize abreast of `warden.licenses`.
 *
 * Promises: ready only once everything that was there has been read; keeps trying while the bus is away; every few seconds
 * it looks whether the topic has an end that it has not reached, and reads up to there: a follower that got stuck must not
 * leave a revoked key working; says since when it has not been in touch.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { counted } from '../../core/counted.ts'
import { describeError } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import { LicenseRecord } from '../../core/license.ts'
import type { BusRecord } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { followTopic, type Followed } from '../../runtime/broadcast.ts'
import type { Health, ServiceContext } from '../../runtime/service.ts'
import type { LicenseMap } from './license-map.ts'

const retryPauseMsMax = 5_000
const lookEveryMs = 3_000
/** Out of touch for longer than this is told as degraded. */
const silenceMsMax = 10_000

type FollowerContext = Pick<ServiceContext, 'bus' | 'clock' | 'log' | 'telemetry'>

export class LicenseFollower {
  readonly #context: FollowerContext
  readonly #map: LicenseMap
  readonly #stopping = new AbortController()
  readonly #nextOffsets = new Map<number, number>()
  #following: Promise<void> = Promise.resolve()
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #busy = false
  #ready = false
  /** Whether the silence that lasts has been logged. */
  #told = false
  #touchedMs = 0

  constructor(context: FollowerContext, map: LicenseMap) {
    this.#context = context
    this.#map = map
  }

  get ready(): boolean {
    return this.#ready
  }

  /** How long the bus has not been heard of. */
  silenceMs(): number {
    return this.#ready ? this.#context.clock.monotonicMs() - this.#touchedMs : 0
  }

  start(): void {
    this.#following = this.#follow()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#timer)
    await Promise.all([this.#following, this.#looking])
  }

  health(): Health {
    if (!this.#ready) return { state: 'starting', summary: 'reading licenses and credentials' }
    const silenceMs = this.silenceMs()
    if (silenceMs <= silenceMsMax)
      return { state: 'ready', summary: `knows ${counted(this.#map.credentials, 'credential')}` }
    const seconds = Math.round(silenceMs / 1_000)
    return { state: 'degraded', summary: `has not reached the bus for ${seconds} s; answers from memory` }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping
    const { bus, log, clock } = this.#context
    let followed: Followed | undefined
    for (
      let pauseMs = 200;
      followed === undefined && !signal.aborted;
      pauseMs = Math.min(pauseMs * 2, retryPauseMsMax)
    ) {
      try {
        followed = await followTopic(bus, topics.licenses, (record) => this.#apply(record))
      } catch (error) {
        log.warn('licenses can not be read yet; trying again', { pauseMs, error: describeError(error) })
        await pause(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
    if (followed === undefined) return
    this.#touchedMs = clock.monotonicMs()
    this.#ready = true
    log.info('licenses and credentials are read', {
      licenseCount: this.#map.licenses,
      credentialCount: this.#map.credentials,
    })
    this.#timer = setInterval(() => this.#lookOnce(), lookEveryMs)
    this.#timer.unref()
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    clearInterval(this.#timer)
    await followed.stop()
  }

  #lookOnce(): void {
    if (this.#busy || this.#stopping.signal.aborted) return
    this.#busy = true
    this.#looking = this.#look().finally(() => {
      this.#busy = false
    })
  }

  /** Reads what the follower has not brought. */
  async #look(): Promise<void> {
    const { bus, clock, log, telemetry } = this.#context
    try {
      for (const { partition, high } of await bus.offsets(topics.licenses)) {
        const next = this.#nextOffsets.get(partition) ?? 0
        if (high <= next) continue
        await bus.read({ topic: topics.licenses, partition }, next, (batch) =>
          batch.forEach((record) => this.#apply(record)),
        )
        this.#nextOffsets.set(partition, Math.max(high, this.#nextOffsets.get(partition) ?? 0))
      }
      this.#touchedMs = clock.monotonicMs()
      if (this.#told) log.info('the bus is back; licenses and credentials are up to date')
      this.#told = false
    } catch (error) {
      if (!this.#told) log.warn('the bus can not be reached; answering from memory', { error: describeError(error) })
      this.#told = true
    }
    telemetry.gauge('authorize_silence_seconds', {}, this.silenceMs() / 1_000)
  }

  #apply(record: BusRecord): void {
    this.#nextOffsets.set(record.partition, Math.max(record.offset + 1, this.#nextOffsets.get(record.partition) ?? 0))
    const { clock, log, telemetry } = this.#context
    if (record.value === null) {
      if (record.key !== undefined) this.#map.remove(record.key)
      return
    }
    const parsed = parseJson(record.value)
    const license = parsed.ok ? LicenseRecord.safeParse(parsed.value) : undefined
    if (license?.success !== true) {
      telemetry.count('authorize_records_refused', { reason: parsed.ok ? 'NOT_A_LICENSE' : parsed.code })
      log.error('a record of licenses and credentials can not be read, and changes nothing', {
        partition: record.partition,
        offset: record.offset,
      })
      return
    }
    const { data } = license
    if (!this.#map.apply(data) || !this.#ready) return
    const arrivedMs = data.kind === 'credential' && data.state !== 'active' ? data.arrivedMs : undefined
    if (arrivedMs !== undefined) telemetry.endToEnd('authorize', clock.nowMs() - arrivedMs)
  }
}
