/**
 * One task: one partition of one stage. Runs its logic over the log, publishes what comes out, and keeps its state.
 *
 * Promises:
 * - outputs leave in order, with marks by which a redelivery is told (task-outputs.ts); a checkpoint is written only after
 *   the outputs of all that it covers are acknowledged (task-writing.ts);
 * - a record that came before (by offset, or by its mark) changes nothing;
 * - a step that throws costs one record, as a dead letter, never the partition;
 * - once fenced off, nothing more is written.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { Control } from '../core/control.ts'
import { describeError, FencedError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import type { BusRecord, FencedProducer, OutgoingRecord, TopicPartition } from '../core/ports/bus.ts'
import { headers } from '../core/topics.ts'
import type { TaskMeta } from './checkpoints.ts'
import { arrivalOf } from './arrival.ts'
import { CollectedOutcome } from './collect-outcome.ts'
import { DropCounts } from './drop-counts.ts'
import { Marks } from './marks.ts'
import type { MemoryState } from './memory-state.ts'
import { aloneFrom, unpack, type Unpacked } from './packs.ts'
import type { ServiceContext } from './service.ts'
import type { Sidecar, StageLogic, StageSpec, TaskProgress } from './stage.ts'
import { TaskContent } from './task-content.ts'
import { TaskOutputs } from './task-outputs.ts'
import { TaskTicks } from './task-ticks.ts'
import { TaskTime } from './task-time.ts'
import { TaskWriting } from './task-writing.ts'

/** Bytes of outputs gathered before they are sent, and the longest the event loop is held, in ms. */
const flushBytes = 512 * 1024
const sliceMs = 20
export type TaskDependencies = Pick<ServiceContext, 'bus' | 'content' | 'clock' | 'log' | 'telemetry'>

export class StageTask {
  readonly at: TopicPartition
  readonly #spec: StageSpec
  readonly #deps: TaskDependencies
  readonly #logic: StageLogic
  readonly #marks: Marks
  readonly #time: TaskTime
  readonly #content: TaskContent
  readonly #out = new CollectedOutcome()
  readonly #drops: DropCounts
  readonly #stopping = new AbortController()
  readonly #outputs: TaskOutputs
  #nextOffset: number
  #positionMs: number | undefined
  readonly #writing: TaskWriting
  readonly #ticks: TaskTicks
  sidecar: Sidecar | undefined

  constructor(options: {
    readonly spec: StageSpec
    readonly at: TopicPartition
    readonly partitions: number
    readonly partitionsOf?: (topic: string) => number
    readonly downstream: readonly TopicPartition[]
    readonly deps: TaskDependencies
    readonly logic: StageLogic
    readonly state: MemoryState
    readonly producer: FencedProducer
    readonly meta: TaskMeta | undefined
  }) {
    const { spec, at, meta } = options
    this.at = at
    this.#spec = spec
    this.#deps = options.deps
    this.#logic = options.logic
    const packing = { topics: spec.packs ?? [], partitionsOf: options.partitionsOf ?? (() => 0) }
    this.#outputs = new TaskOutputs(spec.name, at, options.deps, this.#stopping.signal, packing)
    this.#drops = new DropCounts(spec.name, options.deps.telemetry)
    this.#marks = new Marks(meta?.marks)
    this.#time = new TaskTime(options, this.#outputs)
    this.#content = new TaskContent(options.deps.content, options.logic, spec.content, meta?.content ?? {})
    this.#nextOffset = meta?.nextOffset ?? 0
    this.#writing = new TaskWriting({
      ...options,
      outputs: this.#outputs,
      stopping: this.#stopping,
      resumesAt: meta?.nextOffset,
      meta: () => this.#meta(),
    })
    this.#ticks = new TaskTicks(at, options.deps)
  }

  /** When the bus appended the last record that was taken; undefined before the first. */
  get positionMs(): number | undefined {
    return this.#positionMs
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  get lost(): FencedError | undefined {
    return this.#writing.lost
  }

  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  progress(): TaskProgress {
    return {
      stage: this.#spec.name,
      topic: this.at.topic,
      partition: this.at.partition,
      nextOffset: this.#nextOffset,
      watermarkMs: this.#time.watermark.reachedMs,
      ended: this.#time.watermark.ended,
      pending: this.sidecar?.pending?.() ?? 0,
      content: this.#content.digests,
    }
  }

  /** Puts the content that the checkpoint names, or else today's, in force; before the first record. */
  async startContent(): Promise<void> {
    await this.#content.start(this.#out, this.signal)
    // Which content was in force for the first record must be known to a replay before that record has had effects.
    if (!this.#writing.hasCheckpoint && this.#spec.content.length > 0) await this.checkpoint()
  }

  /** Works through a batch. Resolves when the outputs of the batch before it are acknowledged. */
  async take(batch: readonly BusRecord[]): Promise<void> {
    if (this.lost !== undefined) throw this.lost
    const startedMs = this.#deps.clock.monotonicMs()
    let sliceStartMs = startedMs
    let taken = 0
    for (const record of batch) {
      if (this.signal.aborted) return
      if (record.offset < this.#nextOffset) continue
      if (this.#nextOffset === 0 && record.offset > 0) this.#logic.beginsAt?.(record.appendedMs)
      if (headers.badEncoding in record.headers) this.#takeUnreadable(record)
      else if (headers.control in record.headers) await this.#takeControl(record)
      else if (headers.packed in record.headers) taken += this.#takePack(record)
      else {
        taken++
        this.#takeRecord(record)
      }
      this.#nextOffset = record.offset + 1
      this.#positionMs = record.appendedMs
      if (this.#outputs.bytes > flushBytes) await this.#outputs.flush()
      const nowMs = this.#deps.clock.monotonicMs()
      if (nowMs - sliceStartMs > sliceMs) {
        await this.#outputs.flush()
        await nextTurn()
        sliceStartMs = this.#deps.clock.monotonicMs()
      }
    }
    await this.#outputs.flush()
    this.sidecar?.changed()
    this.#report(batch, taken, startedMs)
  }

  #report(batch: readonly BusRecord[], taken: number, startedMs: number): void {
    const { telemetry, clock } = this.#deps
    const nowMs = clock.monotonicMs()
    this.#ticks.taken(nowMs)
    this.#drops.tell()
    if (taken === 0) return
    telemetry.taken(this.#spec.name, this.at.topic, taken)
    telemetry.batch(this.#spec.name, taken, nowMs - startedMs)
    const last = batch[batch.length - 1]
    if (last !== undefined) telemetry.endToEnd(this.#spec.name, clock.nowMs() - arrivalOf(last))
  }

  #takeRecord(record: BusRecord): void {
    this.#outputs.nextRecord()
    if (this.#isRedelivery(record)) return
    if (record.value === null) {
      this.#drops.add('tombstone')
      return
    }
    const arrivedMs = arrivalOf(record)
    try {
      const { topic, partition, offset, key, value, headers: told, appendedMs } = record
      this.#logic.record({ topic, partition, offset, key, value, headers: told, appendedMs, arrivedMs }, this.#out)
      this.#gather(record, arrivedMs)
    } catch (error) {
      this.#failed(record, error)
    }
    this.#advance(record)
  }

  #failed(record: BusRecord, error: unknown, index = 0): void {
    this.#out.clear()
    this.#deps.log.error('a step failed on a record, which is now a dead letter', {
      stage: this.#spec.name,
      ...this.at,
      offset: record.offset,
      error: describeError(error),
    })
    this.#outputs.deadLetter(record, 'STEP_FAILED', describeError(error), { index })
  }

  /** Several outputs of one upstream task, one after the other. Returns how many. */
  #takePack(record: BusRecord): number {
    this.#outputs.nextRecord()
    const pack = unpack(record)
    if (pack === undefined || this.#logic.item === undefined) {
      this.#outputs.deadLetter(record, 'NOT_AN_OBJECT', 'The record does not have the form of a pack of them.')
    } else {
      for (const [index, item] of pack.items.entries()) {
        if (this.#marks.passesAt(pack.origin, item.offset, item.index) === false) {
          this.#drops.add('redelivered')
        } else this.#takeItem(record, item, index)
      }
    }
    this.#advance(record)
    return pack?.items.length ?? 1
  }

  #takeItem(record: BusRecord, { value, arrivedMs }: Unpacked, index: number): void {
    try {
      this.#logic.item!({ value, appendedMs: record.appendedMs, arrivedMs }, this.#out)
      if (this.#out.deadLetters.length === 0) this.#gather(record, arrivedMs)
      else this.#gather(aloneFrom(record, value), arrivedMs, index)
    } catch (error) {
      this.#failed(aloneFrom(record, value), error, index)
    }
  }

  /** A batch that doesn't unfold. Its bytes are not kept: what they hide can't be masked; the digest names them. */
  #takeUnreadable(record: BusRecord): void {
    this.#outputs.nextRecord()
    const what = record.headers[headers.badEncoding] ?? ''
    const count = record.headers[headers.badEncodingRecords] ?? 'some'
    const message = `A batch of ${count} records can not be read (${what}).`
    const hint = 'Mend the compression of its producer, and send it again.'
    this.#outputs.deadLetter(record, 'BAD_ENCODING', message, { hint, redacted: '' })
    this.#advance(record)
  }

  #isRedelivery(record: BusRecord): boolean {
    const mark = record.headers[headers.mark]
    if (mark === undefined || this.#marks.passes(mark) !== false) return false
    this.#drops.add('redelivered')
    return true
  }

  async #takeControl(record: BusRecord): Promise<void> {
    this.#outputs.nextRecord()
    if (this.#isRedelivery(record)) return
    const json = parseJson(record.value ?? '')
    const parsed = json.ok ? Control.safeParse(json.value) : undefined
    if (parsed?.success !== true) {
      this.#outputs.deadLetter(record, 'CONTROL_INVALID', 'A control record does not have the form of one.')
      return
    }
    const control = parsed.data
    switch (control.control) {
      case 'watermark':
        this.#time.watermark.told(control)
        break
      case 'tick':
        this.#time.watermark.ticked(record.appendedMs, this.#logic.latenessMs)
        this.#logic.tick?.(record.appendedMs, this.#out)
        this.#gather(record, record.appendedMs)
        break
      case 'end':
        this.#reach(this.#time.watermark.inputEnded(), record)
        break
      case 'baseline':
        this.#logic.baseline?.(control, this.#out)
        this.#gather(record, record.appendedMs)
        break
      case 'licenses':
        this.#logic.licenses?.(control.records, this.#out)
        this.#gather(record, record.appendedMs)
        break
      case 'content':
        if (this.#content.isNews(control.set, control.digest)) {
          await this.#outputs.flush()
          await this.#content.apply(control.set, control.digest, this.#out)
          this.#gather(record, record.appendedMs)
        }
        break
    }
    this.#advance(record)
  }

  /** Hands an advanced watermark to the logic, and tells it downstream when it is time. */
  #advance(record: BusRecord): void {
    this.#reach(this.#time.watermark.advance(), record)
    this.#time.tell(record)
  }

  #reach(eventTimeMs: number | undefined, record: BusRecord): void {
    if (eventTimeMs === undefined) return
    this.#logic.watermark?.(eventTimeMs, this.#out)
    this.#gather(record, arrivalOf(record))
  }

  /** Turns what a step put out into records on their way. */
  #gather(record: BusRecord, arrivedMs: number, part = 0): void {
    const out = this.#out
    const atLeastMs = this.#logic.latenessMs ?? 0
    for (const { eventTimeMs, latenessMs } of out.happenings) {
      this.#time.watermark.happened(eventTimeMs, Math.max(latenessMs, atLeastMs))
    }
    for (const { reason, count } of out.dropped) this.#drops.add(reason, count)
    for (const { code, message, index, ...rest } of out.deadLetters) {
      this.#outputs.deadLetter(record, code, message, { index: index + part, ...rest })
    }
    for (const output of out.emitted) this.#outputs.emit(record, output, arrivedMs)
    out.clear()
  }

  /** Writes what changed since the last checkpoint, with the resume offset. */
  checkpoint(): Promise<void> {
    return this.#writing.checkpoint()
  }

  /** Appends to the bus in a transaction of the fenced producer, for the sidecar. */
  journal(records: readonly OutgoingRecord[]): Promise<void> {
    return this.#writing.journal(records)
  }

  #meta(): TaskMeta {
    return {
      version: this.#spec.stateVersion,
      nextOffset: this.#nextOffset,
      marks: this.#marks.save() as TaskMeta['marks'],
      ...this.#time.save(),
      content: this.#content.digests,
    }
  }

  /** Writes a tick into its own partition if that has been silent for `idleMs` and the last tick has come back. */
  async tickIfIdle(idleMs: number): Promise<void> {
    if (!this.signal.aborted) await this.#ticks.writeIfIdle(idleMs, this.#nextOffset)
  }

  /** Stops; writes the last checkpoint unless the task is lost. */
  async close(graceMs: number): Promise<void> {
    const grace = pause(graceMs, undefined, { ref: false })
    if (this.lost === undefined) await Promise.race([this.#settle(), grace])
    this.#stopping.abort(new FencedError('The task was closed.'))
    await this.sidecar?.stop()
    await this.#writing.close()
  }

  async #settle(): Promise<void> {
    await this.sidecar?.stop()
    await this.checkpoint()
  }
}
