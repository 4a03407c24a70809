/**
 * The indexer: everything that people look at -> the search index.
 *
 * A sink at the end of the flow, without state: redelivery changes nothing, since documents have ids and versions. Promises:
 * what the index refuses for good is a dead letter; an index that is down holds back nothing but the indexer, which says
 * so in its health and goes on when it is back; an index found empty is filled again from what the bus still has.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { consumedTopics } from '../../core/consumed-topics.ts'
import { describeError } from '../../core/errors.ts'
import type { BusRecord } from '../../core/ports/bus.ts'
import { collections, type PutDocument, type SearchIndex } from '../../core/ports/search-index.ts'
import { headers, topics } from '../../core/topics.ts'
import type { Health, Service, ServiceContext } from '../../runtime/service.ts'
import { runSink, type SinkOutcome, type SinkRun } from '../../runtime/sink-runner.ts'
import { documentOf } from './documents.ts'

const name = 'indexer'
const retryPauseMsMax = 10_000
const expireEveryMs = 3_600_000
const dayMs = 86_400_000
/** What an account held of a model is told again whenever it asks: after so long, nothing more will be. */
const leaksKeptDays = 400

export function createIndexerService(context: ServiceContext): Service {
  const { index, log, telemetry } = context
  if (index === undefined) throw new TypeError('the indexer needs a search index')
  const stopping = new AbortController()
  let sink: SinkRun | undefined
  let trouble: string | undefined
  let starting: Promise<void> = Promise.resolve()
  let expiry: NodeJS.Timeout | undefined

  const begin = async (): Promise<void> => {
    const fromBeginning = await isEmpty(index)
    if (stopping.signal.aborted) return
    const write = (records: readonly BusRecord[]): Promise<readonly SinkOutcome[]> => store(records, context, index)
    sink = runSink({ name, inputs: consumedTopics.indexer, fromBeginning, write }, context)
    await sink.start()
  }
  const beginWhenThere = async (): Promise<void> => {
    for (let pauseMs = 200; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, retryPauseMsMax)) {
      try {
        await begin()
        trouble = undefined
        return
      } catch (error) {
        trouble = describeError(error)
        telemetry.retried(name, 'start')
        log.debug('the search index can not be filled yet', { pauseMs, error: trouble })
        await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }
  return {
    name,
    start: async () => {
      try {
        await begin()
      } catch (error) {
        trouble = describeError(error)
        log.warn('the search index can not be filled yet; trying again', { error: trouble })
        starting = beginWhenThere()
      }
      expiry = setInterval(() => void expire(context, index), expireEveryMs)
      expiry.unref()
    },
    stop: async () => {
      stopping.abort()
      clearInterval(expiry)
      await starting
      await sink?.stop()
    },
    health: (): Health => {
      if (trouble !== undefined) return { state: 'degraded', summary: `waits for the search index: ${trouble}` }
      return sink?.health() ?? { state: 'starting', summary: 'looks at the search index' }
    },
  }
}

async function isEmpty(index: SearchIndex): Promise<boolean> {
  await index.prepare()
  for (const collection of collections) if ((await index.count(collection)) > 0) return false
  return true
}

/** Two copies that do this at the same time remove the same documents. */
async function expire({ config, clock, log, telemetry }: ServiceContext, index: SearchIndex): Promise<void> {
  const { eventsKeptDays, deadLettersKeptDays } = config.indexer
  for (const [collection, days] of [
    ['events', eventsKeptDays],
    ['dead-letters', deadLettersKeptDays],
    ['leaks', leaksKeptDays],
  ] as const) {
    try {
      const removed = await index.expire(collection, clock.nowMs() - days * dayMs)
      if (removed > 0) telemetry.count('index_documents_expired', { collection }, removed)
    } catch (error) {
      log.warn('old documents could not be removed; trying again later', { collection, error: describeError(error) })
    }
  }
}

const stored: SinkOutcome = { ok: true }

async function store(
  records: readonly BusRecord[],
  { log, telemetry, clock }: ServiceContext,
  index: SearchIndex,
): Promise<readonly SinkOutcome[]> {
  const outcomes: SinkOutcome[] = []
  const puts: PutDocument[] = []
  const places: number[] = []
  const drops = new Map<string, number>()
  const drop = (reason: string): void => void drops.set(reason, (drops.get(reason) ?? 0) + 1)
  const refuse = (at: number, code: (SinkOutcome & { ok: false })['code'], message: string): void => {
    const record = records[at]!
    if (record.topic !== topics.deadLetters) {
      outcomes[at] = { ok: false, code, message }
      return
    }
    // A dead letter about a dead letter could go on for ever.
    outcomes[at] = stored
    drop('dead-letter-refused')
    log.error('a dead letter could not be indexed', { partition: record.partition, offset: record.offset, message })
  }
  for (const [at, record] of records.entries()) {
    const indexable = documentOf(record)
    if ('puts' in indexable) {
      outcomes[at] = stored
      puts.push(...indexable.puts)
      places.push(...indexable.puts.map(() => at))
    } else if ('skipped' in indexable) {
      outcomes[at] = stored
      drop(indexable.skipped)
    } else refuse(at, indexable.code, indexable.message)
  }
  for (const [i, { outcome, reason }] of (await index.put(puts)).entries()) {
    if (outcome === 'refused') refuse(places[i]!, 'INDEX_REFUSED', reason ?? 'The index gave no reason.')
    else if (outcome !== 'stored') drop(outcome)
  }
  for (const [reason, count] of drops) telemetry.dropped(name, reason, count)
  const arrivedMs = Number(records.at(-1)?.headers[headers.arrived])
  if (Number.isFinite(arrivedMs)) telemetry.endToEnd(name, clock.nowMs() - arrivedMs)
  return outcomes
}
