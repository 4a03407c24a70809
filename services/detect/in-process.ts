/**
 * Both steps of detect in one process, without a bus: what rule cases, replays of saved events and tests run.
 *
 * Records go to tasks by their key, as on the bus; observations go on at once. Pure.
 */
import { bundleOf } from '../../runtime/content/content-digest.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import type { StageLogic, StageOutput } from '../../runtime/stage/stage.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import type { Baseline } from '../../core/control.ts'
import type { Event } from '../../core/event.ts'
import { derivedId } from '../../core/ids.ts'
import type { Leak } from '../../core/leak.ts'
import type { LicenseRecord } from '../../core/license.ts'
import type { Signal } from '../../core/signal.ts'
import { topics } from '../../core/topics.ts'
import { silentReport } from './cost.ts'
import { DetectLogic } from './detect-stage.ts'
import { GroupsLogic } from './groups-stage.ts'

interface Task {
  readonly state: MemoryState
  logic: StageLogic
  offset: number
}

export interface InProcessOptions {
  /** Tasks of each step. Default 1. */
  readonly tasks?: number
  /** Files of the inventory: what is registered. */
  readonly inventory?: readonly ContentFile[]
  /** Called for each signal as it comes out, revisions included. */
  readonly onSignal?: (signal: Signal) => void
  /** Called for each account of what somebody holds of a model. */
  readonly onLeak?: (leak: Leak) => void
}

export type DetectSnapshot = readonly {
  readonly entries: readonly (readonly [key: string, json: string])[]
  readonly offset: number
}[]

export class DetectInProcess {
  /** All that came out, in order, revisions included. */
  readonly signals: Signal[] = []
  readonly dropped = new Map<string, number>()
  readonly deadLetters: string[] = []
  readonly #detect: Task[] = []
  readonly #groups: Task[] = []
  readonly #out = new CollectedOutcome()
  readonly #onSignal: ((signal: Signal) => void) | undefined
  readonly #onLeak: ((leak: Leak) => void) | undefined
  readonly #inventory: readonly ContentFile[]
  #files: readonly ContentFile[] = []

  constructor(files: readonly ContentFile[], options: InProcessOptions = {}) {
    this.#onSignal = options.onSignal
    this.#onLeak = options.onLeak
    this.#inventory = options.inventory ?? []
    for (let task = 0; task < (options.tasks ?? 1); task++) {
      this.#detect.push(openTask((state) => new DetectLogic(state, silentReport)))
      this.#groups.push(openTask((state) => new GroupsLogic(state, silentReport, 1)))
    }
    this.use(files)
  }

  /** Puts rules in force in all tasks. The mistakes, if they were refused. */
  use(files: readonly ContentFile[]): readonly Mistake[] {
    const bundle = bundleOf('rules', files)
    let mistakes: readonly Mistake[] = []
    for (const task of [...this.#groups, ...this.#detect]) {
      task.logic.content?.('inventory', bundleOf('inventory', this.#inventory), this.#inventory, this.#out)
      mistakes = task.logic.content?.('rules', bundle, files, this.#out) ?? []
      this.#pass()
    }
    if (mistakes.length === 0) this.#files = files
    return mistakes
  }

  /** Every task is lost and comes back from its state, as after a crash just behind a checkpoint. */
  restart(): void {
    this.restore(this.snapshot())
  }

  /** The state of all tasks, as checkpoints have it. */
  snapshot(): DetectSnapshot {
    return [...this.#detect, ...this.#groups].map(({ state, offset }) => {
      const entries = [...state.entries('')].map(([key, value]) => [key, JSON.stringify(value)] as const)
      return { entries, offset }
    })
  }

  /** Goes on from there. What has come out so far stays. */
  restore(snapshot: DetectSnapshot): void {
    for (const [index, { entries, offset }] of snapshot.entries()) {
      const state = new MemoryState()
      for (const [key, json] of entries) state.restore(key, JSON.parse(json))
      const groups = index >= this.#detect.length
      const task = groups ? this.#groups[index - this.#detect.length]! : this.#detect[index]!
      const make = (kept: MemoryState): StageLogic =>
        groups ? new GroupsLogic(kept, silentReport, 1) : new DetectLogic(kept, silentReport)
      Object.assign(task, openTask(make, state, offset))
      task.logic.content?.('inventory', bundleOf('inventory', this.#inventory), this.#inventory, this.#out)
      task.logic.content?.('rules', bundleOf('rules', this.#files), this.#files, this.#out)
      this.#pass()
    }
  }

  /** From here on licenses and credentials stand like this, in every task. */
  licenses(...records: readonly LicenseRecord[]): void {
    for (const { logic } of this.#detect) logic.licenses?.(records, this.#out)
    this.#pass()
  }

  event(event: Event, appendedMs: number): void {
    this.#feed(this.#detect, event.warden.principal, event, appendedMs)
  }

  /** Event time is complete up to here; `Infinity`: the input has ended. */
  watermark(eventTimeMs: number): void {
    for (const task of [...this.#detect, ...this.#groups]) {
      task.logic.watermark?.(eventTimeMs, this.#out)
      this.#pass()
    }
  }

  /** The last version of each signal that has not been withdrawn or replaced, by id. */
  final(): Map<string, Signal> {
    const last = new Map<string, Signal>()
    for (const signal of this.signals)
      if ((last.get(signal.id)?.version ?? 0) <= signal.version) last.set(signal.id, signal)
    for (const signal of [...last.values()]) for (const id of signal.supersedes) last.delete(id)
    for (const [id, { status }] of last) if (status === 'retracted') last.delete(id)
    return last
  }

  /** Entries in the state of all tasks. */
  get stateSize(): number {
    return [...this.#detect, ...this.#groups].reduce((sum, { state }) => sum + state.size, 0)
  }

  #feed(tasks: readonly Task[], key: string, value: unknown, appendedMs: number): void {
    const task = tasks[tasks.length === 1 ? 0 : parseInt(derivedId('partition', key).slice(0, 8), 16) % tasks.length]!
    const record = {
      topic: topics.events,
      partition: 0,
      offset: task.offset++,
      key,
      value: Buffer.from(JSON.stringify(value)),
      headers: {},
      appendedMs,
      arrivedMs: appendedMs,
    }
    task.logic.record(record, this.#out)
    this.#pass(appendedMs)
  }

  /** Hands on what a step put out. */
  #pass(appendedMs = 0): void {
    const { emitted, dropped, deadLetters } = this.#out
    this.#out.clear()
    for (const { reason, count } of dropped) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count)
    for (const { code, message } of deadLetters) this.deadLetters.push(`${code}: ${message}`)
    for (const output of emitted) this.#deliver(output, appendedMs)
  }

  #deliver({ topic, key, value }: StageOutput, appendedMs: number): void {
    if (topic === topics.observations) this.#feed(this.#groups, key ?? '', value, appendedMs)
    else if (topic === topics.events) {
      // Into every partition on the bus; here one record reaches all tasks.
      for (const { logic } of this.#detect) logic.baseline?.(value as Baseline, this.#out)
      this.#pass(appendedMs)
    } else if (topic === topics.leaks) {
      this.#onLeak?.(value as Leak)
    } else {
      const signal = value as Signal
      this.signals.push(signal)
      this.#onSignal?.(signal)
    }
  }
}

function openTask(make: (state: MemoryState) => StageLogic, state = new MemoryState(), offset = 0): Task {
  return { state, logic: make(state), offset }
}
