/**
 * The journal of an examination, and counting it: from the plan and what was written down alone, so that another can count again.
 *
 * A journal is JSON a line: what was set, then each question with its answer as it came, then the end. A question of the plan
 * that is not in it counts as asked without an answer, so that breaking off early gains nothing.
 */
import { z } from 'zod'
import { choiceOf } from './choice.ts'
import type { PlannedCanary } from './plan.ts'
import type { Asked } from './verdict.ts'

export const Setting = z.strictObject({
  examination: z.literal(1),
  modelwarden: z.string().max(64),
  commitment: z.string().length(64),
  endpoint: z.string().max(4_096),
  model: z.string().max(1_024),
  /** What was sent: OpenAI's chat form, or the SHA-256 of a template. */
  form: z.string().max(1_024),
  answerPath: z.string().max(1_024),
  perMinute: z.number(),
  timeoutSeconds: z.number(),
  startedAt: z.iso.datetime(),
})
export type Setting = z.infer<typeof Setting>

export const AskedLine = z.strictObject({
  at: z.iso.datetime(),
  id: z.string().max(64),
  kind: z.enum(['planted', 'control']),
  prompt: z.string(),
  answer: z.string().optional(),
  error: z.string().optional(),
  attempts: z.int().positive(),
})
export type AskedLine = z.infer<typeof AskedLine>

const Ended = z.strictObject({ endedAt: z.iso.datetime() })
export type Ended = z.infer<typeof Ended>

export interface Journal {
  readonly setting: Setting
  readonly asked: readonly AskedLine[]
  readonly endedAt: string | undefined
}

/** The journal, or what is wrong with it. */
export function readJournal(text: string): Journal | string {
  const lines = text.split('\n')
  // Every line is written whole with its end: what follows the last end was cut off.
  lines.pop()
  const setting = Setting.safeParse(valueOf(lines[0]))
  if (!setting.success) return 'its first line does not say how was asked'
  const asked: AskedLine[] = []
  let endedAt: string | undefined
  for (const [n, line] of lines.slice(1).entries()) {
    const value = valueOf(line)
    const ended = Ended.safeParse(value)
    const one = AskedLine.safeParse(value)
    if (endedAt !== undefined || (!ended.success && !one.success)) return `line ${n + 2} has no place in it`
    if (ended.success) endedAt = ended.data.endedAt
    else asked.push(one.data!)
  }
  return { setting: setting.data, asked, endedAt }
}

/** Each question of the plan as it went; or what does not fit the plan. */
export function recount(plan: readonly PlannedCanary[], { asked }: Journal): readonly Asked[] | string {
  const lines = new Map<string, AskedLine>()
  for (const line of asked) {
    if (lines.has(line.id)) return `${line.id} was asked twice`
    lines.set(line.id, line)
  }
  const counted: Asked[] = []
  for (const { id, kind, question, answer, distractors } of plan) {
    const offered = [answer, ...distractors]
    const line = lines.get(id)
    lines.delete(id)
    if (
      line !== undefined &&
      !(line.prompt.startsWith(question) && offered.every((each) => line.prompt.includes(each)))
    ) {
      return `${id} was not asked as it was planned`
    }
    const { named, last } = choiceOf(line?.answer ?? '', offered)
    counted.push({
      kind,
      hit: last === answer,
      chance: 1 / offered.length,
      answered: line?.answer !== undefined,
      named,
    })
  }
  const [unknown] = lines.keys()
  return unknown === undefined ? counted : `${unknown} is not in the plan`
}

function valueOf(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '')
  } catch {
    return undefined
  }
}
