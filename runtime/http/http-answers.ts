/**
 * What all answers of the HTTP listener have in common: headers, the form of errors, measurements.
 *
 * Promises: an error tells a caller nothing of our insides; every answer carries the id under which the log speaks of it;
 * a path asked with a method that it has not is told which it has.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { WardenError } from '../../core/errors.ts'
import type { Caller } from './http-access.ts'
import { HttpError } from './http-error.ts'
import type { Log } from '../log.ts'
import type { MountedRoute } from './openapi.ts'
import type { Telemetry } from '../telemetry.ts'

/** Headers, errors, records of deeds, measurements. */
export function dress(
  app: FastifyInstance,
  parts: { readonly log: Log; readonly telemetry: Telemetry; readonly routes: readonly MountedRoute[] },
): void {
  const { log, telemetry } = parts
  const refusals = new WeakMap<FastifyRequest, string>()
  app.addHook('onSend', async (request, reply) => {
    const defaults: Readonly<Record<string, string>> = {
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    }
    for (const [name, value] of Object.entries(defaults)) if (!reply.hasHeader(name)) reply.header(name, value)
    // Whoever is not known did nothing; who asks too often is not put on record as often.
    const known = (request.caller as Caller | undefined) !== undefined && reply.statusCode !== 429
    if (known && request.routeOptions.config.deed === true) {
      await app.deeds.ended(request, reply.statusCode, refusals.get(request))
    }
  })
  app.addHook('onResponse', async (request, reply) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    }
    telemetry.observe('http_request_duration_seconds', labels, reply.elapsedTime / 1_000)
  })
  const refused = (request: FastifyRequest, code: string): void => void refusals.set(request, code)
  app.setErrorHandler((error: FastifyError | WardenError | Error, request, reply) =>
    // Nothing answers here: what else is wrong with the request is of no interest.
    request.is404 ? answerNotFound(request, reply, parts.routes) : answerError(error, request, reply, { log, refused }),
  )
  app.setNotFoundHandler((request, reply) => answerNotFound(request, reply, parts.routes))
}

function answerNotFound(request: FastifyRequest, reply: FastifyReply, routes: readonly MountedRoute[]): FastifyReply {
  const path = request.url.replace(/[?#].*$/s, '')
  const matching = routes.filter((route) => matches(route.url, path))
  // Where a path stands as it is, it is no parameter's value.
  const own = matching.some((route) => route.url === path) ? matching.filter((route) => route.url === path) : matching
  const methods = new Set(own.flatMap((route) => route.methods))
  if (methods.size === 0) {
    return reply.code(404).send({ error: { code: 'NOT_FOUND', message: `Nothing answers ${request.method} here.` } })
  }
  const message = `This does not answer ${request.method}, but ${[...methods].join(', ')}.`
  return reply
    .code(405)
    .header('allow', [...methods].join(', '))
    .send({ error: { code: 'METHOD_NOT_ALLOWED', message } })
}

/** Whether a path is one of a route's: piece by piece, where a parameter is any one piece and `*` all the rest. */
function matches(url: string, path: string): boolean {
  const pieces = path.split('/')
  const wanted = url.split('/')
  const rest = wanted.indexOf('*')
  if (rest < 0 ? pieces.length !== wanted.length : pieces.length < rest) return false
  return wanted.every((piece, i) => piece === '*' || (piece.startsWith(':') ? pieces[i] !== '' : piece === pieces[i]))
}

interface Telling {
  readonly log: Log
  readonly refused: (request: FastifyRequest, code: string) => void
}

function answerError(error: Error, request: FastifyRequest, reply: FastifyReply, telling: Telling): FastifyReply {
  const { log, refused } = telling
  if (error instanceof HttpError) {
    refused(request, error.code)
    if (error.retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1_000)))
    if (error.status === 401) reply.header('www-authenticate', 'Bearer')
    const { code, message, hint, column } = error
    const more = { ...(hint === undefined ? {} : { hint }), ...(column === undefined ? {} : { column }) }
    return reply.code(error.status).send({ error: { code, message, ...more } })
  }
  const status = (error as FastifyError).statusCode ?? 500
  if (status < 500) {
    const told = clientErrors[(error as FastifyError).code]?.(request) ?? otherError
    refused(request, told.code)
    return reply.code(status).send({ error: told })
  }
  const unavailable = status === 503 || (error instanceof WardenError && error.retryable)
  const fields = { error, requestId: request.id, method: request.method, route: request.routeOptions.url }
  if (unavailable) log.warn('A request could not be answered now', fields)
  else log.error('A request failed', fields)
  const code = unavailable ? 'UNAVAILABLE' : 'INTERNAL'
  refused(request, code)
  const message = unavailable ? 'Not available now; try again.' : 'The request failed inside.'
  return reply
    .code(unavailable ? 503 : 500)
    .send({ error: { code, message, hint: `The log has the reason under request id ${request.id}.` } })
}

interface ToldError {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** What the framework refuses, in our own words: its own may show pieces of what was sent. */
const clientErrors: Readonly<Record<string, (request: FastifyRequest) => ToldError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ({ routeOptions: { bodyLimit } }) => ({
    code: 'BODY_TOO_LARGE',
    message: `The body is larger than ${bodyLimit} bytes.`,
  }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => ({
    code: 'MEDIA_TYPE_UNKNOWN',
    message: 'A body of this Content-Type is not taken here.',
    hint: 'Send JSON, with the header Content-Type: application/json.',
  }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => ({
    code: 'BODY_EMPTY',
    message: 'The body is empty.',
    hint: 'Send JSON, or leave out the header Content-Type.',
  }),
  FST_ERR_CTP_INVALID_JSON_BODY: () => ({
    code: 'BODY_INVALID',
    message: 'The body is not JSON, or has a key that is refused, such as __proto__.',
  }),
}
const otherError: ToldError = { code: 'BAD_REQUEST', message: 'The request can not be understood.' }
