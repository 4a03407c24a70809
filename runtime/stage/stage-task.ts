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
import { FencedError } from '../../core/errors.ts'
import type { BusRecord, FencedProducer, OutgoingRecord, TopicPartition } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import type { TaskMeta } from './checkpoints.ts'
import { arrivalOf } from '../arrival.ts'
import { DropCounts } from './drop-counts.ts'
import { Marks } from './marks.ts'
import type { MemoryState } from './memory-state.ts'
import type { ServiceContext } from '../service.ts'
import type { Sidecar, StageLogic, StageSpec, TaskProgress } from './stage.ts'
import { TakenSeals } from './taken-seals.ts'
import { TaskContent } from './task-content.ts'
import { TaskControls } from './task-controls.ts'
import { TaskOutputs } from './task-outputs.ts'
import { TaskSteps } from './task-steps.ts'
import { TaskTicks } from './task-ticks.ts'
import { isOfTime, TaskTime } from './task-time.ts'
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
  readonly #seals: TakenSeals
  readonly #drops: DropCounts
  readonly #stopping = new AbortController()
  readonly #outputs: TaskOutputs
  readonly #steps: TaskSteps
  readonly #controls: TaskControls
  #nextOffset: number
  #settledOffset: number
  #positionMs: number | undefined
  #happenings = 0
  #isWorking = false
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
    const packed = new Set(spec.packs?.flatMap(({ inputs }) => inputs))
    const packing = { topics: [...packed], partitionsOf: options.partitionsOf ?? (() => 0) }
    this.#outputs = new TaskOutputs(spec.name, at, options.deps, this.#stopping.signal, packing)
    this.#drops = new DropCounts(spec.name, options.deps.telemetry)
    this.#marks = new Marks(meta?.marks)
    this.#time = new TaskTime(options, this.#outputs)
    this.#steps = new TaskSteps({
      ...{ stage: spec.name, at, logic: options.logic, log: options.deps.log },
      ...{ marks: this.#marks, time: this.#time, drops: this.#drops, outputs: this.#outputs },
    })
    this.#content = new TaskContent(options.deps.content, options.logic, spec.content, meta)
    this.#seals = new TakenSeals(meta?.seals)
    this.#nextOffset = meta?.nextOffset ?? 0
    this.#settledOffset = this.#nextOffset
    this.#writing = new TaskWriting({
      ...options,
      outputs: this.#outputs,
      stopping: this.#stopping,
      resumesAt: meta?.nextOffset,
      isWorking: () => this.#isWorking,
      meta: () => this.#meta(),
    })
    this.#ticks = new TaskTicks(at, options.deps)
    this.#controls = new TaskControls({
      ...{ logic: options.logic, time: this.#time, ticks: this.#ticks, steps: this.#steps },
      ...{ content: this.#content, seals: this.#seals, outputs: this.#outputs },
    })
  }

  /** When the bus appended the last record that was taken; undefined before the first. */
  get positionMs(): number | undefined {
    return this.#positionMs
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  /** All before it is worked off, and what came of it stands on the bus. */
  get settledOffset(): number {
    return this.#settledOffset
  }

  get lost(): FencedError | undefined {
    return this.#writing.lost
  }

  /** What it wrote last did not reach the bus: outputs, a checkpoint or a tick. */
  get failing(): boolean {
    return this.#writing.failing || this.#outputs.failing || this.#ticks.failing
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
    await this.#content.start(this.#steps.out, this.signal)
    // Which content was in force for the first record must be known to a replay before that record has had effects.
    if (!this.#writing.hasCheckpoint && this.#spec.content.length > 0) await this.#writing.checkpoint()
  }

  /** Works through a batch. Resolves when the outputs of the batch before it are acknowledged. */
  async take(batch: readonly BusRecord[]): Promise<void> {
    if (this.lost !== undefined) throw this.lost
    while (this.#writing.snapshot !== undefined) await this.#writing.snapshot
    this.#isWorking = true
    try {
      await this.#work(batch)
    } finally {
      this.#isWorking = false
      this.#drops.tell()
    }
  }

  async #work(batch: readonly BusRecord[]): Promise<void> {
    const startedMs = this.#deps.clock.monotonicMs()
    let sliceStartMs = startedMs
    let taken = 0
    for (const record of batch) {
      if (this.signal.aborted) return
      if (record.offset < this.#nextOffset) continue
      if (this.#nextOffset === 0 && record.offset > 0) this.#logic.beginsAt?.(record.appendedMs)
      if (!isOfTime(record)) this.#writing.hasNews()
      if (headers.badEncoding in record.headers) this.#steps.unreadable(record)
      else if (headers.control in record.headers) await this.#controls.take(record)
      else if (headers.packed in record.headers) taken += this.#steps.pack(record)
      else {
        taken++
        this.#steps.record(record)
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
    this.#settle(this.#nextOffset)
    this.sidecar?.changed()
    this.#report(batch, taken, startedMs)
  }

  #settle(offset: number): void {
    void this.#outputs.published.then(() => {
      if (!this.#outputs.abandoned) this.#settledOffset = offset
    })
  }

  #report(batch: readonly BusRecord[], taken: number, startedMs: number): void {
    const { telemetry, clock } = this.#deps
    const nowMs = clock.monotonicMs()
    if (this.#toldTime()) this.#ticks.taken(nowMs)
    if (taken === 0) return
    telemetry.taken(this.#spec.name, this.at.topic, taken)
    telemetry.batch(this.#spec.name, taken, nowMs - startedMs)
    const last = batch[batch.length - 1]
    if (last !== undefined) telemetry.endToEnd(this.#spec.name, clock.nowMs() - arrivalOf(last))
  }

  /**
   * Whether the last batch says what time it is. Where time is that of the records, what tells none of it (dead
   * letters, what is passed over) is silence: a trickle of such must not hold up the time of all partitions.
   */
  #toldTime(): boolean {
    const before = this.#happenings
    this.#happenings = this.#time.watermark.happenings
    return this.#spec.watermark !== 'records' || this.#happenings !== before
  }

  /** Writes what changed since the last checkpoint, with the resume offset, unless that can wait. */
  async checkpoint(): Promise<void> {
    if (!this.#writing.canWait()) await this.#writing.checkpoint()
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
      ...this.#content.save(),
      ...this.#seals.save(),
    }
  }

  /** Writes a tick into its own partition if that has been silent for `idleMs` and the last tick has come back. */
  async tickIfIdle(idleMs: number): Promise<void> {
    if (!this.signal.aborted) await this.#ticks.writeIfIdle(idleMs)
  }

  /** Stops; writes the last checkpoint unless the task is lost. */
  async close(graceMs: number): Promise<void> {
    const grace = pause(graceMs, undefined, { ref: false })
    if (this.lost === undefined) await Promise.race([this.#finish(), grace])
    this.#stopping.abort(new FencedError('The task was closed.'))
    await this.sidecar?.stop()
    await this.#writing.close()
  }

  async #finish(): Promise<void> {
    await this.sidecar?.stop()
    await this.#writing.checkpoint()
  }
}
