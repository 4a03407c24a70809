/**
 * `POST /v1/dead-letters/replay`: puts dead letters back, by id or by what they have in common.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { deadLetterCodes, type DeadLetter } from '../../core/dead-letter.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Filter, SearchIndex } from '../../core/ports/search-index.ts'
import { HttpError } from '../../runtime/http-error.ts'
import type { Log } from '../../runtime/log.ts'
import type { Telemetry } from '../../runtime/telemetry.ts'
import { issueOf, lists, visibleTo } from './query.ts'
import { asked } from './refusals.ts'
import { letterOf, replayLetters } from './replay.ts'

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

export interface ReplayContext {
  readonly bus: Bus
  readonly index: SearchIndex
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
}

export function mountReplay(app: FastifyInstance, context: ReplayContext): void {
  const { bus, index, clock, log, telemetry } = context
  app.post('/v1/dead-letters/replay', { config: { roles: ['admin'] } }, async (request) => {
    const parsed = Body.safeParse(request.body)
    if (!parsed.success) throw new HttpError(400, 'REPLAY_INVALID', issueOf(parsed.error))
    visibleTo(lists['dead-letters'], request.caller)
    const { letters, unknown, more } = await choose(index, parsed.data)
    const by = `operator:${request.caller.name}`
    const result = await replayLetters(bus, letters, { by, at: new Date(clock.nowMs()).toISOString() })
    telemetry.count('dead_letters_replayed', {}, result.replayed.length)
    log.info('Putting dead letters back was asked for', {
      by,
      replayed: result.replayed.length,
      notReplayed: result.notReplayed.length,
    })
    return { ...result, unknown, more }
  })
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
