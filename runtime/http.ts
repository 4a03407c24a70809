/**
 * The one HTTP listener of a process, on Fastify: the services of the process mount their routes on it.
 *
 * Every route says who may call it (`config: { roles: ['gateway'] }`, or `config: { public: true }`); one that says
 * nothing is refused when it is mounted. Promises: errors are JSON `{"error":{"code","message","hint"}}` that tell a
 * caller nothing of our insides; every body, header, wait and rate has a limit; it does not listen beyond loopback
 * without tokens; it stops after the requests under way, at the latest after the grace.
 */
import { randomUUID } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import { ConfigInvalidError, describeError, WardenError } from '../core/errors.ts'
import type { Config } from './config.ts'
import type { Role } from './config-parts.ts'
import { Access, isLoopback, type AccessToken, type Caller } from './http-access.ts'
import { HttpError } from './http-error.ts'
import type { Log } from './log.ts'
import type { Health } from './service.ts'
import type { Telemetry } from './telemetry.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Callers with one of these roles may call the route; `admin` always. */
    roles?: readonly Role[]
    /** Anyone may. */
    public?: boolean
    /** The caller's token stands in this header: a proxy's question carries its own client's `authorization` and `host`. */
    tokenHeader?: string
  }
  interface FastifyRequest {
    /** Who calls; set on every route that is not public. */
    caller: Caller
  }
}

export interface HttpHostOptions {
  readonly http: Config['http']
  /** The configured tokens, or the generated one. */
  readonly tokens: readonly AccessToken[]
  readonly shutdownGraceMs: number
  readonly log: Log
  readonly telemetry: Telemetry
  readonly registry: Registry
  readonly health: () => Readonly<Record<string, Health>>
}

export interface HttpHost {
  readonly app: FastifyInstance
  /** Listens; resolves to the URL, with the port that it got. */
  start(): Promise<string>
  stop(): Promise<void>
}

const headerBytesMax = 16_384
const keepAliveMs = 65_000

/** Makes the host, not yet listening: mount routes on `app`, then `start`. */
export async function createHttpHost(options: HttpHostOptions): Promise<HttpHost> {
  const { http, log, telemetry } = options
  const { host, port } = listenAddress(http.listen)
  const loopback = isLoopback(host)
  refuseOpenDoors(http, options.tokens, loopback)
  const app = fastify({
    logger: false,
    bodyLimit: http.bodyBytesMax,
    requestTimeout: http.requestTimeoutMs,
    handlerTimeout: http.requestTimeoutMs,
    connectionTimeout: 2 * http.requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    trustProxy: http.trustedProxies.length === 0 ? false : [...http.trustedProxies],
    genReqId: () => randomUUID(),
    http: { maxHeaderSize: headerBytesMax },
    routerOptions: { maxParamLength: 512 },
    // Before routing: an address that can't be decoded, or a piece of it that is too long. It is not repeated.
    frameworkErrors: (error, _request, reply) => {
      const message = 'The address of the request can not be read, or a piece of it is too long.'
      void (reply as FastifyReply).code(error.statusCode ?? 400).send({ error: { code: 'BAD_ADDRESS', message } })
    },
  })
  const access = new Access({
    tokens: options.tokens,
    loopbackRoles: http.loopbackRoles,
    allowedHosts: http.allowedHosts,
    refusalsPerMinuteMax: http.refusalsPerMinuteMax,
    loopback,
    nowMs: () => Date.now(),
  })
  guard(app, access)
  await app.register(rateLimit, {
    max: http.requestsPerMinuteMax,
    timeWindow: '1 minute',
    keyGenerator: (request) => callerOf(request)?.name ?? request.ip,
    errorResponseBuilder: (_request, context) =>
      new HttpError(429, 'TOO_MANY_REQUESTS', `At most ${context.max} requests in a minute.`, {
        retryAfterMs: context.ttl,
      }),
  })
  dress(app, log, telemetry)
  mountHealth(app, options, loopback)
  return {
    app,
    start: async () => {
      await app.listen({ host: host.replace(/^\[|\]$/g, ''), port }).catch((error: unknown) => {
        throw new ListenError(http.listen, error)
      })
      const address = app.server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      return `http://${host}:${bound}`
    },
    stop: () => stopWithin(app, options.shutdownGraceMs),
  }
}

/** The address can't be listened on: somebody does already, or it is not this machine's, or not ours to take. */
export class ListenError extends WardenError {
  readonly code = 'LISTEN_FAILED'
  readonly retryable = false

  constructor(listen: string, cause: unknown) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const why = taken ? 'another process listens there' : describeError(cause)
    super(`Cannot listen on ${listen}: ${why}.`, {
      cause,
      hint: 'Choose another address with http.listen in modelwarden.yml, or for once: MODELWARDEN_HTTP__LISTEN=127.0.0.1:8472',
    })
  }
}

/** `address:port` in its parts; the brackets of IPv6 stay. */
export function listenAddress(listen: string): { readonly host: string; readonly port: number } {
  const colon = listen.lastIndexOf(':')
  return { host: listen.slice(0, colon), port: Number(listen.slice(colon + 1)) }
}

function refuseOpenDoors(http: Config['http'], tokens: readonly AccessToken[], loopback: boolean): void {
  const mistakes = []
  if (!loopback && tokens.length === 0) {
    mistakes.push({
      code: 'HTTP_WITHOUT_TOKENS',
      message: `http.listen is ${http.listen}, beyond this machine, and http.tokens is empty.`,
      hint: 'Configure a token for each caller under http.tokens, or listen on 127.0.0.1.',
    })
  }
  if (!loopback && http.loopbackRoles.length > 0) {
    mistakes.push({
      code: 'HTTP_LOOPBACK_ROLES',
      message: `http.loopbackRoles is set, and http.listen is ${http.listen}, beyond this machine.`,
      hint: 'Remove http.loopbackRoles and give each caller a token.',
    })
  }
  for (const { name, token } of tokens) {
    if (token.length >= 16) continue
    const message = `The token "${name}" has fewer than 16 characters.`
    mistakes.push({ code: 'HTTP_TOKEN_SHORT', message, hint: 'Make one with: openssl rand -hex 32' })
  }
  if (mistakes.length > 0) throw new ConfigInvalidError(mistakes)
}

function callerOf(request: FastifyRequest): Caller | undefined {
  return request.caller
}

/** Who may call what. */
function guard(app: FastifyInstance, access: Access): void {
  app.decorateRequest('caller', undefined as unknown as Caller)
  app.addHook('onRoute', (route) => {
    if (route.config?.public === true || (route.config?.roles?.length ?? 0) > 0) return
    throw new TypeError(`The route ${String(route.method)} ${route.url} does not say who may call it.`)
  })
  app.addHook('onRequest', async (request) => {
    const { public: open, roles = [], tokenHeader } = request.routeOptions.config
    const token = tokenHeader === undefined ? undefined : request.headers[tokenHeader]
    // The host is the proxied request's own; the token, which no web page has, says that a proxy asks.
    if (typeof token !== 'string') access.checkHost(request.headers.host)
    if (open === true || request.is404) return
    const caller = access.identify(
      tokenHeader === undefined ? request.headers : { ...request.headers, authorization: bearer(token) },
      request.ip,
    )
    access.authorize(caller, roles)
    request.caller = caller
  })
}

function bearer(token: string | readonly string[] | undefined): string | undefined {
  return typeof token === 'string' ? `Bearer ${token}` : undefined
}

/** Headers, errors, measurements. */
function dress(app: FastifyInstance, log: Log, telemetry: Telemetry): void {
  app.addHook('onSend', async (_request, reply) => {
    const defaults: Readonly<Record<string, string>> = {
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    }
    for (const [name, value] of Object.entries(defaults)) if (!reply.hasHeader(name)) reply.header(name, value)
  })
  app.addHook('onResponse', async (request, reply) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    }
    telemetry.observe('http_request_duration_seconds', labels, reply.elapsedTime / 1_000)
  })
  app.setErrorHandler((error: FastifyError | WardenError | Error, request, reply) =>
    answerError(error, request, reply, log),
  )
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'NOT_FOUND', message: `Nothing answers ${request.method} here.` } }),
  )
}

function answerError(error: Error, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  if (error instanceof HttpError) {
    if (error.retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1_000)))
    if (error.status === 401) reply.header('www-authenticate', 'Bearer')
    const hint = error.hint === undefined ? {} : { hint: error.hint }
    return reply.code(error.status).send({ error: { code: error.code, message: error.message, ...hint } })
  }
  const status = (error as FastifyError).statusCode ?? 500
  if (status < 500) {
    const code = clientErrorCodes[(error as FastifyError).code] ?? 'BAD_REQUEST'
    return reply.code(status).send({ error: { code, message: error.message } })
  }
  const unavailable = status === 503 || (error instanceof WardenError && error.retryable)
  const fields = { error, requestId: request.id, method: request.method, route: request.routeOptions.url }
  if (unavailable) log.warn('A request could not be answered now', fields)
  else log.error('A request failed', fields)
  const code = unavailable ? 'UNAVAILABLE' : 'INTERNAL'
  const message = unavailable ? 'Not available now; try again.' : 'The request failed inside.'
  return reply
    .code(unavailable ? 503 : 500)
    .send({ error: { code, message, hint: `The log has the reason under request id ${request.id}.` } })
}

const clientErrorCodes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNKNOWN',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'BODY_EMPTY',
  FST_ERR_CTP_INVALID_JSON_BODY: 'BODY_INVALID',
}

/** `/healthz`: the process lives. `/readyz`: every service does its work. `/metrics`: for Prometheus. */
function mountHealth(app: FastifyInstance, options: HttpHostOptions, loopback: boolean): void {
  const states = (): Record<string, Health['state']> =>
    Object.fromEntries(Object.entries(options.health()).map(([name, health]) => [name, health.state]))
  const answer = (reply: FastifyReply, bad: readonly Health['state'][]): FastifyReply => {
    const services = states()
    const ok = !Object.values(services).some((state) => bad.includes(state))
    return reply.code(ok ? 200 : 503).send({ ok, services })
  }
  app.get('/healthz', { config: { public: true } }, (_request, reply) => answer(reply, ['failed']))
  app.get('/readyz', { config: { public: true } }, (_request, reply) => answer(reply, ['failed', 'starting']))
  app.get('/metrics', { config: loopback ? { public: true } : { roles: ['metrics'] } }, async (_request, reply) =>
    reply.type(options.registry.contentType).send(await options.registry.metrics()),
  )
}

async function stopWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
