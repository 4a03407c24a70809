/**
 * The events of a rule's case: partial ECS events by dotted names, or raw records that go through a source; each once or
 * many times over.
 */
import { z } from 'zod'
import { Event } from '../../../core/event.ts'
import { derivedId, sha256Hex } from '../../../core/ids.ts'
import { parseJson } from '../../../core/json.ts'
import { Duration } from '../../../engine/behavior/units.ts'
import { MappingContext } from '../../../engine/sources/mapping-context.ts'
import type { Source } from '../../../engine/sources/source.ts'

const repeatMax = 20_000

export const EventEntry = z
  .strictObject({
    /** Time after the first event of the case, or after the entry before; default: one second. */
    after: Duration.optional(),
    /** Instead: the very time. */
    at: z.iso.datetime().optional(),
    /** How many of them, and how far apart. `{n}` in any text is the number, from 0. */
    times: z.int().positive().max(repeatMax).default(1),
    every: Duration.default(1_000),
    /** Fields by dotted names. */
    event: z.record(z.string(), z.unknown()).optional(),
    /** A raw record, and the source that reads it. */
    source: z.string().optional(),
    record: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(({ event, source, record }) => (event === undefined) !== (source === undefined || record === undefined), {
    error: 'Give either an event, or a source and a record',
  })
export type EventEntry = z.infer<typeof EventEntry>

export interface CaseEvent {
  readonly event: Event
  readonly timeMs: number
}

/** Events without a time of their own begin here: a Monday morning. */
const startMs = Date.parse('2026-03-02T09:00:00.000Z')
/** Digests in cases are the same on every machine. */
const caseKey = new Uint8Array(32).fill(7)

export class CaseEvents {
  readonly made: CaseEvent[] = []
  readonly #common: Readonly<Record<string, unknown>>
  readonly #sources: ReadonlyMap<string, Source>
  readonly #context = new MappingContext(caseKey)

  constructor(common: Readonly<Record<string, unknown>>, sources: ReadonlyMap<string, Source>) {
    this.#common = common
    this.#sources = sources
  }

  /** Makes the events of a case; what is wrong with them. */
  read(entries: readonly EventEntry[]): string[] {
    const differences: string[] = []
    let timeMs = startMs - 1_000
    for (const entry of entries) {
      timeMs = entry.at === undefined ? timeMs + (entry.after ?? 1_000) : Date.parse(entry.at)
      for (let n = 0; n < entry.times; n++) {
        if (n > 0) timeMs += entry.every
        const wrong = this.#add(entry, n, timeMs)
        if (wrong !== undefined) return [...differences, wrong]
      }
    }
    this.made.sort((a, b) => a.timeMs - b.timeMs)
    return differences
  }

  #add(entry: EventEntry, n: number, timeMs: number): string | undefined {
    const number = this.made.length
    if (entry.event !== undefined) {
      const event = expand({ ...this.#common, ...entry.event }, n, timeMs, number)
      const read = Event.safeParse(event)
      if (!read.success)
        return `the event is none: ${read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`
      this.made.push({ event: event as Event, timeMs: Date.parse(event['@timestamp'] as string) })
      return undefined
    }
    return this.#normalize(entry, n, number)
  }

  /** A raw record keeps its own time and id; both may hold `{n}`. */
  #normalize(entry: EventEntry, n: number, number: number): string | undefined {
    const door = this.#sources.get(entry.source!)
    if (door === undefined) return `there is no source "${entry.source!}"`
    const text = JSON.stringify(numbered(entry.record, n))
    const parsed = parseJson(text)
    if (!parsed.ok) return parsed.message
    const source = this.#sources.get(door.owner(parsed.value)) ?? door
    const result = source.normalize(
      parsed.value,
      {
        position: { topic: 'case', partition: 0, offset: number, index: 0 },
        appendedMs: Date.parse('2099-01-01T00:00:00.000Z'),
        hash: sha256Hex(text),
        masked: false,
        origin: undefined,
        tenant: undefined,
      },
      this.#context,
    )
    if (result.outcome !== 'event')
      return `the source made no event of it: ${result.outcome === 'refused' ? result.code : 'ignored'}`
    this.made.push({ event: result.event, timeMs: result.eventTimeMs })
    return undefined
  }
}

/** Turns dotted names into an event, with what every event has. */
function expand(
  fields: Readonly<Record<string, unknown>>,
  n: number,
  timeMs: number,
  number: number,
): Record<string, unknown> {
  const id = derivedId('case', number)
  const user = textOf(fields['user.name'], 'somebody')
  const tenant = textOf(fields['organization.id'], 'own')
  const all: Record<string, unknown> = {
    '@timestamp': new Date(timeMs).toISOString(),
    'event.id': id,
    'event.kind': 'event',
    'event.dataset': 'case',
    'event.created': new Date(timeMs).toISOString(),
    'event.hash': sha256Hex(id),
    'organization.id': tenant,
    'warden.principal': `${tenant}/${user}`,
    'warden.logsource': {},
    'warden.position': { topic: 'case', partition: 0, offset: number, index: 0 },
    ...fields,
  }
  const event: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(all)) place(event, path.split('.'), numbered(value, n))
  return event
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = into
  for (const step of path.slice(0, -1)) {
    const next = node[step]
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) node = next as Record<string, unknown>
    else {
      const made: Record<string, unknown> = {}
      Object.defineProperty(node, step, { value: made, enumerable: true, writable: true, configurable: true })
      node = made
    }
  }
  Object.defineProperty(node, path[path.length - 1]!, { value, enumerable: true, writable: true, configurable: true })
}

/** `{n}` in texts becomes the number; a text that is nothing else becomes the number itself. */
function numbered(value: unknown, n: number): unknown {
  if (typeof value === 'string') return value === '{n}' ? n : value.replaceAll('{n}', String(n))
  if (Array.isArray(value)) return value.map((item) => numbered(item, n))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replaceAll('{n}', String(n)), numbered(item, n)]),
  )
}
