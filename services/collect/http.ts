/**
 * `POST /v1/events/<source>`: takes records in over HTTP and answers when the bus has them.
 *
 * JSON (an object, an array, an envelope, objects one after the other), one record a line, CloudEvents; compressed or not.
 * Promises: 202 says that the bus has acknowledged every record counted in `accepted`; a record that was not is named in
 * `rejected` and stands among the dead letters; 503 says that nothing is promised and to send the same again.
 */
import type { IncomingMessage } from 'node:http'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { describeError, WardenError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import type { Source } from '../../engine/sources/source.ts'
import type { Config } from '../../runtime/config/config.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import type { RouteDocs } from '../../runtime/http/http-route.ts'
import { ErrorBody } from '../../runtime/http/openapi.ts'
import type { ServiceContext } from '../../runtime/service.ts'
import type { SourceCatalog } from './catalog.ts'
import { busy, Held, InFlight, readBody, tooManyRecords } from './in-flight.ts'
import { eventsOf, isBatchOfEvents, readCloudEvent, type Carried } from './cloud-events.ts'
import { decodeBody } from './decode.ts'
import { Intake, type Rejection } from './intake.ts'
import { RecordSplitter, type SplitterOptions } from './splitter.ts'
import { unitsOf } from './whole-body.ts'

/** Rejections named in one answer; all are counted, and all are dead letters. */
const rejectionsToldMax = 100
/** Records handed to the bus at a time. */
const publishRecordsMax = 2_000
/** How long one request holds the event loop at a time. */
const turnMsMax = 20
/** How long a failure of the bus stands for how it is. */
const failureToldMs = 30_000

type Context = Pick<ServiceContext, 'bus' | 'clock' | 'log' | 'telemetry' | 'hmacKey'> & {
  readonly collect: Config['collect']
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What a request for collect holds of the process's memory. */
    held: Held
  }
}

const Told = z.strictObject({ index: z.int(), line: z.int(), code: z.string(), message: z.string() })
const counts = { accepted: z.int(), rejectedCount: z.int(), rejected: z.array(Told) }
const docs: RouteDocs = {
  summary: 'Takes in records in a source’s own format',
  tag: 'collect',
  params: z.strictObject({ source: z.string().min(1) }),
  bodyTypes: ['application/json', 'application/x-ndjson', 'application/cloudevents+json'],
  answers: {
    202: { description: 'The bus has what is counted in `accepted`.', schema: z.strictObject(counts) },
    400: {
      description: 'Nothing was accepted.',
      schema: z.union([z.strictObject({ ...ErrorBody.shape, ...counts }), ErrorBody]),
    },
    404: { description: 'There is no such source.', schema: ErrorBody },
  },
}

export class CollectHttp {
  readonly #context: Context
  readonly #catalog: SourceCatalog
  readonly #inFlight: InFlight
  #busFailure: { readonly message: string; readonly atMs: number } | undefined

  constructor(context: Context, catalog: SourceCatalog) {
    this.#context = context
    this.#catalog = catalog
    this.#inFlight = new InFlight(context.collect.inFlightBytesMax, () =>
      context.telemetry.count('collect_turned_away', { reason: 'in-flight' }),
    )
  }

  /** What the bus last answered, where that was a failure: who is sent nothing for it would not know when it is over. */
  get busFailure(): string | undefined {
    const { message, atMs } = this.#busFailure ?? {}
    return atMs !== undefined && this.#context.clock.monotonicMs() - atMs < failureToldMs ? message : undefined
  }

  mount(app: FastifyInstance): void {
    const bodyLimit = this.#context.collect.bodyBytesMax
    void app.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers()
      scope.decorateRequest('held')
      scope.addHook('preParsing', async (request, reply) => {
        const held = new Held(this.#inFlight)
        request.held = held
        reply.raw.once('close', () => held.over())
      })
      scope.addContentTypeParser('*', ({ held, headers: told }: FastifyRequest, stream: IncomingMessage) =>
        held.during(() => readBody(stream, told['content-length'], bodyLimit, held)),
      )
      scope.post<{ Params: { source: string } }>(
        '/v1/events/:source',
        { config: { roles: ['collector'], docs }, bodyLimit },
        async (request, reply) => {
          const answered = request.held.during(() => this.#post(request, request.params.source, reply))
          return await answered.finally(() => request.held.over())
        },
      )
      done()
    })
  }

  async #post(request: FastifyRequest, name: string, reply: FastifyReply): Promise<FastifyReply> {
    const sources = await this.#catalog.sources()
    const door = sources.get(name)
    if (door === undefined) throw unknownSource(name, sources)
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    if (raw.length === 0) throw new HttpError(400, 'EMPTY', 'The body is empty.', { hint: 'Send at least one record.' })
    const { decompressedBytesMax } = this.#context.collect
    const body = await decodeBody(raw, request.headers['content-encoding'], decompressedBytesMax, request.held)
    return await this.#takeIn(request, reply, { sources, door, body })
  }

  async #takeIn(
    request: FastifyRequest,
    reply: FastifyReply,
    given: { readonly sources: ReadonlyMap<string, Source>; readonly door: Source; readonly body: Buffer },
  ): Promise<FastifyReply> {
    const rejections: Rejection[] = []
    const records: OutgoingRecord[] = []
    let accepted = 0
    let rejected = 0
    const turn = new Turn(this.#context.clock)
    for (const { origin, units } of await carried(turn, request, given.body, given.door)) {
      const intake = new Intake({
        sources: given.sources,
        door: given.door,
        hmacKey: this.#context.hmacKey,
        origin,
        tenant: request.caller.tenant,
        nowMs: () => this.#context.clock.nowMs(),
      })
      for (const piece of units) {
        await turn.over()
        for (const unit of piece) {
          for (const count of intake.taking(unit)) {
            if (accepted + rejected + count > limits.recordsPerEnvelopeMax) throw tooManyRecords()
            request.held.add(limits.recordOverheadBytes)
            await turn.over()
          }
        }
      }
      const taken = intake.takeOut()
      for (const record of taken.records) records.push(record)
      for (const one of taken.rejections) rejections.push({ ...one, index: one.index + accepted + rejected })
      accepted += intake.accepted
      rejected += intake.rejected
    }
    // All at once: what a batch of events carries costs the bus no more than the same records in one body.
    await this.#publish(records, request.held)
    this.#count(given.door.name, accepted, rejections)
    const told = rejections.slice(0, rejectionsToldMax)
    if (accepted + rejected === 0) throw new HttpError(400, 'EMPTY', 'The body holds no record.')
    if (accepted > 0) return reply.code(202).send({ accepted, rejectedCount: rejected, rejected: told })
    const { code, message } = told[0]!
    return reply.code(400).send({
      error: { code, message, hint: 'No record was accepted; each is kept as a dead letter.' },
      accepted,
      rejectedCount: rejected,
      rejected: told,
    })
  }

  #count(source: string, accepted: number, rejections: readonly Rejection[]): void {
    const { telemetry } = this.#context
    if (accepted > 0) telemetry.count('collect_accepted', { source }, accepted)
    for (const { code } of rejections) telemetry.deadLettered('collect', code, 1)
  }

  async #publish(records: readonly OutgoingRecord[], held: Held): Promise<void> {
    try {
      for (let at = 0; at < records.length; at += publishRecordsMax) {
        await this.#publishWithin(records.slice(at, at + publishRecordsMax), held)
      }
      this.#busFailure = undefined
    } catch (error) {
      this.#busFailure = { message: describeError(error), atMs: this.#context.clock.monotonicMs() }
      this.#context.telemetry.count('collect_turned_away', { reason: 'bus' })
      if (error instanceof HttpError) throw error
      if (error instanceof WardenError && error.retryable) throw busy('The bus does not answer.', error)
      throw error
    }
  }

  /**
   * The bus retries by itself; a sender need not wait as long. What it does send again is known by its id. What the bus still has
   * is held all the same.
   */
  async #publishWithin(records: readonly OutgoingRecord[], held: Held): Promise<void> {
    const timer = new AbortController()
    const publishing = held.during(() => this.#context.bus.publish(records))
    publishing.catch(() => undefined)
    try {
      const late = pause(this.#context.collect.publishTimeoutMs, 'late' as const, { signal: timer.signal })
      const outcome = await Promise.race([publishing, late])
      if (outcome === 'late') throw busy('The bus has not acknowledged in time.')
    } finally {
      timer.abort()
    }
  }
}

/** What a request does between two turns of the event loop. */
class Turn {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #sinceMs: number

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
  }

  /** Lets others have theirs, where this one has been long. */
  async over(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#sinceMs < turnMsMax) return
    await nextTurn()
    this.#sinceMs = this.#clock.monotonicMs()
  }
}

/** `units`: piece by piece. */
interface Pieces extends Omit<Carried, 'units'> {
  readonly units: Iterable<Carried['units']>
}

/** What is made of a body, in the order of its bytes: none of it before it is asked for, and known to be not too much. */
async function carried(turn: Turn, request: FastifyRequest, body: Buffer, door: Source): Promise<Iterable<Pieces>> {
  const contentType = request.headers['content-type'] ?? ''
  const isBatch = isBatchOfEvents(contentType)
  const event = isBatch ? undefined : readCloudEvent(body, contentType, request.headers)
  if (event !== undefined) return [{ ...event, units: [event.units] }]
  const options = isBatch ? ({ mode: 'values' } as const) : splittingOf(contentType, door)
  let count = 0
  for (const units of unitsOf(body, new RecordSplitter(options))) {
    count += units.length
    if (count > limits.recordsPerEnvelopeMax) throw tooManyRecords()
    await turn.over()
  }
  if (isBatch) return piecesOf(eventsOf(body))
  return [{ origin: originOf(request), units: unitsOf(body, new RecordSplitter(options)) }]
}

function splittingOf(contentType: string, { recordsKey }: Source): SplitterOptions {
  const isLines = /\b(?:x-ndjson|ndjson|jsonl|jsonlines|json-seq)\b/i.test(contentType)
  return { mode: isLines ? 'lines' : 'auto', recordsKey }
}

function* piecesOf(events: Iterable<Carried>): Generator<Pieces> {
  for (const { origin, units } of events) yield { origin, units: [units] }
}

/** A sender that repeats a request under the same Idempotency-Key repeats the same positions. */
function originOf(request: FastifyRequest): string {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || key === '') return `http:${request.id}`
  return `http:${request.caller.name}/${key.slice(0, 200)}`
}

function unknownSource(name: string, sources: ReadonlyMap<string, Source>): HttpError {
  const known = [...sources.keys()].slice(0, 30).join(', ')
  const hint = known === '' ? 'There are no sources in force yet.' : `There are: ${known}.`
  return new HttpError(404, 'SOURCE_UNKNOWN', `There is no source "${name.slice(0, 100)}".`, { hint })
}
