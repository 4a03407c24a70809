/**
 * Versions of content: `GET /v1/content/history`, `POST /v1/content/rollback`. The operator's alone.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { counted } from '../../core/counted.ts'
import { Bundle } from '../../core/content.ts'
import { BusRefusedError, ContentInvalidError, formatMistake } from '../../core/errors.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { ContentChecks } from '../../runtime/content/content-publisher.ts'
import { Rollback, type ContentHistory, type ContentReader } from '../../runtime/content/content-reader.ts'
import { rollBack, RollbackInvalidError } from '../../runtime/content/content-rollback.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import { checkOperator } from './query.ts'

export interface ContentContext {
  readonly bus: Bus
  readonly content: ContentReader & ContentHistory
  readonly checks: ContentChecks
  readonly clock: Clock
}

const Version = z.strictObject({
  set: Bundle.shape.set,
  digest: z.string(),
  files: z.int(),
  publishedAt: z.iso.datetime(),
  inForce: z.boolean(),
  held: z.boolean(),
})

export function mountVersions(app: FastifyInstance, { bus, content, checks, clock }: ContentContext): void {
  mountRoute(app, {
    method: 'GET',
    url: '/v1/content/history',
    roles: ['analyst', 'responder'],
    summary: 'Versions of content that were published, and who went back to which',
    tag: 'content',
    answers: {
      200: {
        description: 'Newest first. `held`: somebody went back from it.',
        schema: z.strictObject({ versions: z.array(Version), rollbacks: z.array(Rollback) }),
      },
    },
    handle: ({ caller }) => {
      checkOperator(caller)
      const versions = content.versions().map(({ set, digest, files, publishedMs }) => ({
        ...{ set, digest, files, publishedAt: new Date(publishedMs).toISOString() },
        inForce: content.current(set) === digest,
        held: content.held(set) === digest,
      }))
      return { versions, rollbacks: content.rollbacks() }
    },
  })
  mountRoute(app, {
    method: 'POST',
    url: '/v1/content/rollback',
    roles: ['responder'],
    summary: 'Brings an earlier version of a content set back into force',
    tag: 'content',
    body: z.strictObject({
      digest: z.string().regex(/^[0-9a-fA-F]{8,64}$/, 'A digest is hexadecimal, at least 8 characters of it'),
      reason: z.string().min(1).max(2_000),
    }),
    deed: { target: ({ body }) => `roll content back to ${body.digest}` },
    answers: { 202: { description: 'It is in force at the next place in the logs.', schema: Rollback } },
    handle: async ({ body: { digest, reason }, caller, reply }) => {
      checkOperator(caller)
      try {
        const by = `operator:${caller.name}`
        return await reply
          .code(202)
          .send(await rollBack({ bus, content, checks }, { digest, reason, by, atMs: clock.nowMs() }))
      } catch (error) {
        if (error instanceof ContentInvalidError) throw invalid(error)
        if (error instanceof BusRefusedError) throw notOurs(error)
        if (!(error instanceof RollbackInvalidError)) throw error
        throw new HttpError(409, error.code, error.message, error.hint === undefined ? {} : { hint: error.hint })
      }
    },
  })
}

/** A console need not be let write content: what it would write first is its own record there, so nothing has changed. */
function notOurs(cause: BusRefusedError): HttpError {
  return new HttpError(
    409,
    'CONTENT_NOT_WRITABLE',
    'The broker does not let this process write content: nothing has changed.',
    {
      cause,
      hint: 'Run modelwarden content rollback with the configuration of whoever publishes (schedule).',
    },
  )
}

/** Mistakes that an answer names; `modelwarden content rollback` without an instance shows all. */
const shownMax = 10

function invalid({ code, mistakes }: ContentInvalidError): HttpError {
  const shown = mistakes.slice(0, shownMax).map(formatMistake).join('; ')
  const hint = 'Nothing has changed. Publish a version in which these are mended.'
  return new HttpError(
    409,
    code,
    `That version has ${counted(mistakes.length, 'mistake')} for this program: ${shown}`,
    { hint },
  )
}
