/**
 * Envoy's external authorization over HTTP: `ALL /v1/ext-authz/*`.
 *
 * Envoy sends the client's method, path (behind the configured prefix) and `authorization`; 200 lets the request through
 * and its headers may be passed on; any other status is the client's answer, but 5xx, which Envoy takes as a failure of
 * ours (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_authz_filter). Envoy's own token
 * comes in `x-modelwarden-token`, as `authorization` is the client's.
 *
 * Promises: the client's key is digested at once; a body of any size or kind is read up to a limit and let go; two
 * different keys in one request are refused, as nobody knows which of them the model's server will believe.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../../runtime/config/config.ts'
import type { RouteDocs } from '../../runtime/http/http-route.ts'
import { ErrorBody } from '../../runtime/http/openapi.ts'
import { bareSecret } from '../../engine/sources/mapping-context.ts'
import type { Answer } from './authorizer.ts'
import type { MeasuredAuthorizer } from './measured.ts'

export const tokenHeader = 'x-modelwarden-token'
const keyHeaders = ['x-api-key', 'api-key'] as const
const secretCharsMax = 4_096
const modelCharsMax = 512
/** Paths that name the model: `/v1/models/<m>:generate`, `/openai/deployments/<m>/…`, `/model/<m>/invoke`. */
const modelInPath = /\/(?:models?|deployments)\/([^/]+)/gi
/** What servers read differently, where a path names a model: empty and dot segments, backslashes, encoded separators. */
const ambiguousInPath = /\/\/|\\|%5c|%25|\/(?:\.|%2e){1,2}(?=\/|$|;)/i

const docs: RouteDocs = {
  summary: 'Envoy’s external authorization: the client’s request, to be let through or not',
  tag: 'authorize',
  bodyTypes: ['*/*'],
  answers: {
    200: { description: 'Let it through. The headers may be passed on.' },
    401: { description: 'The client’s key is missing, or there is more than one.', schema: ErrorBody },
    403: { description: 'Not covered.', schema: ErrorBody },
  },
}

export interface ExtAuthzOptions {
  readonly config: Config['authorize']
  /** Whether proxies are named whose X-Forwarded-For is believed. */
  readonly forwarded: boolean
  readonly checkReady: () => void
}

export function mountExtAuthz(app: FastifyInstance, measured: MeasuredAuthorizer, options: ExtAuthzOptions): void {
  app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    // The body is the client's, not a question to us: it may be anything, and only its model is of interest.
    scope.addContentTypeParser('*', (_request, payload, parsed) => {
      readStart(payload, options.config.proxiedBodyBytesMax).then(
        (start) => parsed(null, start),
        () => parsed(null, undefined),
      )
    })
    const route = { config: { roles: ['gateway'], tokenHeader, docs } } as const
    const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      options.checkReady()
      return answerEnvoy(request, reply, measured, options)
    }
    scope.all('/v1/ext-authz', route, answer)
    scope.all('/v1/ext-authz/*', route, answer)
    done()
  })
}

function answerEnvoy(
  request: FastifyRequest,
  reply: FastifyReply,
  measured: MeasuredAuthorizer,
  options: ExtAuthzOptions,
): FastifyReply {
  const keys = presentedKeys(request.headers, request.raw.headersDistinct['authorization'])
  if (keys.size !== 1) {
    const [code, message] =
      keys.size === 0
        ? ['CREDENTIAL_MISSING', 'This needs an API key: Authorization: Bearer <key>, or x-api-key.']
        : ['CREDENTIAL_AMBIGUOUS', 'The request carries more than one API key.']
    return refuse(reply.header('www-authenticate', 'Bearer'), 401, code, message)
  }
  const [credential] = keys
  const { config } = options
  const { tenant } = request.caller
  const call = {
    model: modelOf(request, config.modelHeader),
    address: addressOf(request, options),
    country: single(request.headers, config.countryHeader),
  }
  const result = measured.authorize('envoy', { credential }, call, tenant)
  if (result.decision === 'allow') return reply.code(200).headers(upstreamHeaders(result)).send()
  if (result.retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(result.retryAfterMs / 1_000)))
  return refuse(reply, result.decision === 'throttle' ? 429 : 403, result.code, result.message)
}

/** What the client reads: the reason, and nothing about whose key it is. */
function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).header('x-modelwarden-code', code).send({ error: { code, message } })
}

function upstreamHeaders(answer: Answer): Record<string, string> {
  return {
    'x-modelwarden-decision': answer.decision,
    'x-modelwarden-code': answer.code,
    ...(answer.tenant === undefined ? {} : { 'x-modelwarden-tenant': headerText(answer.tenant) }),
    ...(answer.principal === undefined ? {} : { 'x-modelwarden-principal': headerText(answer.principal) }),
    ...(answer.lease === undefined ? {} : { 'x-modelwarden-lease': answer.lease.id }),
    // Always there, so that what a client has sent under this name is overwritten.
    'x-modelwarden-obligations': answer.obligations.join(','),
  }
}

/** The different keys that a request carries. */
function presentedKeys(headers: IncomingHttpHeaders, authorizations: readonly string[] = []): ReadonlySet<string> {
  // Of repeated headers node shows the first; the model's server may take the last.
  const bearers = authorizations.map((each) => /^bearer\s+(\S.*)$/i.exec(each)?.[1])
  const given = [...bearers, ...keyHeaders.map((name) => single(headers, name))]
  return new Set(
    given.flatMap((key) => {
      const bare = key === undefined ? '' : bareSecret(key)
      return bare === '' || bare.length > secretCharsMax ? [] : [bare]
    }),
  )
}

/**
 * What the gateway says; else what body and path name. Where they name different ones, nobody knows which of them the
 * model's server will take, so it counts as none: covered only where all models are.
 */
function modelOf(request: FastifyRequest, header: string): string | undefined {
  const given = single(request.headers, header)
  if (given !== undefined) return given
  if (isAmbiguous(request.url)) return undefined
  const named = new Set([...modelsOfPath(request.url), ...modelInBody(request.body)])
  const [model] = named
  return named.size === 1 && model!.length <= modelCharsMax ? model : undefined
}

function modelInBody(body: unknown): readonly string[] {
  if (!Buffer.isBuffer(body)) return []
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (typeof value !== 'object' || value === null) return []
    // Some servers read keys whatever their case.
    const given = Object.entries(value).filter(([name]) => name.toLowerCase() === 'model')
    return given.flatMap(([, model]) => (typeof model === 'string' && model !== '' ? [model] : []))
  } catch {
    // Cut off, or no JSON at all: then the body names no model.
    return []
  }
}

/** Whether the model's server may read another path than we do; only a model's own name is ever percent-encoded. */
function isAmbiguous(url: string): boolean {
  const path = url.replace(/[?#].*$/s, '')
  return ambiguousInPath.test(path) || path.replace(modelInPath, '').includes('%')
}

function modelsOfPath(url: string): readonly string[] {
  return [...url.replace(/[?#].*$/s, '').matchAll(modelInPath)].flatMap(([, segment = '']) => {
    try {
      // `:generateContent` is a verb, `v1:0` a version.
      const model = decodeURIComponent(segment).replace(/:[A-Za-z]+$/, '')
      return model === '' ? [] : [model]
    } catch {
      return []
    }
  })
}

function addressOf(request: FastifyRequest, { config, forwarded }: ExtAuthzOptions): string | undefined {
  const named = single(request.headers, config.addressHeader)
  if (named !== undefined) return named
  // The other end of the connection is Envoy: only what it forwards is the client.
  return forwarded && request.headers['x-forwarded-for'] !== undefined ? request.ip : undefined
}

/** A header that stands there once. */
function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value.trim() : undefined
}

/** Header values are visible ASCII; all else is percent-encoded. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]/gu, (sign) => encodeURIComponent(sign.isWellFormed() ? sign : '\ufffd'))
}

/** The first bytes of a body; undefined where there are more. The rest is read and let go. */
async function readStart(payload: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of payload) {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
    else chunks.length = 0
  }
  return bytes <= bytesMax ? Buffer.concat(chunks) : undefined
}
