/**
 * Exceptions: filters that somebody answers for. They carry an author, a reason and mostly an end, and what they hide is counted.
 *
 * Pure. A filter with an envelope (`modelwarden: { author, reason, expires }`) does not become part of the rule's condition, as
 * other filters do: the rule matches, and the match is suppressed where the filter leaves the event out and the event is dated
 * before the end. So whether an exception holds follows from the event alone, whatever the clock says.
 */
import { z } from 'zod'
import type { FilePlace } from '../../core/errors.ts'
import { schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { compileCondition } from './evaluate.ts'
import { FieldReader } from './fields.ts'
import type { Mistakes } from './mistakes.ts'
import type { Condition, EventTree, SigmaException } from './types.ts'

const Envelope = z.strictObject({
  author: z.string().min(1).max(200),
  reason: z.string().min(1).max(2_000),
  /** Events dated then or later are not suppressed any more; left out: without an end. */
  expires: z.union([z.iso.datetime(), z.iso.date()]).optional(),
  /** The signal that it was made from. */
  signal: z.string().max(200).optional(),
})

export interface ExceptionEnvelope {
  readonly author: string
  readonly reason: string
  /** Event time, ms; null: it has no end. */
  readonly expiresMs: number | null
  readonly place: FilePlace
}

/** `undefined`: it is a plain filter; `null`: there are mistakes. */
export function readEnvelope(parsed: ParsedYaml, mistakes: Mistakes): ExceptionEnvelope | undefined | null {
  const given = (parsed.value as { modelwarden?: unknown }).modelwarden
  if (given === undefined) return undefined
  const read = Envelope.safeParse(given)
  if (!read.success) {
    mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_FILTER_INVALID', ['modelwarden']))
    return null
  }
  const { author, reason, expires } = read.data
  const place = parsed.place(['modelwarden'])
  return { author, reason, expiresMs: expires === undefined ? null : Date.parse(expires), place }
}

interface Compiled {
  readonly exception: SigmaException
  readonly keeps: () => boolean
}

/** Asks exceptions whether they hide a match. Not reentrant. */
export class Exceptions {
  readonly #byRule = new Map<string, Compiled[]>()
  readonly #reader = new FieldReader()
  #read: EventTree | undefined

  constructor(exceptions: readonly SigmaException[]) {
    for (const exception of exceptions) {
      for (const { rule, condition } of exception.of) {
        const list = this.#byRule.get(rule) ?? []
        list.push({ exception, keeps: this.#compile(condition) })
        this.#byRule.set(rule, list)
      }
    }
  }

  #compile(condition: Condition): () => boolean {
    return compileCondition(condition, this.#reader)
  }

  /** Whether any could hide a match of this rule. */
  concern(rule: string): boolean {
    return this.#byRule.has(rule)
  }

  /** The exception that hides this event's match of a rule, or its part in a correlation. */
  hiding(rule: string, event: EventTree, timeMs: number): SigmaException | undefined {
    const own = this.#byRule.get(rule)
    if (own === undefined) return undefined
    if (this.#read !== event) {
      this.#read = event
      this.#reader.read(event)
    }
    return own.find(({ exception, keeps }) => timeMs < (exception.expiresMs ?? Infinity) && !keeps())?.exception
  }
}
