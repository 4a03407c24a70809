/**
 * What the fault harness feeds: a day of records, the same for the same numbers, with what must come of each.
 *
 * Valid ones of many principals, each principal's dealt out over all partitions, some by collect's door; thefts whose
 * steps come in order, and decoys whose steps don't; 1 % malformed in the ways of docs/bad-input.md; 1 % sent twice; 1
 * % late, within what sources are allowed.
 */
import { createHash } from 'node:crypto'
import type { DemoRecord } from '../../../cli/demo/day.ts'
import { seeded, type Random } from '../../../cli/demo/random.ts'
import type { DeadLetterCode } from '../../../core/dead-letter.ts'
import { headers, topics } from '../../../core/topics.ts'
import type { OutgoingRecord } from '../../../core/ports/bus.ts'

export interface FaultRecord extends OutgoingRecord {
  /** Comes by collect's door for this source, which chooses the place on the bus. */
  readonly door?: string
}

export interface FaultDay {
  readonly records: readonly FaultRecord[]
  /** So many of them are from before the day: hours in a moment. None of the day's may overtake them, or they are late. */
  readonly before: number
  /** SHA-256 of the bytes of each valid record, once. */
  readonly valid: ReadonlySet<string>
  /** `CODE sha256` of each malformed one. */
  readonly malformed: ReadonlySet<string>
  /** Principals that stole in order, and those whose steps came in another. */
  readonly thieves: readonly string[]
  readonly decoys: readonly string[]
  /** Event time of the last record. */
  readonly endMs: number
}

export interface DayOptions {
  readonly count: number
  readonly partitions: number
  /** Event time of the last record. */
  readonly endMs: number
  readonly thieves: number
  readonly decoys: number
  /** Another day's records, in order of time: all of them valid. */
  readonly beside?: readonly DemoRecord[]
}

const dayMs = 8 * 3_600_000
const lateMsMax = 5 * 60_000
const share = 0.01
/** Of the records of people at work. */
const doorShare = 0.05
const principals = 400

export function faultDay(options: DayOptions): FaultDay {
  const { count, endMs, beside = [] } = options
  const random = seeded(count)
  const startMs = endMs - dayMs
  const names = (what: string, number: number) => Array.from({ length: number }, (_, i) => `${what}-${i}`)
  const thieves = names('thief', options.thieves)
  const decoys = names('decoy', options.decoys)
  const scenes = [...scenesOf(thieves, decoys, count)].sort((a, b) => a.at - b.at)
  const writer = new DayWriter(options.partitions)
  let told = 0
  const tell = (untilMs: number): void => {
    for (; beside[told] !== undefined && beside[told]!.atMs <= untilMs; told++) writer.demo(beside[told]!)
  }
  tell(startMs)
  const before = writer.day.records.length
  for (let i = 0; i < count; i++) {
    const timeMs = startMs + Math.floor((i * dayMs) / count)
    tell(timeMs)
    for (; scenes[0] !== undefined && scenes[0].at <= i; scenes.shift()) {
      writer.valid(recordText({ ...scenes[0].record, id: `scene-${i}-${scenes.length}`, timeMs }))
    }
    const chance = random.next()
    if (chance < share) writer.malformed(malformedOf(i, random))
    else if (chance < 2 * share) writer.again(random)
    else {
      const late = chance < 3 * share ? random.whole(1_000, lateMsMax) : 0
      writer.valid(background(i, timeMs - late, random), random.next() < doorShare ? { door: 'audit' } : {})
    }
  }
  return { ...writer.day, before, thieves, decoys, endMs }
}

/** Deals records out over the partitions, and keeps what must come of each. */
class DayWriter {
  readonly day = { records: [] as FaultRecord[], valid: new Set<string>(), malformed: new Set<string>() }
  readonly #partitions: number
  readonly #recent: string[] = []

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  valid(text: string, more: { readonly door?: string } = {}): void {
    this.day.valid.add(sha256(text))
    this.#put(topics.audit, text, 'audit', more)
    this.#recent.push(text)
    if (this.#recent.length > 500) this.#recent.shift()
  }

  demo({ source, record }: DemoRecord): void {
    const text = JSON.stringify(record)
    this.day.valid.add(sha256(text))
    this.#put(source === 'litellm' || source === 'gateway' ? topics.inference : topics.audit, text, source)
  }

  malformed({ code, value, source = 'audit' }: Malformed): void {
    this.day.malformed.add(`${code} ${sha256(value)}`)
    this.#put(topics.audit, value, source)
  }

  /** As its source may send it: twice. */
  again(random: Random): void {
    if (this.#recent.length > 0) this.#put(topics.audit, random.pick(this.#recent), 'audit')
  }

  #put(topic: string, value: string | Buffer, source: string | null, more: { readonly door?: string } = {}): void {
    const partition = this.day.records.length % this.#partitions
    const named = source === null ? {} : { headers: { [headers.source]: source } }
    this.day.records.push({ topic, partition, value, ...named, ...more })
  }
}

interface Scene {
  /** After how many records. */
  readonly at: number
  readonly record: {
    readonly principal: string
    readonly action: string
    readonly resource: string
    readonly ip: string
  }
}

/** Steps a minute of event time or two apart, over the whole day; readers from shared addresses beside them. */
function* scenesOf(thieves: readonly string[], decoys: readonly string[], count: number): Generator<Scene> {
  const minute = count / (dayMs / 60_000)
  const all = [...thieves, ...decoys]
  for (const [k, principal] of all.entries()) {
    const from = (k + 1) * (count / (all.length + 2))
    const steps = thieves.includes(principal) ? ['list', 'copy', 'stop'] : ['stop', 'copy', 'list']
    for (const [i, step] of steps.entries()) {
      const record = { principal, action: `fault_${step}`, resource: `repo://weights-${k}`, ip: `192.0.2.${k}` }
      yield { at: Math.floor(from + i * 1.5 * minute), record }
    }
  }
  for (let group = 0; group < 8; group++) {
    const from = (group + 1) * (count / 10)
    for (let i = 0; i < 10; i++) {
      const record = {
        principal: `reader-${group}-${i % 3}`,
        action: 'fault_read',
        resource: `s3://secret-${group}/${i}`,
        ip: `198.51.100.${group}`,
      }
      yield { at: Math.floor(from + i * minute), record }
    }
  }
}

interface RecordParts {
  readonly id: string
  readonly timeMs: number
  readonly principal: string
  readonly action: string
  readonly resource: string
  readonly ip: string
}

function recordText({ id, timeMs, principal, action, resource, ip }: RecordParts): string {
  const ts = new Date(timeMs).toISOString()
  const parts = { id, type: 'audit', source: 'database', action, tenant: 'own', principal, ts, outcome: 'success' }
  return JSON.stringify({ ...parts, resource, ip })
}

function background(i: number, timeMs: number, random: Random): string {
  const who = random.whole(0, principals - 1)
  return recordText({
    id: `record-${i}`,
    timeMs,
    principal: `person-${who}`,
    action: random.pick(['select', 'describe', 'connect']),
    resource: `db://table-${random.whole(0, 60)}`,
    ip: `203.0.113.${who % 250}`,
  })
}

interface Malformed {
  readonly code: DeadLetterCode
  readonly value: string | Buffer
  /** In place of `audit`; null: none. */
  readonly source?: string | null
}

/** The ways of docs/bad-input.md that end as a dead letter; no two of them have the same bytes. */
const ways: readonly ((id: string, i: number) => Malformed)[] = [
  (id) => ({ code: 'NOT_JSON', value: good(id).slice(0, -5) }),
  (id) => ({ code: 'NOT_JSON', value: good(id).replace('select', 'se\u0001lect') }),
  (id) => ({ code: 'NOT_UTF8', value: Buffer.concat([Buffer.from(`{"id":"${id}`), Buffer.from([0xff]), Buffer.from('"}')]) }), // prettier-ignore
  (id) => ({ code: 'NOT_UTF8', value: Buffer.from(`\ufeff${good(id)}`, 'utf16le') }),
  (_, i) => ({ code: 'NOT_AN_OBJECT', value: String(i) }),
  (id) => ({ code: 'NOT_AN_OBJECT', value: `[[${good(id)}]]` }),
  (id) => ({ code: 'TOO_DEEP', value: good(id).replace(/}$/, `,"deep":${'['.repeat(1_000)}${']'.repeat(1_000)}}`) }),
  (id) => ({ code: 'TIME_MISSING', value: changed(id, { ts: undefined }) }),
  (id) => ({ code: 'TIME_INVALID', value: changed(id, { ts: '2026-02-30T00:00:00Z' }) }),
  (id) => ({ code: 'EVENT_TOO_OLD', value: changed(id, { ts: '1601-01-01T00:00:00Z' }) }),
  (id) => ({ code: 'EVENT_FROM_FUTURE', value: changed(id, { ts: '9999-12-31T23:59:59Z' }) }),
  (id) => ({ code: 'IDENTITY_MISSING', value: changed(id, { id: null, note: id }) }),
  (id) => ({ code: 'SOURCE_UNKNOWN', value: good(id), source: 'nowhere' }),
  (id) => ({ code: 'SOURCE_MISSING', value: JSON.stringify({ something: id }), source: null }),
]

function malformedOf(i: number, random: Random): Malformed {
  return random.pick(ways)(`malformed-${i}`, i)
}

function changed(id: string, change: object): string {
  return JSON.stringify({ ...(JSON.parse(good(id)) as object), ...change })
}

function good(id: string): string {
  const timeMs = Date.parse('2026-03-02T00:00:00Z')
  return recordText({ id, timeMs, principal: 'somebody', action: 'select', resource: 'db://table', ip: '203.0.113.1' })
}

export function sha256(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex')
}
