/** How the process is, for whoever runs it, and what it answers: `/healthz`, `/readyz`, `/metrics`, `/openapi.json`. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { openApiOf, type MountedRoute } from './openapi.ts'
import type { Health } from '../service.ts'

const tag = 'process'
const healthStates = ['starting', 'ready', 'degraded', 'failed'] as const
const HealthAnswer = z.strictObject({
  ok: z.boolean(),
  services: z.record(z.string(), z.enum(healthStates)),
  /** Of services that have started, and take nothing on now: why. */
  reasons: z.record(z.string(), z.string()).optional(),
})

export interface HealthOptions {
  readonly health: () => Readonly<Record<string, Health>>
  readonly registry: Registry
  /** Whether the listener is on a loopback address: there `/metrics` is open. */
  readonly loopback: boolean
  readonly version: string
  /** Everything that was mounted. */
  readonly routes: readonly MountedRoute[]
}

/** `/healthz`: the process lives. `/readyz`: every service does its work. `/metrics`: for Prometheus. */
export function mountHealth(app: FastifyInstance, options: HealthOptions): void {
  const answer = (reply: FastifyReply, isBad: (health: Health) => boolean): FastifyReply => {
    const all = Object.entries(options.health())
    const ok = !all.some(([, health]) => isBad(health))
    const services = Object.fromEntries(all.map(([name, { state }]) => [name, state]))
    const told = all.flatMap(([name, { unready }]) => (unready === undefined ? [] : [[name, unready] as const]))
    const reasons = told.length === 0 ? {} : { reasons: Object.fromEntries(told) }
    return reply.code(ok ? 200 : 503).send({ ok, services, ...reasons })
  }
  const docs = (summary: string) => ({
    summary,
    tag,
    answers: { 200: { description: 'Yes.', schema: HealthAnswer }, 503: { description: 'No.', schema: HealthAnswer } },
  })
  app.get('/healthz', { config: { public: true, docs: docs('Does the process live?') } }, (_request, reply) =>
    answer(reply, ({ state }) => state === 'failed'),
  )
  app.get('/readyz', { config: { public: true, docs: docs('Does every service do its work?') } }, (_request, reply) =>
    answer(reply, ({ state, unready }) => state === 'failed' || state === 'starting' || unready !== undefined),
  )
  const metrics = {
    summary: 'Measurements, for Prometheus',
    tag,
    answers: { 200: { description: 'Prometheus’ text format.', type: 'text/plain' } },
  }
  const open = options.loopback ? { public: true } : { roles: ['metrics'] as const }
  app.get('/metrics', { config: { ...open, docs: metrics } }, async (_request, reply) =>
    reply.type(options.registry.contentType).send(await options.registry.metrics()),
  )
  mountOpenApi(app, options)
}

function mountOpenApi(app: FastifyInstance, { routes, version }: HealthOptions): void {
  const docs = {
    summary: 'This document: all that this process answers',
    tag,
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
  }
  let document: string | undefined
  app.get('/openapi.json', { config: { public: true, docs } }, (_request, reply) => {
    document ??= JSON.stringify(openApiOf(routes, { title: 'Modelwarden', version }))
    return reply.type('application/json; charset=utf-8').send(document)
  })
}
