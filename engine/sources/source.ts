/**
 * A compiled source: splits envelopes, recognizes records, frees them of credentials, and turns each into an Event.
 *
 * Pure: the append time, the position and the digest of the raw bytes come in with the record. Promises: the same record at
 * the same position gives the same event; it never throws on any JSON; vectors are handed on, not copied; what can't be
 * an event comes back as a code from the bounded set, with a sentence.
 */
import type { DeadLetterCode } from '../../core/dead-letter.ts'
import type { Event } from '../../core/event.ts'
import { derivedId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { Write } from './builder.ts'
import type { Condition } from './condition.ts'
import { unreadable } from './convert.ts'
import type { Expression } from './expression.ts'
import { present, textOf } from './present.ts'
import type { MappingContext } from './mapping-context.ts'
import { isObject, type Getter } from './path.ts'
import { redactParsed, redactText, type SensitivePlan } from './redact.ts'
import { entityId, tenantId } from './text.ts'
import { isSpelledCanonically, parseTime, type TimeFormat } from './time.ts'

export interface RecordPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly index: number
}

/** What is known about a raw record beside its content. */
export interface RawRecord {
  readonly position: RecordPosition
  readonly appendedMs: number
  /** SHA-256 of the raw bytes, 64 hex digits. */
  readonly hash: string
  /** Collect has freed it of credentials. */
  readonly masked: boolean
  /** Where it stood at its origin (file and byte offset, request and index), where that is known. */
  readonly origin: string | undefined
  /** The tenant that the sender is bound to: whatever the record says. */
  readonly tenant: string | undefined
}

export type Normalized =
  | { readonly outcome: 'event'; readonly event: Event; readonly eventTimeMs: number }
  | { readonly outcome: 'ignored' }
  | { readonly outcome: 'refused'; readonly code: DeadLetterCode; readonly message: string; readonly hint?: string }

export interface SourceParts {
  readonly name: string
  readonly title: string
  readonly topic: 'audit' | 'inference'
  readonly logsource: Event['warden']['logsource']
  readonly match: Condition | undefined
  readonly delegates: readonly { readonly when: Condition; readonly to: string }[]
  readonly records: Getter | undefined
  /** First key of the path to an envelope's records, where that path has one step. */
  readonly recordsKey: string | undefined
  readonly ignore: Condition | undefined
  readonly time: Expression
  readonly timeFormat: TimeFormat
  readonly latenessMs: number
  readonly tellsTime: boolean
  readonly silenceMs: number | undefined
  readonly tenant: Expression
  readonly principal: Expression
  readonly identity: 'position' | 'content' | Expression
  readonly map: Write
  readonly derive: Write
  readonly keep: Write | undefined
  readonly sensitive: SensitivePlan
}

/** The user part of a principal where a record names nobody. */
const nobody = 'unknown'

export class Source {
  readonly name: string
  readonly title: string
  readonly topic: 'audit' | 'inference'
  readonly latenessMs: number
  /** Whether event time goes on by its records. */
  readonly tellsTime: boolean
  readonly silenceMs: number | undefined
  readonly recordsKey: string | undefined
  readonly #parts: SourceParts
  #createdSecond = NaN
  #createdPrefix = ''

  constructor(parts: SourceParts) {
    this.#parts = parts
    this.name = parts.name
    this.title = parts.title
    this.topic = parts.topic
    this.latenessMs = parts.latenessMs
    this.tellsTime = parts.tellsTime
    this.silenceMs = parts.silenceMs
    this.recordsKey = parts.recordsKey
  }

  /** The name of the source that this record of a mixed stream belongs to. */
  owner(record: unknown): string {
    for (const { when, to } of this.#parts.delegates) if (when(record)) return to
    return this.name
  }

  /** Whether a record without a `source` header is one of this source's. */
  matches(record: unknown): boolean {
    return this.#parts.match?.(record) ?? false
  }

  /** The records of an envelope; `undefined` where this is no envelope. */
  records(value: unknown): readonly unknown[] | undefined {
    if (Array.isArray(value)) return value as unknown[]
    const found = this.#parts.records?.(value)
    return Array.isArray(found) ? (found as unknown[]) : undefined
  }

  /** The record's text with what is sensitive replaced; it must be valid JSON within the depth limit. */
  redact(text: string, context: MappingContext): string {
    return redactText(text, this.#parts.sensitive, context)
  }

  /**
   * The bus key of a raw record: tenant and user, so that one principal's records keep their order on the way to normalize;
   * `undefined` where the record does not say. What is sensitive in `record` is replaced in place.
   */
  keyOf(record: Record<string, unknown>, tenant: string | undefined, context: MappingContext): string | undefined {
    redactParsed(record, this.#parts.sensitive, context)
    const of = this.#readTenant(record, tenant, context)
    const user = textOf(this.#parts.principal(record, context))
    return of === undefined || user === undefined ? undefined : `${of}/${entityId(user)}`
  }

  normalize(record: unknown, raw: RawRecord, context: MappingContext): Normalized {
    const parts = this.#parts
    if (!isObject(record)) {
      return refused('NOT_AN_OBJECT', `The record is ${kindOf(record)}, not an object.`)
    }
    context.reset()
    if (parts.ignore?.(record) === true) return { outcome: 'ignored' }
    if (!raw.masked) redactParsed(record, parts.sensitive, context)
    const found = present(parts.time(record, context))
    const time = this.#readTime(found, raw.appendedMs)
    if (typeof time !== 'number') return time
    const tenant = this.#readTenant(record, raw.tenant, context)
    if (tenant === undefined) {
      return refused('TENANT_MISSING', 'The record does not say which organization it belongs to.')
    }
    const id = this.#readId(record, tenant, raw, context)
    if (id === undefined) return refused('IDENTITY_MISSING', 'The record has no value in the field that identifies it.')
    // Most records spell it as events do.
    const asEvents = typeof found === 'string' && parts.timeFormat.startsWith('iso') && isSpelledCanonically(found)
    const timestamp = asEvents ? found : isoTime(time)
    const event = this.#build(record, raw, context, { timestamp, tenant, id })
    return { outcome: 'event', event, eventTimeMs: time }
  }

  #readTime(found: unknown, appendedMs: number): number | Normalized {
    if (found === undefined) return refused('TIME_MISSING', 'The record has no time.')
    const time = parseTime(found, this.#parts.timeFormat)
    if (time === undefined) {
      const shown = textOf(found)?.slice(0, 100) ?? kindOf(found)
      return refused('TIME_INVALID', `The time ${JSON.stringify(shown)} can't be read as ${this.#parts.timeFormat}.`)
    }
    if (time < limits.eventTimeMsMin) {
      return refused('EVENT_TOO_OLD', `The record is dated ${isoTime(time)}: before 2000, so its clock was wrong.`)
    }
    if (time > appendedMs + limits.futureMsMax) {
      return refused(
        'EVENT_FROM_FUTURE',
        `The record is dated ${isoTime(time)}, but it arrived ${isoTime(appendedMs)}.`,
      )
    }
    return time
  }

  #readTenant(record: unknown, bound: string | undefined, context: MappingContext): string | undefined {
    if (bound !== undefined) return tenantId(bound)
    const text = textOf(this.#parts.tenant(record, context))
    return text === undefined ? undefined : tenantId(text)
  }

  /** The tenant is part of it: nobody can have another tenant's events taken for duplicates of theirs. */
  #readId(record: unknown, tenant: string, raw: RawRecord, context: MappingContext): string | undefined {
    const { identity, name } = this.#parts
    if (identity === 'content') return derivedId('event', name, tenant, raw.hash, raw.position.index)
    if (identity === 'position') {
      const { topic, partition, offset, index } = raw.position
      const origin = raw.origin ?? `${topic}/${partition}/${offset}`
      return derivedId('event', name, tenant, origin, index)
    }
    const text = textOf(identity(record, context))
    return text === undefined ? undefined : derivedId('event', name, tenant, text)
  }

  #build(
    record: Record<string, unknown>,
    raw: RawRecord,
    context: MappingContext,
    known: { readonly timestamp: string; readonly tenant: string; readonly id: string },
  ): Event {
    const parts = this.#parts
    const envelope: Record<string, unknown> = {
      id: known.id,
      kind: 'event',
      dataset: parts.name,
      created: this.#createdAt(raw.appendedMs),
      hash: raw.hash,
    }
    const warden: Record<string, unknown> = { principal: '', logsource: parts.logsource, position: raw.position }
    const event: Record<string, unknown> = {
      '@timestamp': known.timestamp,
      event: envelope,
      organization: { id: known.tenant },
      warden,
    }
    parts.map(record, context, event)
    parts.keep?.(record, context, event)
    parts.derive(event, context, event)
    const { asset, credential, session, model } = warden as Readonly<
      Record<string, { readonly id?: string } | undefined>
    >
    // What has no id is not told of: nothing could join on it.
    if (asset !== undefined && asset.id === undefined) delete warden['asset']
    if (credential !== undefined && credential.id === undefined) delete warden['credential']
    if (session !== undefined && session.id === undefined) delete warden['session']
    if (model !== undefined && model.id === undefined) delete warden['model']
    const user = present(parts.principal(record, context))
    const named = user === unreadable ? undefined : textOf(user)
    warden['principal'] = `${known.tenant}/${entityId(named ?? credential?.id ?? nobody)}`
    const note = mappingNote(context)
    if (note !== undefined) warden['mapping'] = note
    return event as Event
  }

  /** Records that come one after the other mostly share the second. */
  #createdAt(appendedMs: number): string {
    const second = Math.floor(appendedMs / 1_000)
    if (second !== this.#createdSecond) {
      this.#createdPrefix = isoTime(second * 1_000).slice(0, -'000Z'.length)
      this.#createdSecond = second
    }
    const ms = Math.floor(appendedMs - second * 1_000)
    return `${this.#createdPrefix}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`
  }
}

/** What was lost on the way, where anything was. */
function mappingNote(context: MappingContext): object | undefined {
  if (context.truncated === 0 && context.unreadable.length === 0) return undefined
  return {
    ...(context.truncated === 0 ? {} : { truncated: context.truncated }),
    ...(context.unreadable.length === 0 ? {} : { unreadable: [...context.unreadable] }),
  }
}

function refused(code: DeadLetterCode, message: string, hint?: string): Normalized {
  return { outcome: 'refused', code, message, ...(hint === undefined ? {} : { hint }) }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return `a ${typeof value}`
}
