/**
 * What a stage is: a function of one ordered log, `(state, record) -> outputs, state`.
 *
 * Pure by contract: no wall clock, no randomness, no I/O. The stage runner (stage-runner.ts) feeds it, keeps its state,
 * publishes its outputs and turns its refusals into dead letters. Each input partition has its own logic and state, called
 * a task.
 *
 * Promises asked of a stage: the same log gives the same outputs in the same order, ids included.
 */
import type { Bundle, ContentFile } from '../../core/content.ts'
import type { Baseline, ContentSet } from '../../core/control.ts'
import type { DeadLetterCode } from '../../core/dead-letter.ts'
import type { Mistake } from '../../core/errors.ts'
import type { LicenseRecord } from '../../core/license.ts'
import type { BusRecord, OutgoingRecord, TopicPartition } from '../../core/ports/bus.ts'

/**
 * A task's state: JSON values (or what spells itself as one, by `toJSON`) under keys. What was `set` since the last checkpoint
 * is written with the next one, so a value changed in place must be `set` again. Keys are at most 1,024 characters.
 */
export interface KeyedState {
  get<T>(key: string): T | undefined
  set(key: string, value: unknown): void
  delete(key: string): void
  /** Entries whose key starts with this prefix, in insertion order; O(all keys). */
  entries<T>(prefix: string): IterableIterator<[key: string, value: T]>
  /** Called before the state is looked at as a whole, as a checkpoint does: what has changed in place is `set` there, once. */
  beforeCheckpoint(settle: () => void): void
  /** From here on it keeps entries of its own: `get` does not find them, whoever looks at the state as a whole does. */
  keptBy(keeper: StateKeeper): void
  /** The entry under this key is a keeper's from here on, where it is this value. */
  handOver(key: string, value: unknown): void
  /** An entry of a keeper's is new or has changed, or is gone (undefined): the next checkpoint has it as it is then. */
  handOn(key: string, value: unknown): void
  readonly size: number
}

/** Keeps entries of a state with its own, where a million need neither a key nor a place in a table. */
export interface StateKeeper {
  entries(): Iterable<readonly [key: string, value: unknown]>
  readonly size: number
}

export interface StageOutput {
  readonly topic: string
  readonly key?: string | undefined
  /** Only where the key does not decide. */
  readonly partition?: number | undefined
  /** Serialized as JSON, unless it is a string or bytes already; `null` is a tombstone. */
  readonly value: unknown
  /** How it is spelled where it travels with others (packs.ts): its reader then gets a Headed for it. */
  readonly shared?: {
    /** JSON of what many outputs have in common, which then stands there once. */
    readonly head: string
    /** The rest of it: serialized as JSON. */
    readonly of: unknown
  }
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface DeadLetterOptions {
  readonly index?: number
  readonly hint?: string | undefined
  /** The record freed of what its source declares sensitive: kept in its stead. */
  readonly redacted?: string | undefined
}

/** Where a step puts what came of a record. Several outcomes of one record are told apart by `index`. */
export interface Outcome {
  emit(output: StageOutput): void
  /** On purpose: `reason` is one of the stage's bounded set. */
  drop(reason: string, count?: number): void
  deadLetter(code: DeadLetterCode, message: string, options?: DeadLetterOptions): void
  /** First stage only: this record happened at `eventTimeMs`, and its source allows `latenessMs`. Drives the watermark. */
  happened(eventTimeMs: number, latenessMs: number): void
}

/** An output of another task that came with others in one record. */
export interface StageItem {
  /** Parsed JSON: what was put out, or a Headed (packs.ts) where it was put out with a head. */
  readonly value: unknown
  readonly appendedMs: number
  readonly arrivedMs: number
}

export interface StageRecord extends BusRecord {
  readonly value: Buffer
  /** Arrival of the raw record behind this one, ms since 1970. */
  readonly arrivedMs: number
}

/** The logic of one task. */
export interface StageLogic {
  /** First stage only: the most lateness that any source in force allows. Ticks, too, leave that much time. */
  readonly latenessMs?: number
  /**
   * One record. A throw is a bug, here and in what a control record leads to: the record becomes the dead letter STEP_FAILED, and
   * state changes it made stay.
   */
  record(record: StageRecord, out: Outcome): void
  /** One output of a stage that `packs` what it writes here: as if it had come alone. */
  item?(item: StageItem, out: Outcome): void
  /**
   * Event time is complete up to here (ms since 1970); `Infinity`: the input ended. Called when it has advanced, in order
   * with the records.
   */
  watermark?(eventTimeMs: number, out: Outcome): void
  /** The log was silent up to this append time. */
  tick?(appendedMs: number, out: Outcome): void
  /** What the step behind the shuffle has learned and tells to each partition of this one. */
  baseline?(baseline: Baseline, out: Outcome): void
  /** From here on licenses and credentials stand like this; what is not newer than what is held is to be passed over. */
  licenses?(records: readonly LicenseRecord[], out: Outcome): void
  /**
   * Nothing is known of what was in the log before this record, the first that is still there: there was no checkpoint, and
   * the log has been cut off. Called before anything else, at most once.
   */
  beginsAt?(appendedMs: number): void
  /** From here on this content is in force. Mistakes leave the last good version in force, and are reported. */
  content?(set: ContentSet, bundle: Bundle, files: readonly ContentFile[], out: Outcome): readonly Mistake[]
}

/** What a task may know when it is made. Restored state is already in `state`. */
export interface TaskContext {
  readonly stage: string
  readonly at: TopicPartition
  /** Number of partitions of the input topic. */
  readonly partitions: number
  /** Partitions of a topic that the stage `tells`. */
  readonly partitionsOf: (topic: string) => number
  readonly state: KeyedState
}

/** Lives beside a task and does what a step may not: calls to the outside. Only respond has one. */
export interface Sidecar {
  /** The steps of a batch have changed state (also called once after restore). */
  changed(): void
  /** The task is lost or closing: start nothing new, settle what is under way. May be called twice. */
  stop(): Promise<void>
  /** Effects under way or waiting for their turn (not those that wait for a person or a time). */
  pending?(): number
}

export interface SidecarContext extends TaskContext {
  /**
   * Appends to the bus in a transaction of the task's fenced producer. Throws FencedError when the task is another's now:
   * then nothing outside may be done any more.
   */
  journal(records: readonly OutgoingRecord[]): Promise<void>
  readonly signal: AbortSignal
}

/** A stage whose inputs may come packed: its logic takes what is in them one by one. */
export interface PackReader {
  readonly inputs: readonly string[]
  create(context: TaskContext): StageLogic & Required<Pick<StageLogic, 'item'>>
}

export interface StageSpec {
  /** Also names the state topic, the consumer group (`warden.<name>`) and the fencing. */
  readonly name: string
  /** Of the state's shape. Written into each checkpoint. */
  readonly stateVersion: number
  readonly inputs: readonly string[]
  /** `records`: the stage is the first and computes it from `happened`; else the upstream `<stage>/<topic>`s to wait for. */
  readonly watermark: 'records' | readonly string[]
  /** Topics to which it tells its watermark, every partition of them. */
  readonly tellsWatermarkTo: readonly string[]
  /** Topics every partition of which the logic itself writes control records into. */
  readonly tells?: readonly string[]
  /** Who reads them takes packs: objects that are put out for these topics may travel together in one record (packs.ts). */
  readonly packs?: readonly PackReader[]
  /** Whether its owner writes ticks into silent partitions of its inputs (one stage a topic may). */
  readonly ticks: boolean
  /** Content that it waits for before its first record, and then follows. */
  readonly content: readonly ContentSet[]
  create(context: TaskContext): StageLogic
  /** Turns an entry of an older state version into today's; `undefined` drops it. */
  migrate?(key: string, value: unknown, fromVersion: number): unknown
  readonly sidecar?: (context: SidecarContext) => Sidecar
}

/** How far a task has come. */
export interface TaskProgress {
  readonly stage: string
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
  /** Event time reached, ms since 1970; null before the first watermark. */
  readonly watermarkMs: number | null
  readonly ended: boolean
  /** Effects under way beside the task. */
  readonly pending: number
  readonly content: Readonly<Partial<Record<ContentSet, string>>>
}
