/**
 * The steps of one task over the records of its log: each is given to the logic once, and what the logic puts out is sent
 * on its way.
 *
 * Stands between a task (stage-task.ts), which reads the log, and its outputs (task-outputs.ts). Promises: a record, or one
 * of a pack, that came before (by its mark) changes nothing; a step that throws costs what it was given, as a dead letter.
 */
import { describeError } from '../../core/errors.ts'
import type { BusRecord, TopicPartition } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import { arrivalOf } from '../arrival.ts'
import { CollectedOutcome } from './collect-outcome.ts'
import type { DropCounts } from './drop-counts.ts'
import type { Marks } from './marks.ts'
import { unpack, type Unpacked } from './packs.ts'
import type { ServiceContext } from '../service.ts'
import type { StageLogic } from './stage.ts'
import type { TaskOutputs } from './task-outputs.ts'
import type { TaskTime } from './task-time.ts'

export interface TaskStepsOptions {
  readonly stage: string
  readonly at: TopicPartition
  readonly logic: StageLogic
  readonly marks: Marks
  readonly time: TaskTime
  readonly drops: DropCounts
  readonly outputs: TaskOutputs
  readonly log: ServiceContext['log']
}

export class TaskSteps {
  /** Where the logic puts out. What is in it is sent on its way by `gather`. */
  readonly out = new CollectedOutcome()
  readonly #options: TaskStepsOptions

  constructor(options: TaskStepsOptions) {
    this.#options = options
  }

  /** An ordinary record. */
  record(record: BusRecord): void {
    const { outputs, drops, logic } = this.#options
    outputs.nextRecord()
    if (this.isRedelivery(record)) return
    if (record.value === null) {
      drops.add('tombstone')
      return
    }
    const arrivedMs = arrivalOf(record)
    try {
      const { topic, partition, offset, key, value, headers: told, appendedMs } = record
      logic.record({ topic, partition, offset, key, value, headers: told, appendedMs, arrivedMs }, this.out)
      this.gather(record, arrivedMs)
    } catch (error) {
      this.#failed(record, error)
    }
    this.advance(record)
  }

  /** Several outputs of one upstream task, one after the other. Returns how many. */
  pack(record: BusRecord): number {
    const { outputs, drops, logic, marks } = this.#options
    outputs.nextRecord()
    const pack = unpack(record)
    if (pack === undefined || logic.item === undefined) {
      outputs.deadLetter(record, 'NOT_AN_OBJECT', 'The record does not have the form of a pack of them.')
    } else {
      for (const item of pack.items) {
        if (marks.passesAt(pack.origin, item.offset, item.index) === false) drops.add('redelivered')
        else this.#item(record, item)
      }
    }
    this.advance(record)
    return pack?.items.length ?? 1
  }

  #item(record: BusRecord, item: Unpacked): void {
    const { value, arrivedMs } = item
    try {
      this.#options.logic.item!({ value, appendedMs: record.appendedMs, arrivedMs }, this.out)
      this.gather(record, arrivedMs, item)
    } catch (error) {
      this.#failed(record, error, item)
    }
  }

  /** A batch that doesn't unfold. Its bytes are not kept: what they hide can't be masked; the digest names them. */
  unreadable(record: BusRecord): void {
    const { outputs } = this.#options
    outputs.nextRecord()
    const what = record.headers[headers.badEncoding] ?? ''
    const count = record.headers[headers.badEncodingRecords] ?? 'some'
    const message = `A batch of ${count} record${count === '1' ? '' : 's'} can not be read (${what}).`
    const hint = 'Mend the compression of its producer, and send it again.'
    outputs.deadLetter(record, 'BAD_ENCODING', message, { hint, redacted: '' })
    this.advance(record)
  }

  /** Whether the mark on it says that it has been here before. Then it is counted. */
  isRedelivery(record: BusRecord): boolean {
    const mark = record.headers[headers.mark]
    if (mark === undefined || this.#options.marks.passes(mark) !== false) return false
    this.#options.drops.add('redelivered')
    return true
  }

  /** Hands an advanced watermark to the logic, and tells it downstream when it is time. */
  advance(record: BusRecord): void {
    const { time } = this.#options
    this.reach(time.watermark.advance(), record)
    time.tell(record)
  }

  /** Event time is complete up to here: `record` has brought it. */
  reach(eventTimeMs: number | undefined, record: BusRecord): void {
    if (eventTimeMs === undefined) return
    this.control(record, arrivalOf(record), (logic, out) => logic.watermark?.(eventTimeMs, out))
  }

  /** What a control record tells the logic. */
  control(record: BusRecord, arrivedMs: number, tell: (logic: StageLogic, out: CollectedOutcome) => void): void {
    try {
      tell(this.#options.logic, this.out)
      this.gather(record, arrivedMs)
    } catch (error) {
      this.#failed(record, error)
    }
  }

  /** Turns what a step put out into records on their way. `item`: the one of a pack that it was made of. */
  gather(record: BusRecord, arrivedMs: number, item?: Unpacked): void {
    const { out } = this
    const { time, drops, outputs, logic } = this.#options
    const atLeastMs = logic.latenessMs ?? 0
    for (const { eventTimeMs, latenessMs } of out.happenings) {
      time.watermark.happened(eventTimeMs, Math.max(latenessMs, atLeastMs))
    }
    for (const { reason, count } of out.dropped) drops.add(reason, count)
    for (const { code, message, ...rest } of out.deadLetters) outputs.deadLetter(record, code, message, rest, item)
    for (const output of out.emitted) outputs.emit(record, output, arrivedMs, item)
    out.clear()
  }

  #failed(record: BusRecord, error: unknown, item?: Unpacked): void {
    const { stage, at, log, outputs } = this.#options
    this.out.clear()
    log.error('a step failed on a record, which is now a dead letter', {
      stage,
      ...at,
      offset: record.offset,
      ...(item === undefined ? {} : { item: item.place }),
      error: describeError(error),
    })
    outputs.deadLetter(record, 'STEP_FAILED', describeError(error), {}, item)
  }
}
