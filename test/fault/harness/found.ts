/** What a run has come to, read from the index and from the bus. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Action } from '../../../core/action.ts'
import { IndexUnavailableError } from '../../../core/errors.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import type { SearchIndex, SearchPage, SearchQuery } from '../../../core/ports/search-index.ts'
import { topics } from '../../../core/topics.ts'
import type { Outcome } from './outcome.ts'

export interface IndexOutcome {
  /** Raw digests of the events that the index holds, one for each document. */
  readonly indexed: readonly string[]
  readonly indexedSignals: number
  /** Ids of the dead letters that the index holds. */
  readonly indexedDeadLetters: ReadonlySet<string>
  /** Events by which the clockwork tells of the license's end. */
  readonly licenseNotices: number
}

export interface BusOutcome {
  readonly actions: readonly Action[]
  /** `code sha256` of each dead letter, by its id. */
  readonly deadLetters: ReadonlyMap<string, string>
}

const licenseNotice = 'license.expiring'
const syntheticRule = 'modelwarden-synthetic'

/** Until the clock has struck, and what the clockwork tells of the license is in the index. */
export async function untilNoticed(index: SearchIndex, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  while (performance.now() < deadline) {
    try {
      await index.refresh()
      if ((await index.count('events', { field: 'event.action', is: licenseNotice })) > 0) return
    } catch (error) {
      if (!(error instanceof IndexUnavailableError)) throw error
    }
    await sleep(1_000)
  }
}

/** The record by which the pipeline measures itself is none of the day's. */
export function withoutSynthetic(outcome: Outcome): Outcome {
  const isSynthetic = (id: string): boolean =>
    (outcome.signals[id] as { rule?: string } | undefined)?.rule === syntheticRule
  const others = <T>(of: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).filter(([id]) => !isSynthetic(id)))
  return { ...outcome, signals: others(outcome.signals), times: others(outcome.times) }
}

export async function indexOutcome(index: SearchIndex): Promise<IndexOutcome> {
  await index.refresh()
  const indexed: string[] = []
  let licenseNotices = 0
  // The record by which the pipeline measures itself is none of the day's.
  await eachHit(index, { collection: 'events', filter: { not: { field: 'warden.synthetic', is: true } } }, (hit) => {
    const { event } = hit.document as unknown as { event: { hash: string; action: string } }
    if (event.action === licenseNotice) licenseNotices += 1
    else indexed.push(event.hash)
  })
  const letters = new Set<string>()
  await eachHit(index, { collection: 'dead-letters' }, (hit) => {
    letters.add(hit.id)
  })
  return {
    indexed,
    licenseNotices,
    indexedSignals: await index.count('signals', {
      all: [{ field: 'status', is: 'open' }, { not: { field: 'synthetic', is: true } }],
    }),
    indexedDeadLetters: letters,
  }
}

async function eachHit(index: SearchIndex, query: SearchQuery, take: (hit: Hit) => void): Promise<void> {
  let after: string | undefined
  do {
    const page = await searched(index, { ...query, size: 1_000, ...(after === undefined ? {} : { after }) })
    for (const hit of page.hits) take(hit)
    after = page.after
  } while (after !== undefined)
}

type Hit = SearchPage['hits'][number]

async function searched(index: SearchIndex, query: SearchQuery): Promise<SearchPage> {
  for (let tries = 1; ; tries++) {
    try {
      return await index.search(query)
    } catch (error) {
      if (!(error instanceof IndexUnavailableError) || tries > 20) throw error
      await sleep(1_000)
    }
  }
}

/** It may have been done, or may still be. */
export function isUndecided({ state }: Pick<Action, 'state'>): boolean {
  return state === 'asked' || state === 'reserved' || state === 'attempted'
}

export async function busOutcome(bus: Bus): Promise<BusOutcome> {
  const actions = new Map<string, Action>()
  await each<{ kind?: string; action?: Action }>(bus, topics.effects, ({ kind, action }) => {
    if (kind !== 'action' || action === undefined) return
    const known = actions.get(action.id)
    if (known === undefined || known.version <= action.version) actions.set(action.id, action)
  })
  const deadLetters = new Map<string, string>()
  await each<{ id: string; stage: string; code: string; sha256: string }>(bus, topics.deadLetters, (letter) => {
    deadLetters.set(letter.id, `${letter.code} ${letter.sha256}`)
  })
  return { actions: [...actions.values()], deadLetters }
}

async function each<T>(bus: Bus, topic: string, take: (value: T) => void): Promise<void> {
  for (let partition = 0; partition < (await bus.partitionCount(topic)); partition += 1) {
    await bus.read({ topic, partition }, 'start', (batch) => {
      for (const record of batch) if (record.value !== null) take(JSON.parse(record.value.toString()) as T)
    })
  }
}
