/**
 * `GET /v1/status`: how everything is. Services and content as this process knows them, lag as the bus does, dead letters as
 * the index does; a part that can't be told is null, and never keeps the others from being told.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { consumedTopics } from '../../core/consumed-topics.ts'
import { describeError } from '../../core/errors.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Bucket, SearchIndex } from '../../core/ports/search-index.ts'
import type { ContentReader } from '../../runtime/content/content-reader.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import type { Health } from '../../runtime/service.ts'
import type { TaskProgress } from '../../runtime/stage/stage.ts'
import { ContentMistakes, contentSets, mistakesOf } from './content.ts'

const hourMs = 3_600_000
const healthStates = ['starting', 'ready', 'degraded', 'failed'] as const

export interface StatusContext {
  readonly bus: Bus
  readonly index: SearchIndex
  readonly content: ContentReader
  readonly clock: Clock
}

export interface StatusSources {
  /** Of the services in this process. */
  readonly health: () => Readonly<Record<string, Health>>
  /** Of the tasks in this process. */
  readonly progress: () => readonly TaskProgress[]
}

const Answers = z.strictObject({ kind: z.string(), ok: z.boolean(), problem: z.string().optional() })
const Counts = z.record(z.string(), z.int())
const Status = z.strictObject({
  services: z.record(
    z.string(),
    z.strictObject({ state: z.enum(healthStates), summary: z.string(), unready: z.string().optional() }),
  ),
  bus: Answers,
  index: Answers,
  lag: z.array(z.strictObject({ stage: z.string(), topic: z.string(), records: z.int() })).nullable(),
  watermarks: z
    .array(z.strictObject({ stage: z.string(), at: z.iso.datetime().nullable(), ended: z.boolean() }))
    .nullable(),
  /** By source, over the last hour of event time. */
  eventsLastHour: Counts.nullable(),
  openIncidents: Counts.nullable(),
  deadLetters: Counts.nullable(),
  content: z
    .strictObject({ inForce: z.record(z.string(), z.string().nullable()), mistakes: ContentMistakes })
    .nullable(),
})

export function mountStatus(app: FastifyInstance, context: StatusContext, sources: StatusSources): void {
  mountRoute(app, {
    method: 'GET',
    url: '/v1/status',
    roles: ['viewer', 'analyst', 'responder'],
    summary: 'How the services are, what waits, what is in force',
    tag: 'status',
    answers: {
      200: { description: 'A part that can’t be told, or that is the operator’s, is null.', schema: Status },
    },
    handle: async ({ caller }) => {
      const operator = caller.tenant === undefined
      const [bus, index, lag, eventsLastHour, deadLetters, openIncidents] = await Promise.all([
        answers(context.bus.ping(), operator),
        answers(context.index.ping(), operator),
        operator ? told(lagOf(context.bus)) : null,
        operator ? told(eventsBySource(context.index, context.clock.nowMs() - hourMs)) : null,
        operator ? told(lettersByCode(context.index)) : null,
        told(openOf(context.index, caller.tenant)),
      ])
      return {
        services: healthOf(sources.health(), operator),
        bus: { kind: context.bus.kind, ...bus },
        index: { kind: context.index.kind, ...index },
        lag,
        watermarks: operator ? watermarksOf(sources.progress()) : null,
        eventsLastHour,
        openIncidents,
        deadLetters,
        content: operator ? contentOf(context.content) : null,
      }
    },
  })
}

/** A tenant is told how things are, and nothing of why: a summary may name what is others'. */
function healthOf(services: Readonly<Record<string, Health>>, operator: boolean): Readonly<Record<string, Health>> {
  if (operator) return services
  return Object.fromEntries(Object.entries(services).map(([name, { state }]) => [name, { state, summary: state }]))
}

async function answers(
  ping: Promise<void>,
  operator: boolean,
): Promise<{ readonly ok: boolean; readonly problem?: string }> {
  try {
    await ping
    return { ok: true }
  } catch (error) {
    return operator ? { ok: false, problem: describeError(error) } : { ok: false }
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
  const pairs = Object.entries(consumedTopics).flatMap(([stage, read]) => read.map((topic) => ({ stage, topic })))
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

type CountsByName = Readonly<Record<string, number>>

async function eventsBySource(index: SearchIndex, sinceMs: number): Promise<CountsByName> {
  return countsOf(await index.terms('events', 'event.dataset', 100, { field: 'time', gte: sinceMs }))
}

async function lettersByCode(index: SearchIndex): Promise<CountsByName> {
  const waiting = { not: { field: 'replayed.count', exists: true } } as const
  return countsOf(await index.terms('dead-letters', 'code', 1_000, waiting))
}

async function openOf(index: SearchIndex, tenant: string | undefined): Promise<CountsByName> {
  const buckets = await index.terms('incidents', 'severity', 10, {
    all: [
      { field: 'status', in: ['open', 'acknowledged'] },
      { not: { field: 'synthetic', is: true } },
      ...(tenant === undefined ? [] : [{ field: 'tenant', is: tenant }]),
    ],
  })
  return countsOf(buckets)
}

function countsOf(buckets: readonly Bucket[]): CountsByName {
  return Object.fromEntries(buckets.map(({ key, count }) => [key, count]))
}

function contentOf(content: ContentReader) {
  const inForce = Object.fromEntries(contentSets.map((set) => [set, content.current(set) ?? null]))
  return { inForce, mistakes: mistakesOf(content) }
}
