/**
 * Event time of one task: how far it is complete, and telling so downstream.
 *
 * Stands between a task (stage-task.ts) and its outputs. A function of the log alone: what was told, and when, stands in
 * the checkpoint.
 */
import type { BusRecord, TopicPartition } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import type { TaskMeta } from './checkpoints.ts'
import type { ServiceContext } from '../service.ts'
import type { StageSpec } from './stage.ts'
import type { TaskOutputs } from './task-outputs.ts'
import { WatermarkTelling } from './watermark-telling.ts'
import { WatermarkTracker } from './watermarks.ts'

export interface TaskTimeOptions {
  readonly spec: StageSpec
  readonly at: TopicPartition
  /** Of the input topic. */
  readonly partitions: number
  /** Who is told. */
  readonly downstream: readonly TopicPartition[]
  readonly deps: Pick<ServiceContext, 'telemetry'>
  readonly meta: TaskMeta | undefined
}

export class TaskTime {
  readonly watermark: WatermarkTracker
  readonly #options: TaskTimeOptions
  readonly #outputs: TaskOutputs
  readonly #telling: WatermarkTelling

  constructor(options: TaskTimeOptions, outputs: TaskOutputs) {
    const { spec, at, partitions, meta } = options
    this.#options = options
    this.#outputs = outputs
    this.watermark = new WatermarkTracker(spec.watermark, meta?.watermark)
    const upstream = `${spec.name}/${at.topic}`
    this.#telling = new WatermarkTelling({ upstream, partition: at.partition, partitions }, meta?.told)
  }

  /** Tells the watermark downstream where there is news of it, and it is time: `record` has brought it. */
  tell(record: BusRecord): void {
    const control = this.#telling.next(this.watermark, record.appendedMs)
    if (control === undefined) return
    const { spec, at, downstream, deps } = this.#options
    const eventTimeMs = this.watermark.reachedMs
    if (eventTimeMs !== null) deps.telemetry.watermark(spec.name, at.topic, at.partition, eventTimeMs)
    const value = JSON.stringify(control)
    for (const target of downstream) {
      this.#outputs.send(record, { ...target, value, headers: { [headers.control]: control.control } })
    }
  }

  save(): Pick<TaskMeta, 'watermark' | 'told'> {
    return { watermark: this.watermark.save() as TaskMeta['watermark'], told: this.#telling.told }
  }
}

/** It tells how far time has come, and nothing else. */
export function isOfTime({ headers: told }: BusRecord): boolean {
  const control = told[headers.control]
  return control === 'tick' || control === 'watermark'
}
