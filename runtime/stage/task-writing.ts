/**
 * What one task writes in transactions: its checkpoints, and what its sidecar journals.
 *
 * Stands between a task (stage-task.ts) and the fenced producer of its partition. Promises: one transaction at a time; a
 * checkpoint is written only after the outputs of all that it covers are acknowledged; what could not be written goes into
 * the next one; once fenced off, nothing more is written, and the task is stopped.
 */
import { describeError, FencedError } from '../../core/errors.ts'
import type { FencedProducer, OutgoingRecord, TopicPartition } from '../../core/ports/bus.ts'
import { checkpointRecords, type TaskMeta } from './checkpoints.ts'
import type { Change, MemoryState } from './memory-state.ts'
import type { ServiceContext } from '../service.ts'
import type { StageSpec } from './stage.ts'
import type { TaskOutputs } from './task-outputs.ts'

/** Where time alone has gone on since the last checkpoint, the next one waits for so long: what a crash reads again are ticks. */
const quietMsMax = 10_000
const nothing = (): void => undefined

export interface TaskWritingOptions {
  readonly spec: StageSpec
  readonly at: TopicPartition
  readonly deps: Pick<ServiceContext, 'clock' | 'log' | 'telemetry'>
  readonly state: MemoryState
  readonly producer: FencedProducer
  readonly outputs: TaskOutputs
  /** Stops the task when it has been fenced off. */
  readonly stopping: AbortController
  /** Where the last checkpoint resumes; undefined: there is none. */
  readonly resumesAt: number | undefined
  /** Whether a batch is under way, and the state its own. */
  readonly isWorking: () => boolean
  /** What is to be remembered beside the state, as of now. */
  readonly meta: () => TaskMeta
}

export class TaskWriting {
  readonly #options: TaskWritingOptions
  #checkpointedOffset: number
  #checkpointedMs: number
  /** Something but the time has been taken since the last checkpoint. */
  #news = false
  #writing: Promise<unknown> = Promise.resolve()
  #lost: FencedError | undefined
  #failing = false
  #snapshot: Promise<void> | undefined

  constructor(options: TaskWritingOptions) {
    this.#options = options
    this.#checkpointedOffset = options.resumesAt ?? -1
    this.#checkpointedMs = options.deps.clock.monotonicMs()
  }

  /** Another process owns the partition. */
  get lost(): FencedError | undefined {
    return this.#lost
  }

  /** The last transaction failed, and is tried again. */
  get failing(): boolean {
    return this.#failing
  }

  get hasCheckpoint(): boolean {
    return this.#checkpointedOffset >= 0
  }

  /** The state is being written and must not change until this resolves; undefined: it may. */
  get snapshot(): Promise<void> | undefined {
    return this.#snapshot
  }

  /** What is taken now is more than the time. */
  hasNews(): void {
    this.#news = true
  }

  /** Whether a checkpoint would save next to nothing. */
  canWait(): boolean {
    const { state, deps } = this.#options
    return (
      !this.#news &&
      this.hasCheckpoint &&
      deps.clock.monotonicMs() - this.#checkpointedMs < quietMsMax &&
      state.changes === 0
    )
  }

  /** Writes what changed since the last checkpoint, with the resume offset. */
  async checkpoint(): Promise<void> {
    const { spec, at, deps, state, producer, outputs } = this.#options
    await this.#exclusively(async () => {
      if (this.#lost !== undefined) return
      if (this.#options.meta().nextOffset === this.#checkpointedOffset && state.changes === 0) {
        this.#tellWritten()
        return
      }
      const startedMs = deps.clock.monotonicMs()
      // The snapshot is taken between two records, and outputs gathered so far belong to it.
      const flushed = outputs.flush()
      const meta = this.#options.meta()
      this.#news = false
      const changes = await this.#takeChanges()
      await flushed
      await outputs.published
      try {
        if (outputs.abandoned) throw new FencedError('The task was stopped before its outputs were acknowledged.')
        await producer.commit(checkpointRecords(spec, at, changes, meta), 'durable')
        this.#succeeded()
        this.#checkpointedOffset = meta.nextOffset
        this.#checkpointedMs = startedMs
        deps.telemetry.checkpointed(spec.name, at.partition, changes.length, deps.clock.monotonicMs() - startedMs)
        this.#tellWritten()
      } catch (error) {
        this.#news = true
        state.markChanged(changes.map(([key]) => key))
        this.#fail(error)
      }
    })
  }

  /** Between two batches in slices, during which the next batch waits; in the middle of one at once. */
  async #takeChanges(): Promise<readonly Change[]> {
    const { state, deps, isWorking } = this.#options
    try {
      if (isWorking()) return state.takeChanges()
      const taking = state.takeChangesInSlices(deps.clock)
      this.#snapshot = taking.then(nothing, nothing)
      return await taking
    } catch (error) {
      this.#news = true
      throw error
    } finally {
      this.#snapshot = undefined
    }
  }

  /** Appends to the bus in a transaction of the fenced producer, for the sidecar. */
  async journal(records: readonly OutgoingRecord[]): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#lost !== undefined) throw this.#lost
      try {
        await this.#options.producer.commit(records, 'durable')
        this.#succeeded()
      } catch (error) {
        this.#fail(error)
        throw error
      }
    })
  }

  async close(): Promise<void> {
    await this.#options.producer.close().catch(() => undefined)
  }

  /** All that was taken is written: a crash now would read nothing again. */
  #tellWritten(): void {
    const { spec, at, deps } = this.#options
    deps.telemetry.written(spec.name, at.topic, at.partition, deps.clock.nowMs())
  }

  #succeeded(): void {
    const { at, deps } = this.#options
    if (this.#failing) deps.log.info('transactions succeed again', { topic: at.topic, partition: at.partition })
    this.#failing = false
  }

  #fail(error: unknown): void {
    const { spec, at, deps, stopping } = this.#options
    const where = { topic: at.topic, partition: at.partition }
    if (error instanceof FencedError) {
      if (this.#lost === undefined) {
        deps.telemetry.fenced(spec.name)
        deps.log.warn('another process owns this partition now; dropping it', where)
      }
      this.#lost = error
      stopping.abort(error)
    } else {
      deps.telemetry.retried(spec.name, 'checkpoint')
      // It is tried every second, by every partition: a full disk need not hear of each.
      if (!this.#failing) deps.log.warn('a transaction failed; trying again', { ...where, error: describeError(error) })
      this.#failing = true
    }
  }

  /** One transaction at a time: a transactional producer has only one. */
  async #exclusively(work: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(work)
    this.#writing = turn.catch(() => undefined)
    await turn
  }
}
