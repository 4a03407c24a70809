/**
 * Takes records in: each becomes a record for the bus, freed of credentials, or a dead letter and a rejection.
 *
 * Stands behind every door of collect (HTTP, files). Promises: each record is counted once; what goes on is byte for byte
 * what came, but for the values that its source or their names call secret; nothing is parsed into numbers and written anew.
 */
import type { DeadLetterCode } from '../../core/dead-letter.ts'
import { decodeUtf8, parseJson, type ParsedJson } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'
import { MappingContext } from '../../engine/sources/mapping-context.ts'
import { isObject } from '../../engine/sources/path.ts'
import { kindOf, type Source } from '../../engine/sources/source.ts'
import { buildDeadLetter } from '../../runtime/dead-letters.ts'
import { RecordSplitter, type SplitterOptions, type Unit } from './splitter.ts'
import { holdsMoreThan, unitsOf } from './whole-body.ts'

export interface Rejection {
  /** Which record of the request or file, from 0. */
  readonly index: number
  /** Where it began, from 1. */
  readonly line: number
  readonly code: DeadLetterCode
  readonly message: string
}

export interface IntakeOptions {
  readonly sources: ReadonlyMap<string, Source>
  /** The source that the sender named. */
  readonly door: Source
  readonly hmacKey: Uint8Array
  /** What names this request or file: positions in it are told by offset. */
  readonly origin: string
  /** The tenant that the sender is bound to. */
  readonly tenant: string | undefined
  readonly nowMs: () => number
}

/** What becomes one record or one rejection. */
interface Part {
  readonly of: Unit
  readonly parsed: ParsedJson
}

export class Intake {
  accepted = 0
  rejected = 0
  readonly #options: IntakeOptions
  readonly #context: MappingContext
  #records: OutgoingRecord[] = []
  #bytes = 0
  #rejections: Rejection[] = []

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#context = new MappingContext(options.hmacKey)
  }

  /** Bytes taken in and not yet taken out. */
  get pendingBytes(): number {
    return this.#bytes
  }

  /** What is to be published, dead letters included, and what was rejected, since the last call. */
  takeOut(): { readonly records: readonly OutgoingRecord[]; readonly rejections: readonly Rejection[] } {
    const taken = { records: this.#records, rejections: this.#rejections }
    this.#records = []
    this.#rejections = []
    this.#bytes = 0
    return taken
  }

  take(unit: Unit): void {
    const taking = this.taking(unit)
    while (taking.next().done !== true);
  }

  /** Takes it in record by record, for a line may hold as many as a whole request; gives how many there have been. */
  *taking(unit: Unit): Generator<number, void> {
    for (const { of, parsed } of this.#partsOf(unit)) {
      if (parsed.ok) this.#takeRecord(of, parsed.value)
      else this.#reject(of, parsed.code, parsed.message)
      yield this.accepted + this.rejected
    }
  }

  /** The unit, or the records of the envelope that it is. */
  #partsOf(unit: Unit): Iterable<Part> {
    if (unit.whole !== undefined) return [refused(unit, tooLarge(unit.whole.bytes))]
    const parsed = parseJson(unit.bytes)
    // A whole envelope may be deeper than a record: its records are measured by themselves.
    const mayHold = parsed.ok || parsed.code === 'TOO_DEEP'
    return (mayHold ? this.#inside(unit, parsed.ok ? parsed.value : undefined) : undefined) ?? [{ of: unit, parsed }]
  }

  /** The records of an envelope; undefined where this is none. */
  #inside(unit: Unit, value: unknown): Iterable<Part> | undefined {
    const { door } = this.#options
    const first = unit.bytes.find((byte) => byte > 0x20)
    const isArray = first === 0x5b
    const inside = value === undefined || isArray ? undefined : door.records(value)
    if (!isArray && inside === undefined) return undefined
    const options = { mode: 'values', recordsKey: door.recordsKey } as const
    const known = inside ?? (Array.isArray(value) ? value : undefined)
    const max = limits.recordsPerEnvelopeMax
    if (known === undefined ? holdsMoreThan(max, unit.bytes, options) : known.length > max) {
      return [refused(unit, `The envelope holds more than ${max} records.`)]
    }
    return isArray || door.recordsKey !== undefined ? split(unit, options) : spelledAnew(unit, inside ?? [])
  }

  #takeRecord(unit: Unit, value: unknown): void {
    if (!isObject(value)) {
      this.#reject(unit, 'NOT_AN_OBJECT', `The record is ${kindOf(value)}, not an object.`)
      return
    }
    const { door, sources } = this.#options
    const source = sources.get(door.owner(value)) ?? door
    const text = decodeUtf8(unit.bytes)!
    const redacted = source.redact(text, this.#context)
    const bytes = redacted === text ? unit.bytes : Buffer.from(redacted)
    if (bytes.length > limits.recordBytesMax) {
      this.#reject(unit, 'TOO_LARGE', tooLarge(bytes.length), redacted)
      return
    }
    this.accepted++
    this.#bytes += bytes.length
    this.#records.push({
      topic: source.topic === 'audit' ? topics.audit : topics.inference,
      key: source.keyOf(value, this.#options.tenant, this.#context),
      value: bytes,
      headers: this.#headers(source, unit, true),
    })
  }

  #headers(source: Source, unit: Unit, masked: boolean): Record<string, string> {
    const { origin, tenant } = this.#options
    return {
      [headers.source]: source.name,
      [headers.origin]: `${origin}:${unit.offset}`,
      ...(tenant === undefined ? {} : { [headers.tenant]: tenant }),
      ...(masked ? { [headers.masked]: '1' } : {}),
    }
  }

  #reject(unit: Unit, code: DeadLetterCode, message: string, redacted?: string): void {
    const { origin, door, nowMs } = this.#options
    this.#rejections.push({ index: this.accepted + this.rejected, line: unit.line, code, message })
    this.rejected++
    const letter = buildDeadLetter({
      stage: 'collect',
      code,
      message,
      topic: `collect/${origin}`,
      partition: 0,
      offset: unit.offset,
      value: unit.bytes,
      whole: unit.whole,
      redacted,
      headers: this.#headers(door, unit, false),
      atMs: nowMs(),
    })
    this.#bytes += letter.value?.length ?? 0
    this.#records.push(letter)
  }
}

function* split(unit: Unit, options: SplitterOptions): Generator<Part> {
  for (const parts of unitsOf(unit.bytes, new RecordSplitter(options))) {
    for (const { bytes, offset, line } of parts) yield partOf(unit, bytes, offset, line - 1)
  }
}

/** Of records that stand deeper than the splitter follows. */
function* spelledAnew(unit: Unit, records: Iterable<unknown>): Generator<Part> {
  for (const record of records) yield partOf(unit, Buffer.from(JSON.stringify(record)), 0, 0)
}

function partOf(unit: Unit, bytes: Buffer, offset: number, lines: number): Part {
  const of: Unit = { bytes, offset: unit.offset + offset, line: unit.line + lines, whole: undefined }
  return { of, parsed: parseJson(bytes) }
}

function refused(of: Unit, message: string): Part {
  return { of, parsed: { ok: false, code: 'TOO_LARGE', message } }
}

function tooLarge(bytes: number): string {
  return `The record has ${bytes} bytes; ${limits.recordBytesMax} are allowed.`
}
