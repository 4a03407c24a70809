/**
 * `GET /v1/rules/status`: of each rule in force, through which event time and offset it has been evaluated, what it matched, what
 * was suppressed, what it costs; summed over all partitions, whichever process owns them.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { RuleCounts, RuleTally } from '../../core/rule-tally.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import type { TaskProgress } from '../../runtime/stage/stage.ts'
import { detectStage } from './detect-stage.ts'
import { groupsStage } from './groups-stage.ts'
import { noCounts, type RuleBook, type RuleStatus } from './tallies/rule-book.ts'

export interface EvaluatedThrough {
  readonly stage: string
  readonly partition: number
  /** All records before it have been looked at; null: nobody has told. */
  readonly nextOffset: number | null
  /** Event time up to which nothing is missing; null: not known yet. */
  readonly eventTime: string | null
  /** When its owner told it; null: nobody has told. */
  readonly toldAt: string | null
}

export interface RuleStatusAnswer {
  readonly digest: string | null
  /** Since when there are counts; null: nothing has been counted. */
  readonly since: string | null
  /** Of each partition of both steps. */
  readonly partitions: readonly EvaluatedThrough[]
  /** `through`: the least event time of all partitions that a rule's findings depend on. */
  readonly rules: readonly (RuleStatus & { readonly through: string | null })[]
}

const Answer = z.strictObject({
  digest: z.string().nullable(),
  since: z.string().nullable(),
  partitions: z.array(
    z.strictObject({
      stage: z.string(),
      partition: z.int(),
      nextOffset: z.int().nullable(),
      eventTime: z.string().nullable(),
      toldAt: z.string().nullable(),
    }),
  ),
  rules: z.array(z.looseObject({ through: z.string().nullable() })),
})

/** `tallies`: of all partitions, as `talliesOf` puts them together. `partitions`: how many each step has. */
export interface StatusSources {
  readonly book: RuleBook
  tallies(): readonly RuleTally[]
  partitions(): Promise<number>
}

export function mountRuleStatus(app: FastifyInstance, sources: StatusSources): void {
  mountRoute(app, {
    method: 'GET',
    url: '/v1/rules/status',
    roles: ['viewer', 'analyst', 'responder'],
    summary: 'Of each rule in force: through when it has been evaluated, what it matched, what it costs',
    tag: 'rules',
    answers: { 200: { description: 'Over all processes of detect.', schema: Answer } },
    handle: async ({ caller }) => {
      // What rules matched, they matched in everybody's events.
      if (caller.tenant === undefined) {
        return ruleStatus(sources.book, sources.tallies(), await sources.partitions())
      }
      throw new HttpError(403, 'OPERATOR_ONLY', 'Your token is for one tenant; this belongs to the operator.')
    },
  })
}

/** Of the tasks of this process, as they are now. */
export function ownTallies(book: RuleBook, progress: readonly TaskProgress[], now: string): readonly RuleTally[] {
  const known = new Set(book.rules().map(({ id }) => id))
  return progress.flatMap(({ stage, partition, nextOffset, watermarkMs }) => {
    const counts = book.counts(stage, partition)
    if (counts === undefined) return []
    const rules = Object.fromEntries([...counts.rules].filter(([id]) => known.has(id)))
    return [{ stage, partition, nextOffset, eventTime: iso(watermarkMs), since: counts.since, at: now, rules }]
  })
}

/** Of every partition one: where it is our own, as it is now; else as its owner last told. */
export function talliesOf(own: readonly RuleTally[], told: readonly RuleTally[]): readonly RuleTally[] {
  const mine = new Set(own.map(({ stage, partition }) => `${stage}/${partition}`))
  return [...own, ...told.filter(({ stage, partition }) => !mine.has(`${stage}/${partition}`))]
}

/** `partitions`: how many each step has. One that nobody has told of leaves open how far rules have been evaluated. */
export function ruleStatus(book: RuleBook, tallies: readonly RuleTally[], partitions: number): RuleStatusAnswer {
  const all = [detectStage, groupsStage].flatMap((stage) =>
    Array.from({ length: partitions }, (_, partition): EvaluatedThrough => {
      const told = tallies.find((tally) => tally.stage === stage && tally.partition === partition)
      const { nextOffset = null, eventTime = null, at: toldAt = null } = told ?? {}
      return { stage, partition, nextOffset, eventTime, toldAt }
    }),
  )
  const local = through(all.filter(({ stage }) => stage === detectStage))
  const both = through(all)
  const sums = sumOf(tallies)
  const since = tallies.map((tally) => tally.since).sort()[0] ?? null
  const rules = book.rules().map((rule) => {
    const { matched, suppressed, signals, costMs, samples } = sums.get(rule.id) ?? noCounts()
    const costUs = samples === 0 ? null : Number(((costMs * 1_000) / samples).toFixed(2))
    return { ...rule, matched, suppressed, signals, costUs, through: rule.grouped ? both : local }
  })
  return { digest: book.digest ?? null, since, partitions: all, rules }
}

function sumOf(tallies: readonly RuleTally[]): ReadonlyMap<string, RuleCounts> {
  const sums = new Map<string, RuleCounts>()
  for (const { rules } of tallies) {
    for (const [id, counts] of Object.entries(rules)) {
      const sum = sums.get(id) ?? noCounts()
      sum.matched += counts.matched
      sum.suppressed += counts.suppressed
      sum.signals += counts.signals
      sum.costMs += counts.costMs
      sum.samples += counts.samples
      sums.set(id, sum)
    }
  }
  return sums
}

/** `end` is later than every time, and null earlier. */
function through(parts: readonly EvaluatedThrough[]): string | null {
  const times = parts.map(({ eventTime }) => eventTime)
  if (times.length === 0 || times.includes(null)) return null
  return (times as string[]).filter((time) => time !== 'end').sort()[0] ?? 'end'
}

/** An input that has ended is complete for all time. */
function iso(ms: number | null): string | null {
  if (ms === null || ms === -Infinity) return null
  return ms === Infinity ? 'end' : new Date(ms).toISOString()
}
