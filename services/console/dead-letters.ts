/**
 * `POST /v1/dead-letters/replay`: puts dead letters back, by id or by what they have in common.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { deadLetterCodes, type DeadLetter } from '../../core/dead-letter.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Filter, SearchIndex } from '../../core/ports/search-index.ts'
import type { Caller } from '../../runtime/http/http-access.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import type { Log } from '../../runtime/log.ts'
import type { Telemetry } from '../../runtime/telemetry.ts'
import { checkOperator } from './query.ts'
import { asked } from './refusals.ts'
import { letterOf, notReplayedReasons, replayLetters } from './replay.ts'

const lettersMax = 1_000

const Body = z
  .strictObject({
    ids: z.array(z.string().min(1).max(200)).min(1).max(lettersMax).optional(),
    code: z.enum(deadLetterCodes).optional(),
    stage: z.string().min(1).max(200).optional(),
    source: z.string().min(1).max(200).optional(),
    /** Letters in one call, oldest first; call again for more. */
    limit: z.int().min(1).max(lettersMax).default(100),
  })
  .refine(({ ids, code, stage, source }) => [ids, code, stage, source].some((each) => each !== undefined), {
    error: 'Say which: ids, code, stage or source.',
  })

const ReplayAnswer = z.strictObject({
  replayed: z.array(z.string()),
  notReplayed: z.array(z.strictObject({ id: z.string(), reason: z.enum(notReplayedReasons), message: z.string() })),
  records: z.int(),
  unknown: z.array(z.string()),
  more: z.boolean(),
})

export interface ReplayContext {
  readonly bus: Bus
  readonly index: SearchIndex
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
}

export function mountReplay(app: FastifyInstance, context: ReplayContext): void {
  const { bus, index, clock, log, telemetry } = context
  const handle = async ({ body, caller }: { body: z.infer<typeof Body>; caller: Caller }) => {
    checkOperator(caller)
    const { letters, unknown, more } = await choose(index, body)
    const by = `operator:${caller.name}`
    const result = await replayLetters(bus, letters, { by, at: new Date(clock.nowMs()).toISOString() })
    telemetry.count('dead_letters_replayed', {}, result.replayed.length)
    log.info('Putting dead letters back was asked for', {
      by,
      replayed: result.replayed.length,
      notReplayed: result.notReplayed.length,
    })
    return { ...result, unknown, more }
  }
  mountRoute(app, {
    method: 'POST',
    url: '/v1/dead-letters/replay',
    roles: ['admin'],
    summary: 'Puts dead letters back where they stood',
    tag: 'dead-letters',
    body: Body,
    invalid: 'REPLAY_INVALID',
    answers: { 200: { description: 'What was put back, and what was not.', schema: ReplayAnswer } },
    deed: {
      target: ({ body }) =>
        body.ids === undefined ? `dead-letters ${described(body)}` : `${body.ids.length} dead-letters`,
    },
    handle,
  })
}

function described({ code, stage, source }: z.infer<typeof Body>): string {
  return Object.entries({ code, stage, source })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}:${value}`]))
    .join(' ')
}

interface Choice {
  readonly letters: readonly DeadLetter[]
  /** Ids that no letter has. */
  readonly unknown: readonly string[]
  /** Whether there are more that match. */
  readonly more: boolean
}

async function choose(index: SearchIndex, { ids, code, stage, source, limit }: z.infer<typeof Body>): Promise<Choice> {
  const is = (field: string, value: string | undefined): Filter[] => (value === undefined ? [] : [{ field, is: value }])
  const filters: Filter[] = [...is('code', code), ...is('stage', stage), ...is('source', source)]
  // Chosen by what they have in common, none is put back twice; named by id, whoever names it wants it again.
  if (ids === undefined) filters.push({ field: 'replayed.count', exists: false })
  else filters.push({ field: 'id', in: ids })
  const page = await asked(
    index.search({
      collection: 'dead-letters',
      filter: { all: filters },
      sort: { by: 'time', order: 'asc' },
      size: ids === undefined ? limit : lettersMax,
    }),
  )
  const letters = page.hits.flatMap((hit) => letterOf(hit.document) ?? [])
  const known = new Set(letters.map((letter) => letter.id))
  return { letters, unknown: (ids ?? []).filter((id) => !known.has(id)), more: page.after !== undefined }
}
