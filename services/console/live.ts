/**
 * What happens, while it happens: `GET /v1/live`, as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * Documents come as soon as they stand on the bus, at times before the index has them; the event is named after the list
 * that a document belongs to. Promises: a tenant's caller is sent that tenant's documents alone; every queue has a limit,
 * and a reader that falls behind is cut off rather than waited for; one that comes back with `Last-Event-ID` within what is
 * kept misses nothing, any other is told to load its lists anew (`reset`).
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { mountRoute } from '../../runtime/http/http-route.ts'
import { checkOperator } from './query.ts'
import { type LiveFeed, liveNames, type LiveEvent, type LiveName } from './live-feed.ts'
import { lists } from './lists.ts'

/** One reader of the feed. */
interface Reader {
  readonly request: FastifyRequest
  readonly wanted: ReadonlySet<LiveName>
  readonly raw: ServerResponse
}

const LiveQuery = z.strictObject({
  lists: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',') : value),
      z.array(z.enum(liveNames)).min(1).max(20),
    )
    .optional()
    .meta({ description: 'Which lists, separated by commas; default: all that the caller may see.' }),
  after: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'The id of the last event seen, for clients that can’t send `Last-Event-ID`.' }),
})

export function mountLive(app: FastifyInstance, feed: LiveFeed): void {
  mountRoute(app, {
    method: 'GET',
    url: '/v1/live',
    roles: ['viewer', 'analyst', 'responder'],
    summary: 'What changes, as server-sent events',
    description:
      'Events are named `incidents`, `signals`, `actions`, `decisions`, `licenses`, `credentials`, `dead-letters`, and carry ' +
      '`{id, document}`; `hello` comes first, `reset` where events may have been missed.',
    tag: 'live',
    query: LiveQuery,
    invalid: 'QUERY_INVALID',
    answers: { 200: { description: 'A stream of events.', type: 'text/event-stream' } },
    handle: async ({ query, request, reply }) => {
      const wanted = wantedBy(query.lists, request)
      const release = feed.admit(request.caller.name)
      try {
        await feed.begin()
      } catch (error) {
        release()
        throw error
      }
      const lastId = query.after ?? single(request.headers['last-event-id'])
      reply.hijack()
      const headers = { ...reply.getHeaders(), ...streamHeaders, 'x-request-id': request.id }
      reply.raw.writeHead(200, headers as Record<string, string>)
      new Stream({ request, wanted, raw: reply.raw }, feed, release).open(lastId)
    },
  })
}

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // For proxies that would collect the stream first.
  'x-accel-buffering': 'no',
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header.slice(0, 100) : undefined
}

/** Throws HttpError 403 where a tenant asks for what is the operator's. */
function wantedBy(asked: readonly LiveName[] | undefined, { caller }: FastifyRequest): ReadonlySet<LiveName> {
  if (asked?.includes('dead-letters')) checkOperator(caller)
  if (asked !== undefined) return new Set(asked)
  return new Set(liveNames.filter((name) => caller.tenant === undefined || 'tenantField' in lists[name]))
}

class Stream {
  readonly #reader: Reader
  readonly #feed: LiveFeed
  readonly #release: () => void
  #timers: NodeJS.Timeout[] = []
  #forget: () => void = () => undefined

  constructor(reader: Reader, feed: LiveFeed, release: () => void) {
    this.#reader = reader
    this.#feed = feed
    this.#release = release
  }

  open(lastId: string | undefined): void {
    const { raw, request } = this.#reader
    const { heartbeatMs, lifetimeMs } = this.#feed.limits
    raw.once('close', () => this.#close())
    raw.on('error', () => this.#close())
    const { events, missed } = this.#feed.since(lastId)
    this.#write(
      `event: hello\nid: ${this.#feed.lastId}\nretry: 2000\ndata: {"resumed":${lastId !== undefined && !missed}}\n\n`,
    )
    if (missed) this.#write(`event: reset\ndata: {}\n\n`)
    for (const event of events) this.#send(event)
    this.#forget = this.#feed.listen({
      send: (event) => this.#send(event),
      end: () => this.#end(),
      reset: () => this.#write(`event: reset\ndata: {}\n\n`),
    })
    const expiresMs = (request.caller.expiresMs ?? Infinity) - this.#feed.nowMs()
    this.#timers = [
      setInterval(() => this.#write(': still here\n\n'), heartbeatMs),
      // Nobody looks longer than their token is good for; the client comes back by itself.
      setTimeout(() => this.#end(), Math.max(0, Math.min(lifetimeMs, expiresMs))),
    ]
    for (const timer of this.#timers) timer.unref()
    if (raw.destroyed) this.#close()
  }

  #send(event: LiveEvent): void {
    const { wanted, request } = this.#reader
    if (!wanted.has(event.list)) return
    const { tenant } = request.caller
    if (tenant !== undefined && event.tenant !== tenant) return
    this.#write(`id: ${event.id}\nevent: ${event.list}\ndata: ${event.json}\n\n`)
  }

  #write(text: string): void {
    const { raw } = this.#reader
    if (raw.destroyed || raw.writableEnded) return
    if (raw.writableLength > this.#feed.limits.queueBytesMax) {
      this.#feed.cutOff()
      raw.destroy()
      return
    }
    raw.write(text)
  }

  #end(): void {
    this.#reader.raw.end()
    this.#close()
  }

  #close(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
    this.#forget()
    this.#release()
  }
}
