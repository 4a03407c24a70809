/**
 * Runs a stage: takes the partitions that the bus gives to this process, restores each as a task, feeds it, and writes its
 * checkpoints.
 *
 * Stands between the bus and a service's pure logic. Any number of copies may run; each partition has one owner, and who
 * owned it before is fenced off before its state is read.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { counted } from '../../core/counted.ts'
import { describeError, FencedError } from '../../core/errors.ts'
import type { BusRecord, Consumption, TopicPartition } from '../../core/ports/bus.ts'
import { stateTopic } from '../../core/topics.ts'
import { CheckpointTurns } from './checkpoint-turns.ts'
import { restoreCheckpoint } from './checkpoints.ts'
import { MemoryState } from './memory-state.ts'
import { lagEveryMs, reportLag } from '../report-lag.ts'
import { writesFail, type Health, type ServiceContext } from '../service.ts'
import { StageTask } from './stage-task.ts'
import type { SidecarContext, StageSpec, TaskProgress } from './stage.ts'

export type RunnerContext = Pick<ServiceContext, 'bus' | 'content' | 'clock' | 'log' | 'telemetry' | 'ticking'>

export interface RunnerOptions {
  /** Time between two checkpoints of a task. */
  readonly checkpointIntervalMs?: number
  /** Silence after which a partition gets a tick. */
  readonly tickIdleMs?: number
  /** How long a closing task may take to settle. */
  readonly shutdownGraceMs?: number
}

export interface StageRun {
  start(): Promise<void>
  stop(): Promise<void>
  health(): Health
  progress(): readonly TaskProgress[]
}

const retryPauseMsMax = 5_000
/** A task that was fenced off while the group still says it is ours is taken again after this long. */
const retakeAfterMs = 15_000

export function runStage(spec: StageSpec, context: RunnerContext, options: RunnerOptions = {}): StageRun {
  return new Runner(spec, context, options)
}

const nameOf = (at: TopicPartition): string => `${at.topic}/${at.partition}`

class Runner implements StageRun {
  readonly #spec: StageSpec
  readonly #context: RunnerContext
  readonly #checkpointIntervalMs: number
  readonly #tickIdleMs: number
  readonly #graceMs: number
  readonly #tasks = new Map<string, StageTask>()
  /** Assignments on their way, to be given up when revoked. */
  readonly #opening = new Map<string, AbortController>()
  readonly #partitions = new Map<string, number>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #turns: CheckpointTurns
  #consumption: Consumption | undefined
  #stopping = false
  #failure: string | undefined

  constructor(spec: StageSpec, context: RunnerContext, options: RunnerOptions) {
    this.#spec = spec
    this.#context = { ...context, log: context.log.with({ stage: spec.name }) }
    this.#checkpointIntervalMs = options.checkpointIntervalMs ?? 1_000
    this.#turns = new CheckpointTurns(this.#checkpointIntervalMs, () => [...this.#tasks.values()])
    this.#tickIdleMs = options.tickIdleMs ?? 1_000
    this.#graceMs = options.shutdownGraceMs ?? 10_000
  }

  async start(): Promise<void> {
    const { bus } = this.#context
    const { inputs, tellsWatermarkTo, tells = [], packs = [] } = this.#spec
    for (const topic of new Set([
      ...inputs,
      ...tellsWatermarkTo,
      ...tells,
      ...packs.flatMap((reader) => reader.inputs),
    ])) {
      this.#partitions.set(topic, await bus.partitionCount(topic))
    }
    const partitions = Math.max(...this.#spec.inputs.map((topic) => this.#partitionsOf(topic)))
    await bus.createTopics([{ name: stateTopic(this.#spec.name), partitions, cleanup: 'compact' }])
    this.#consumption = await bus.consume({
      group: `warden.${this.#spec.name}`,
      topics: this.#spec.inputs,
      handler: {
        assigned: (at) => this.#assigned(at),
        records: (at, batch) => this.#records(at, batch),
        revoked: (at) => this.#revoked(at),
      },
    })
    this.#turns.start()
    this.#every(this.#checkpointIntervalMs, () => this.#commitOffsets())
    if (this.#spec.ticks) this.#every(this.#tickIdleMs / 2, () => this.#tickAll())
    this.#every(lagEveryMs, () => this.#reportLag())
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#turns.stop()
    for (const timer of this.#timers) clearInterval(timer)
    for (const opening of this.#opening.values()) opening.abort(new FencedError('The stage is stopping.'))
    await this.#consumption?.close()
    await Promise.all([...this.#tasks.values()].map((task) => task.close(this.#graceMs)))
    this.#tasks.clear()
  }

  health(): Health {
    if (this.#failure !== undefined) return { state: 'degraded', summary: this.#failure }
    if (this.#consumption === undefined) return { state: 'starting', summary: 'joining its group' }
    const waiting = this.#opening.size
    if (waiting > 0)
      return { state: 'starting', summary: this.#missingContent() ?? `restoring ${counted(waiting, 'partition')}` }
    if ([...this.#tasks.values()].some((task) => task.failing)) {
      return { state: 'degraded', summary: 'can not write to the bus; trying again', unready: writesFail }
    }
    return { state: 'ready', summary: `owns ${counted(this.#tasks.size, 'partition')}` }
  }

  #missingContent(): string | undefined {
    const missing = this.#spec.content.filter((set) => this.#context.content.current(set) === undefined)
    return missing.length === 0 ? undefined : `waits for ${missing.join(' and ')}: none are in force yet`
  }

  progress(): readonly TaskProgress[] {
    return [...this.#tasks.values()].map((task) => task.progress())
  }

  #partitionsOf(topic: string): number {
    const count = this.#partitions.get(topic)
    if (count === undefined) throw new Error(`the partitions of ${topic} were not asked for`)
    return count
  }

  async #assigned(at: TopicPartition): Promise<number | undefined> {
    const name = nameOf(at)
    const opening = new AbortController()
    this.#opening.get(name)?.abort(new FencedError('The partition was assigned anew.'))
    this.#opening.set(name, opening)
    try {
      await this.#tasks.get(name)?.close(this.#graceMs)
      const task = await this.#openUntilDone(at, opening.signal)
      this.#tasks.set(name, task)
      return task.nextOffset
    } finally {
      if (this.#opening.get(name) === opening) this.#opening.delete(name)
    }
  }

  /** A bus or content that is not there yet is waited for: the partition is ours, and nobody else will take it up. */
  async #openUntilDone(at: TopicPartition, signal: AbortSignal): Promise<StageTask> {
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, retryPauseMsMax)) {
      if (signal.aborted) throw signal.reason as Error
      try {
        const task = await this.#open(at, signal)
        this.#failure = undefined
        return task
      } catch (error) {
        if (signal.aborted) throw error
        this.#failure = `cannot take up ${nameOf(at)}: ${describeError(error)}`
        this.#context.log.error('a partition can not be taken up; trying again', {
          ...at,
          pauseMs,
          error: describeError(error),
        })
        await pause(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #open(at: TopicPartition, signal: AbortSignal): Promise<StageTask> {
    const { bus, clock, telemetry } = this.#context
    const spec = this.#spec
    const startedMs = clock.monotonicMs()
    const producer = await bus.fenced(`${spec.name}/${at.topic}/${at.partition}`)
    try {
      const state = new MemoryState()
      const meta = await restoreCheckpoint(bus, spec, at, state)
      const partitions = this.#partitionsOf(at.topic)
      const partitionsOf = (topic: string): number => this.#partitionsOf(topic)
      const taskContext = { stage: spec.name, at, partitions, partitionsOf, state }
      const logic = spec.create(taskContext)
      const task = new StageTask({
        spec,
        at,
        partitions,
        partitionsOf,
        downstream: this.#downstream(),
        deps: this.#context,
        logic,
        state,
        producer,
        meta,
      })
      const abandon = (): void => void task.close(0)
      signal.addEventListener('abort', abandon, { once: true })
      await task.startContent()
      if (spec.sidecar !== undefined)
        await this.#startSidecar(spec.sidecar, task, { ...taskContext, signal: task.signal })
      signal.removeEventListener('abort', abandon)
      telemetry.restored(spec.name, at.partition, state.size, clock.monotonicMs() - startedMs)
      return task
    } catch (error) {
      await producer.close().catch(() => undefined)
      throw error
    }
  }

  /**
   * The sidecar acts on what the state says, so the state must first hold all that earlier owners have journaled: the log
   * is read to its end before the sidecar starts.
   */
  async #startSidecar(
    create: NonNullable<StageSpec['sidecar']>,
    task: StageTask,
    context: Omit<SidecarContext, 'journal'>,
  ): Promise<void> {
    await this.#context.bus.read(task.at, task.nextOffset, (batch) => task.take(batch))
    task.sidecar = create({ ...context, journal: (records) => task.journal(records) })
    task.sidecar.changed()
  }

  #downstream(): readonly TopicPartition[] {
    return this.#spec.tellsWatermarkTo.flatMap((topic) =>
      Array.from({ length: this.#partitionsOf(topic) }, (_, partition) => ({ topic, partition })),
    )
  }

  async #records(at: TopicPartition, batch: readonly BusRecord[]): Promise<void> {
    const task = this.#tasks.get(nameOf(at))
    if (task === undefined) throw new FencedError(`${nameOf(at)} is not assigned.`)
    if (task.lost !== undefined) await this.#retake(task)
    else await task.take(batch)
  }

  /**
   * Fenced off, yet the group still says the partition is ours: a former owner came late and took the name. If it stays
   * ours, take it back; what lies between the last checkpoint and here is read again from the log.
   */
  async #retake(task: StageTask): Promise<void> {
    await pause(retakeAfterMs, undefined, { ref: false })
    if (this.#stopping || this.#tasks.get(nameOf(task.at)) !== task) return
    await task.close(0)
    const signal = new AbortController().signal
    const retaken = await this.#openUntilDone(task.at, signal)
    await this.#context.bus.read(task.at, retaken.nextOffset, (batch) => retaken.take(batch))
    this.#tasks.set(nameOf(task.at), retaken)
  }

  async #revoked(at: TopicPartition): Promise<void> {
    const name = nameOf(at)
    this.#opening.get(name)?.abort(new FencedError('The partition was revoked.'))
    const task = this.#tasks.get(name)
    this.#tasks.delete(name)
    await task?.close(this.#graceMs)
  }

  #every(ms: number, work: () => Promise<void>): void {
    let busy = false
    const timer = setInterval(() => {
      if (busy || this.#stopping) return
      busy = true
      void work().finally(() => {
        busy = false
      })
    }, ms)
    this.#timers.push(timer)
  }

  /** Group offsets only show lag; a start never depends on them. */
  async #commitOffsets(): Promise<void> {
    const offsets = [...this.#tasks.values()]
      .filter((task) => task.lost === undefined)
      .map((task) => ({ ...task.at, offset: task.settledOffset }))
    if (offsets.length > 0) await this.#consumption?.commit(offsets).catch(() => undefined)
  }

  async #tickAll(): Promise<void> {
    if (this.#context.ticking?.() === false) return
    await Promise.all([...this.#tasks.values()].map((task) => task.tickIfIdle(this.#tickIdleMs)))
  }

  #reportLag(): Promise<void> {
    return reportLag(this.#spec.name, this.#spec.inputs, this.#context, (topic, partition) =>
      this.#tasks.get(nameOf({ topic, partition })),
    )
  }
}
