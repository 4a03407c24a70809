/**
 * `GET /v1/status`: how everything is. Services and content as this process knows them, lag as the bus does, dead letters as
 * the index does; a part that can't be told is null, and never keeps the others from being told.
 */
import type { FastifyInstance } from 'fastify'
import type { ContentSet } from '../../core/control.ts'
import { describeError, formatMistake } from '../../core/errors.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { SearchIndex } from '../../core/ports/search-index.ts'
import { topics } from '../../core/topics.ts'
import type { ContentReader } from '../../runtime/content-reader.ts'
import type { Health } from '../../runtime/service.ts'
import type { TaskProgress } from '../../runtime/stage.ts'

/** Which topics each consumer group reads. */
const inputs: Readonly<Record<string, readonly string[]>> = {
  normalize: [topics.audit, topics.inference],
  detect: [topics.events],
  'detect-groups': [topics.observations],
  correlate: [topics.signals],
  'correlate-decisions': [topics.decisions],
  respond: [topics.effects],
  'respond-incidents': [topics.incidents],
  'respond-decisions': [topics.decisions],
  'licensing-commands': [topics.effects],
  licensing: [topics.licenseCommands],
  indexer: [
    topics.events,
    topics.signals,
    topics.incidents,
    topics.incidentHistory,
    topics.effects,
    topics.decisions,
    topics.deeds,
    topics.deadLetters,
    topics.licenses,
  ],
}
const contentSets: readonly ContentSet[] = ['sources', 'rules', 'playbooks', 'inventory']

export interface StatusContext {
  readonly bus: Bus
  readonly index: SearchIndex
  readonly content: ContentReader
}

export interface StatusSources {
  /** Of the services in this process. */
  readonly health: () => Readonly<Record<string, Health>>
  /** Of the tasks in this process. */
  readonly progress: () => readonly TaskProgress[]
}

export function mountStatus(app: FastifyInstance, context: StatusContext, sources: StatusSources): void {
  app.get('/v1/status', { config: { roles: ['viewer', 'analyst', 'responder'] } }, async (request) => {
    const { caller } = request
    const [bus, index, lag, deadLetters, openIncidents] = await Promise.all([
      answers(context.bus.ping()),
      answers(context.index.ping()),
      told(lagOf(context.bus)),
      caller.tenant === undefined ? told(lettersByCode(context.index)) : null,
      told(openOf(context.index, caller.tenant)),
    ])
    return {
      services: sources.health(),
      bus: { kind: context.bus.kind, ...bus },
      index: { kind: context.index.kind, ...index },
      lag,
      watermarks: watermarksOf(sources.progress()),
      openIncidents,
      deadLetters,
      content: contentOf(context.content),
    }
  })
}

async function answers(ping: Promise<void>): Promise<{ readonly ok: boolean; readonly problem?: string }> {
  try {
    await ping
    return { ok: true }
  } catch (error) {
    return { ok: false, problem: describeError(error) }
  }
}

async function told<T>(part: Promise<T>): Promise<T | null> {
  return await part.catch(() => null)
}

interface Lag {
  readonly stage: string
  readonly topic: string
  /** Records that wait. */
  readonly records: number
}

async function lagOf(bus: Bus): Promise<readonly Lag[]> {
  const pairs = Object.entries(inputs).flatMap(([stage, read]) => read.map((topic) => ({ stage, topic })))
  return await Promise.all(
    pairs.map(async ({ stage, topic }) => {
      const [ends, committed] = await Promise.all([bus.offsets(topic), bus.groupOffsets(`warden.${stage}`, topic)])
      const reached = new Map(committed.map(({ partition, offset }) => [partition, offset]))
      let records = 0
      for (const { partition, low, high } of ends) {
        records += Math.max(0, high - Math.max(low, reached.get(partition) ?? -1))
      }
      return { stage, topic, records }
    }),
  )
}

/** The least of each stage's tasks: so far its input is complete. Null: a task has none yet. */
function watermarksOf(
  progress: readonly TaskProgress[],
): readonly { stage: string; at: string | null; ended: boolean }[] {
  const stages = new Map<string, TaskProgress[]>()
  for (const task of progress) stages.set(task.stage, [...(stages.get(task.stage) ?? []), task])
  return [...stages].map(([stage, tasks]) => {
    const reached = tasks.map((task) => task.watermarkMs)
    const least = reached.includes(null) ? null : Math.min(...(reached as number[]))
    const at = least === null || !Number.isFinite(least) ? null : new Date(least).toISOString()
    return { stage, at, ended: tasks.every((task) => task.ended) }
  })
}

async function lettersByCode(index: SearchIndex): Promise<Readonly<Record<string, number>>> {
  const waiting = { not: { field: 'replayed.count', exists: true } } as const
  const buckets = await index.terms('dead-letters', 'code', 1_000, waiting)
  return Object.fromEntries(buckets.map(({ key, count }) => [key, count]))
}

async function openOf(index: SearchIndex, tenant: string | undefined): Promise<Readonly<Record<string, number>>> {
  const buckets = await index.terms('incidents', 'severity', 10, {
    all: [
      { field: 'status', in: ['open', 'acknowledged'] },
      { not: { field: 'synthetic', is: true } },
      ...(tenant === undefined ? [] : [{ field: 'tenant', is: tenant }]),
    ],
  })
  return Object.fromEntries(buckets.map(({ key, count }) => [key, count]))
}

function contentOf(content: ContentReader): unknown {
  return {
    inForce: Object.fromEntries(contentSets.map((set) => [set, content.current(set) ?? null])),
    mistakes: content.mistakes().map(({ set, by, digest, mistakes }) => ({
      set,
      by,
      digest,
      mistakes: mistakes.map((mistake) => ({ ...mistake, text: formatMistake(mistake) })),
    })),
  }
}
