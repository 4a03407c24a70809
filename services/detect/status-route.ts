/**
 * `GET /v1/rules/status`: of each rule in force, through which event time and offset it has been evaluated, what it matched, what
 * was suppressed, what it costs. As this process knows it: where detect runs in several, each tells of its own partitions.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { HttpError } from '../../runtime/http-error.ts'
import { mountRoute } from '../../runtime/http-route.ts'
import type { TaskProgress } from '../../runtime/stage.ts'
import { detectStage } from './detect-stage.ts'
import { groupsStage } from './groups-stage.ts'
import type { RuleBook, RuleStatus } from './rule-book.ts'

export interface EvaluatedThrough {
  readonly stage: string
  readonly partition: number
  /** All records before it have been looked at. */
  readonly nextOffset: number
  /** Event time up to which nothing is missing; null: not known yet. */
  readonly eventTime: string | null
}

export interface RuleStatusAnswer {
  readonly digest: string | null
  /** Of each partition of both steps. */
  readonly partitions: readonly EvaluatedThrough[]
  /** `through`: the least event time of all partitions that a rule's findings depend on. */
  readonly rules: readonly (RuleStatus & { readonly through: string | null })[]
}

const Answer = z.strictObject({
  digest: z.string().nullable(),
  partitions: z.array(
    z.strictObject({
      stage: z.string(),
      partition: z.int(),
      nextOffset: z.int(),
      eventTime: z.string().nullable(),
    }),
  ),
  rules: z.array(z.looseObject({ through: z.string().nullable() })),
})

export function mountRuleStatus(app: FastifyInstance, book: RuleBook, progress: () => readonly TaskProgress[]): void {
  mountRoute(app, {
    method: 'GET',
    url: '/v1/rules/status',
    roles: ['viewer', 'analyst', 'responder'],
    summary: 'Of each rule in force: through when it has been evaluated, what it matched, what it costs',
    tag: 'rules',
    answers: { 200: { description: 'As this process knows it.', schema: Answer } },
    handle: ({ caller }) => {
      // What rules matched, they matched in everybody's events.
      if (caller.tenant === undefined) return ruleStatus(book, progress())
      throw new HttpError(403, 'OPERATOR_ONLY', 'Your token is for one tenant; this belongs to the operator.')
    },
  })
}

export function ruleStatus(book: RuleBook, progress: readonly TaskProgress[]): RuleStatusAnswer {
  const digest = book.digest ?? null
  const local = through(progress.filter((task) => task.stage === detectStage))
  const both = through(progress.filter((task) => [detectStage, groupsStage].includes(task.stage)))
  return {
    digest,
    partitions: progress.map(({ stage, partition, nextOffset, watermarkMs }) => {
      return { stage, partition, nextOffset, eventTime: iso(watermarkMs) }
    }),
    rules: book.rules().map((rule) => ({ ...rule, through: rule.grouped ? both : local })),
  }
}

function through(tasks: readonly TaskProgress[]): string | null {
  const reached = tasks.map(({ watermarkMs }) => watermarkMs)
  if (reached.length === 0 || reached.includes(null)) return null
  return iso(Math.min(...(reached as number[])))
}

/** An input that has ended is complete for all time. */
function iso(ms: number | null): string | null {
  if (ms === null || ms === -Infinity) return null
  return ms === Infinity ? 'end' : new Date(ms).toISOString()
}
