/**
 * The clockwork: jobs at their times, on node-cron. What a job does, it puts on the bus; it never acts by itself.
 *
 * Any number of copies may run: each run is done once (once.ts). Jobs: a synthetic record a minute, which measures the
 * pipeline from end to end; silence of sources; licenses that end soon; how licenses stand, told to the logs of events.
 */
import { schedule as cron, type ScheduledTask } from 'node-cron'
import { describeError } from '../../core/errors.ts'
import { derivedId } from '../../core/ids.ts'
import { parseJson } from '../../core/json.ts'
import { LicenseRecord, type License } from '../../core/license.ts'
import type { BusRecord, Consumption } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { compileSources } from '../../engine/sources/compile.ts'
import type { Health, Service, ServiceContext } from '../../runtime/service.ts'
import { Board } from './board.ts'
import { licenseNotices } from './license-notices.ts'
import { licensesTold } from './licenses-told.ts'
import { runOnce, type Job } from './once.ts'
import { syntheticRecord } from './own-records.ts'
import { judgeSilence } from './silence.ts'

const minuteMs = 60_000

interface TimedJob extends Job {
  readonly cron: string
}

export function createScheduleService(context: ServiceContext): Service {
  return new Schedule(context)
}

class Schedule implements Service {
  readonly name = 'schedule'
  readonly #context: ServiceContext
  readonly #board: Board
  readonly #tasks: ScheduledTask[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #troubles = new Map<string, string>()
  #returns: Consumption | undefined
  #started = false
  #silenceMs: { readonly digest: string; readonly of: ReadonlyMap<string, number> } | undefined

  constructor(context: ServiceContext) {
    this.#context = { ...context, log: context.log.with({ service: 'schedule' }) }
    this.#board = new Board(context.bus)
  }

  async start(): Promise<void> {
    await this.#board.refresh()
    this.#returns = await this.#watchReturns()
    for (const job of this.#jobs()) {
      this.#tasks.push(
        cron(job.cron, ({ date }) => this.#run(job, date.getTime()), {
          name: job.name,
          timezone: 'UTC',
          noOverlap: true,
          suppressMissedWarning: true,
        }),
      )
      // What came due while nobody was there need not wait for its next time.
      void this.#run(job, this.#context.clock.nowMs())
    }
    this.#started = true
  }

  async stop(): Promise<void> {
    this.#started = false
    for (const task of this.#tasks.splice(0)) await task.destroy()
    await Promise.all(this.#running)
    await this.#returns?.close()
  }

  health(): Health {
    if (!this.#started) return { state: 'starting', summary: 'reads what it knows' }
    const [trouble] = this.#troubles
    if (trouble === undefined) return { state: 'ready', summary: 'keeps time' }
    return { state: 'degraded', summary: `the job ${trouble[0]} failed: ${trouble[1]}` }
  }

  #jobs(): readonly TimedJob[] {
    const { schedule } = this.#context.config
    return [
      {
        name: 'synthetic',
        cron: schedule.synthetic,
        work: ({ scheduledMs, nowMs }) => [syntheticRecord(derivedId('synthetic', scheduledMs), nowMs)],
      },
      {
        name: 'source-silence',
        cron: schedule.sourceSilence,
        work: async (turn) => judgeSilence(turn, await this.#allowedSilence()),
      },
      {
        name: 'license-notices',
        cron: schedule.licenseNotices,
        work: async (turn) => licenseNotices(turn, licensesOf(await this.#licenseRecords())),
      },
      {
        name: 'licenses-told',
        cron: schedule.licensesTold,
        work: async () =>
          licensesTold(await this.#licenseRecords(), await this.#context.bus.partitionCount(topics.events)),
      },
    ]
  }

  #run(job: Job, atMs: number): Promise<void> {
    // Two schedulers' clocks differ by less than a minute; the run has the minute's name.
    const scheduledMs = Math.floor(atMs / minuteMs) * minuteMs
    const { bus, clock, log, telemetry } = this.#context
    const run = runOnce(job, scheduledMs, { bus, board: this.#board, nowMs: () => clock.nowMs() }).then(
      (outcome) => {
        this.#troubles.delete(job.name)
        telemetry.count('schedule_runs', { job: job.name, outcome })
      },
      (error: unknown) => {
        this.#troubles.set(job.name, describeError(error))
        telemetry.count('schedule_runs', { job: job.name, outcome: 'failed' })
        log.warn('a job failed; it is tried again at its next time', { job: job.name, error: describeError(error) })
      },
    )
    const tracked: Promise<void> = run.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
    return tracked
  }

  /** How long each source may be silent, by the sources in force. */
  async #allowedSilence(): Promise<ReadonlyMap<string, number>> {
    const digest = this.#context.content.current('sources')
    if (digest === undefined) return new Map()
    if (this.#silenceMs?.digest !== digest) {
      const { files } = await this.#context.content.bundle(digest)
      const { sources, mistakes } = compileSources(files)
      if (mistakes.length > 0) return this.#silenceMs?.of ?? new Map()
      const of = new Map<string, number>()
      for (const { name, silenceMs } of sources.values()) if (silenceMs !== undefined) of.set(name, silenceMs)
      this.#silenceMs = { digest, of }
    }
    return this.#silenceMs.of
  }

  /** Licenses and credentials as they stand. */
  async #licenseRecords(): Promise<readonly LicenseRecord[]> {
    const records = new Map<string, LicenseRecord>()
    await this.#context.bus.read({ topic: topics.licenses, partition: 0 }, 'start', (batch) => {
      for (const { key, value } of batch) {
        if (key === undefined) continue
        const parsed = value === null ? undefined : parseJson(value)
        const record = parsed?.ok === true ? LicenseRecord.safeParse(parsed.value).data : undefined
        if (record === undefined) records.delete(key)
        else records.set(key, record)
      }
    })
    return [...records.values()]
  }

  /** Synthetic records come back as signals: from the arrival of the one to the other the whole pipeline has worked. */
  async #watchReturns(): Promise<Consumption> {
    const { bus } = this.#context
    return bus.consume({
      group: 'warden.schedule',
      topics: [topics.signals],
      handler: {
        assigned: async ({ topic, partition }) => {
          const ends = await bus.offsets(topic)
          return ends.find((end) => end.partition === partition)?.high
        },
        records: async (_at, batch) => {
          for (const record of batch) this.#measure(record)
        },
        revoked: async () => undefined,
      },
    })
  }

  #measure(record: BusRecord): void {
    // Signals in their thousands are not parsed for the one a minute that matters.
    if (record.value?.includes('"synthetic":true') !== true) return
    const parsed = parseJson(record.value)
    const signal = parsed.ok ? (parsed.value as { synthetic?: unknown; arrivedMs?: unknown } | null) : null
    if (signal?.synthetic !== true || typeof signal.arrivedMs !== 'number') return
    const { telemetry, clock } = this.#context
    telemetry.endToEnd('schedule', clock.nowMs() - signal.arrivedMs)
    telemetry.gauge('synthetic_returned_timestamp_seconds', {}, clock.nowMs() / 1_000)
  }
}

function licensesOf(records: readonly LicenseRecord[]): readonly License[] {
  return records.flatMap((record) => (record.kind === 'license' ? [record.license] : []))
}
