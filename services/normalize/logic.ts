/**
 * Turns raw records into events.
 *
 * The first stage: stands between the topics that sources write to and `warden.events`. Pure; sources (engine/sources) are
 * its content. Promises: each record becomes one event, a dead letter with a reason, or is passed over on purpose and
 * counted; nothing in a record stops the partition.
 */
import type { Bundle, ContentFile } from '../../core/content.ts'
import type { ContentSet } from '../../core/control.ts'
import type { Mistake } from '../../core/errors.ts'
import { sha256Hex } from '../../core/ids.ts'
import { decodeUtf8, parseJson } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { headers, topics } from '../../core/topics.ts'
import { MappingContext } from '../../engine/sources/mapping-context.ts'
import type { RawRecord, Source } from '../../engine/sources/source.ts'
import type { CompiledSources } from '../../engine/sources/compile.ts'
import type { Outcome, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'

export type CompileBundle = (bundle: Bundle, files: readonly ContentFile[]) => CompiledSources

/** How exactly it is told when a source was last heard of, in ms of append time. */
const seenEveryMs = 30_000
/** Names of known sources shown in a hint. */
const hintNamesMax = 20

export class NormalizeLogic implements StageLogic {
  readonly #compile: CompileBundle
  readonly #context: MappingContext
  readonly #task: Pick<TaskContext, 'at' | 'state'>
  #sources: ReadonlyMap<string, Source> = new Map()
  /** The most that a source which writes to this topic allows. */
  latenessMs = 0

  constructor(hmacKey: Uint8Array, compile: CompileBundle, task: Pick<TaskContext, 'at' | 'state'>) {
    this.#task = task
    this.#context = new MappingContext(hmacKey)
    this.#compile = compile
  }

  content(_set: ContentSet, bundle: Bundle, files: readonly ContentFile[]): readonly Mistake[] {
    const { sources, mistakes } = this.#compile(bundle, files)
    if (mistakes.length > 0) return mistakes
    this.#sources = sources
    const here = [...sources.values()].filter((source) => topics[source.topic] === this.#task.at.topic)
    this.latenessMs = Math.max(0, ...here.map((source) => source.latenessMs))
    return []
  }

  record(record: StageRecord, out: Outcome): void {
    if (record.value.length > limits.recordBytesMax) {
      const message = `The record has ${record.value.length} bytes; ${limits.recordBytesMax} are allowed.`
      out.deadLetter('TOO_LARGE', message)
      return
    }
    const parsed = parseJson(record.value)
    if (!parsed.ok) {
      out.deadLetter(parsed.code, parsed.message)
      return
    }
    const door = this.#door(record, parsed.value, out)
    if (door === undefined) return
    const records = door.records(parsed.value)
    const hash = sha256Hex(record.value)
    if (records === undefined) {
      this.#one(door, parsed.value, record, hash, 0, out)
      return
    }
    if (records.length > limits.recordsPerEnvelopeMax) {
      const message = `The envelope holds ${records.length} records; ${limits.recordsPerEnvelopeMax} are allowed.`
      out.deadLetter('TOO_LARGE', message)
      return
    }
    if (records.length === 0) out.drop('empty-envelope')
    for (const [index, one] of records.entries()) this.#one(door, one, record, hash, index, out)
  }

  /** The source that the header names, or else the one that recognizes the record. */
  #door(record: StageRecord, value: unknown, out: Outcome): Source | undefined {
    const name = record.headers[headers.source]
    if (name !== undefined) {
      const source = this.#sources.get(name)
      if (source === undefined) {
        const known = [...this.#sources.keys()].slice(0, hintNamesMax).join(', ')
        const shown = JSON.stringify(name.slice(0, 100))
        out.deadLetter('SOURCE_UNKNOWN', `There is no source ${shown}.`, { hint: `There are: ${known}.` })
      }
      return source
    }
    for (const source of this.#sources.values()) {
      const first = source.records(value)?.[0] ?? value
      if (source.matches(first)) return source
    }
    out.deadLetter('SOURCE_MISSING', `The record has no header "${headers.source}", and no source recognizes it.`, {
      hint: `Have the producer set the header "${headers.source}" to the name of a source.`,
    })
    return undefined
  }

  #one(door: Source, value: unknown, record: StageRecord, hash: string, index: number, out: Outcome): void {
    const source = this.#sources.get(door.owner(value)) ?? door
    const { topic, partition, offset, appendedMs } = record
    const raw: RawRecord = {
      position: { topic, partition, offset, index },
      appendedMs,
      hash,
      masked: record.headers[headers.masked] !== undefined,
      origin: record.headers[headers.origin],
      tenant: record.headers[headers.tenant],
    }
    const result = source.normalize(value, raw, this.#context)
    if (result.outcome === 'event') {
      const { event, eventTimeMs } = result
      out.emit({ topic: topics.events, key: event.warden.principal, value: event })
      if (source.tellsTime) out.happened(eventTimeMs, source.latenessMs)
      this.#seen(source.name, appendedMs, out)
    } else if (result.outcome === 'ignored') {
      out.drop('ignored')
    } else {
      const hint = result.hint === undefined ? {} : { hint: result.hint }
      out.deadLetter(result.code, result.message, { index, ...hint, ...this.#redacted(source, raw, record) })
    }
  }

  /** Tells the clockwork when a source was last heard of: what is not heard of any more can't tell so itself. */
  #seen(source: string, appendedMs: number, out: Outcome): void {
    const { state, at } = this.#task
    const key = `seen/${source}`
    const last = state.get<number>(key)
    if (last !== undefined && appendedMs - last < seenEveryMs) return
    state.set(key, appendedMs)
    out.emit({
      topic: topics.schedule,
      partition: 0,
      key: `seen/${source}/${at.topic}/${at.partition}`,
      value: { source, atMs: appendedMs },
    })
  }

  /** A dead letter keeps of a record what may be kept. */
  #redacted(source: Source, raw: RawRecord, record: StageRecord): { readonly redacted?: string } {
    const text = raw.masked ? undefined : decodeUtf8(record.value)
    return text === undefined ? {} : { redacted: source.redact(text, this.#context) }
  }
}
