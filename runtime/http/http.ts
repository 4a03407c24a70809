/**
 * The one HTTP listener of a process, on Fastify: the services of the process mount their routes on it.
 *
 * Every route says who may call it (`config: { roles: ['gateway'] }`, or `config: { public: true }`); one that says
 * nothing is refused when it is mounted. Promises: errors are JSON `{"error":{"code","message","hint"}}` that tell a
 * caller nothing of our insides; every body, header, wait and rate has a limit; it does not listen beyond loopback
 * without tokens; it stops after the requests under way, at the latest after the grace.
 */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify'
import type { Registry } from 'prom-client'
import { counted } from '../../core/counted.ts'
import { ConfigInvalidError, describeError, WardenError } from '../../core/errors.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Config } from '../config/config.ts'
import type { Role } from '../config/config-parts.ts'
import { isLoopback } from '../loopback.ts'
import { DeedBook } from './deeds.ts'
import { Access, type AccessToken, type Caller } from './http-access.ts'
import { dress } from './http-answers.ts'
import { HttpError } from './http-error.ts'
import { mountHealth } from './http-health.ts'
import type { Pace, RouteDocs } from './http-route.ts'
import type { Log } from '../log.ts'
import type { MountedRoute } from './openapi.ts'
import type { Health } from '../service.ts'
import type { Telemetry } from '../telemetry.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Callers with one of these roles may call the route; `admin` always. */
    roles?: readonly Role[]
    /** Anyone may. */
    public?: boolean
    /** The caller's token stands in this header: a proxy's question carries its own client's `authorization` and `host`. */
    tokenHeader?: string
    /** What the OpenAPI document says of it; every route under /v1 has them. */
    docs?: RouteDocs
    /** Which limit on requests in a minute counts it, beside the one that counts all. */
    pace?: Pace
    /** Goes on record, whatever comes of it. */
    deed?: true
  }
  interface FastifyInstance {
    deeds: DeedBook
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
  /** Where deeds go on record. */
  readonly bus: Pick<Bus, 'publish'>
  /** Of Modelwarden, for the OpenAPI document. */
  readonly version?: string
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
    clientErrorHandler: refuseUnreadable,
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
  const routes: MountedRoute[] = []
  app.decorate('deeds', new DeedBook({ bus: options.bus, log, telemetry, nowMs: () => Date.now() }))
  watchRoutes(app, http, routes)
  guard(app, access)
  await app.register(rateLimit, {
    max: http.requestsPerMinuteMax,
    timeWindow: '1 minute',
    keyGenerator: (request) => callerOf(request)?.name ?? request.ip,
    errorResponseBuilder: (_request, context) =>
      new HttpError(429, 'TOO_MANY_REQUESTS', `At most ${counted(context.max, 'request')} in a minute.`, {
        retryAfterMs: context.ttl,
      }),
  })
  dress(app, { log, telemetry, routes })
  mountHealth(app, { ...options, version: options.version ?? '0', loopback, routes })
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
    if (token === undefined || token.length >= 16) continue
    const message = `The token "${name}" has fewer than 16 characters.`
    mistakes.push({ code: 'HTTP_TOKEN_SHORT', message, hint: 'Make one with: openssl rand -hex 32' })
  }
  if (mistakes.length > 0) throw new ConfigInvalidError(mistakes)
}

/** What is no HTTP that can be read, or has more headers than are read here, is answered in the form of all errors. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const [status, code, message] = tooLarge
    ? [
        '431 Request Header Fields Too Large',
        'HEADERS_TOO_LARGE',
        `Address and headers have at most ${headerBytesMax} bytes.`,
      ]
    : ['400 Bad Request', 'BAD_REQUEST', 'The request can not be read.']
  const body = JSON.stringify({ error: { code, message } })
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n`
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

/** Takes down what is mounted. A route that does not say who may call it, or what it answers, is refused. */
function watchRoutes(app: FastifyInstance, http: Config['http'], routes: MountedRoute[]): void {
  app.addHook('onRoute', (route) => {
    const { config = {} } = route
    if (config.public !== true && (config.roles?.length ?? 0) === 0) {
      throw new TypeError(`The route ${String(route.method)} ${route.url} does not say who may call it.`)
    }
    if (config.docs === undefined && route.url.startsWith('/v1/')) {
      throw new TypeError(`The route ${String(route.method)} ${route.url} does not say what it answers.`)
    }
    limitPace(route, http)
    if (config.docs === undefined) return
    routes.push({
      methods: [route.method].flat(),
      url: route.url,
      roles: config.roles ?? [],
      public: config.public === true,
      tokenHeader: config.tokenHeader,
      docs: config.docs,
    })
  })
}

/** People and their tools ask less often than gateways: what runs away among them leaves room for the others. */
function limitPace(route: RouteOptions, http: Config['http']): void {
  const { pace } = route.config ?? {}
  if (pace === undefined) return
  const max = pace === 'deed' ? http.deedsPerMinuteMax : http.queriesPerMinuteMax
  route.config = { ...route.config, rateLimit: { max: Math.min(max, http.requestsPerMinuteMax), groupId: pace } }
}

function callerOf(request: FastifyRequest): Caller | undefined {
  return request.caller
}

/** Who may call what. */
function guard(app: FastifyInstance, access: Access): void {
  app.decorateRequest('caller', undefined as unknown as Caller)
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
    if (caller !== undefined) request.caller = caller
    access.authorize(caller, roles)
  })
}

function bearer(token: string | readonly string[] | undefined): string | undefined {
  return typeof token === 'string' ? `Bearer ${token}` : undefined
}

async function stopWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
