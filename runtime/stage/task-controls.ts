/**
 * What a task does with the control records in its log: time that has come, content, licenses, baselines, the end of a
 * replay.
 *
 * Stands between a task (stage-task.ts), which reads the log, and its steps (task-steps.ts). Promises: a control record
 * that is none of ours, or was taken before, changes nothing, and becomes a dead letter with the reason.
 */
import { Control } from '../../core/control.ts'
import { parseJson } from '../../core/json.ts'
import type { BusRecord } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import { unsealedControl } from '../control-seal.ts'
import type { StageLogic } from './stage.ts'
import type { TakenSeals } from './taken-seals.ts'
import type { TaskContent } from './task-content.ts'
import type { TaskOutputs } from './task-outputs.ts'
import type { TaskSteps } from './task-steps.ts'
import type { TaskTicks } from './task-ticks.ts'
import type { TaskTime } from './task-time.ts'

const repeated = 'A control record of ours was written again, by whoever may write this topic.'

export interface TaskControlsOptions {
  readonly logic: StageLogic
  readonly time: TaskTime
  readonly ticks: TaskTicks
  readonly steps: TaskSteps
  readonly content: TaskContent
  readonly seals: TakenSeals
  readonly outputs: TaskOutputs
}

export class TaskControls {
  readonly #options: TaskControlsOptions

  constructor(options: TaskControlsOptions) {
    this.#options = options
  }

  async take(record: BusRecord): Promise<void> {
    const { outputs, steps, ticks } = this.#options
    outputs.nextRecord()
    if (steps.isRedelivery(record)) return
    if (record.headers[headers.control] === unsealedControl) {
      // It may be a tick of this very task, whose clock is wrong: once that is set right there are others.
      ticks.cameBack()
      const hint = 'Who may write this topic has written it, or a copy of a version that does not seal them.'
      this.#refuse(record, 'A control record is none of ours: it has no seal that holds.', hint)
      return
    }
    const json = parseJson(record.value ?? '')
    const parsed = json.ok ? Control.safeParse(json.value) : undefined
    if (parsed?.success !== true) {
      this.#refuse(record, 'A control record does not have the form of one.')
      return
    }
    await this.#obey(parsed.data, record)
    steps.advance(record)
  }

  async #obey(control: Control, record: BusRecord): Promise<void> {
    const { logic, time, ticks, steps, seals } = this.#options
    const { appendedMs } = record
    switch (control.control) {
      case 'watermark':
        time.watermark.told(control)
        break
      case 'tick':
        ticks.cameBack()
        time.watermark.ticked(appendedMs, logic.latenessMs)
        steps.control(record, appendedMs, (logic, out) => logic.tick?.(appendedMs, out))
        break
      case 'end':
        if (seals.repeats(record) && !time.watermark.ended) this.#refuse(record, repeated)
        else steps.reach(time.watermark.inputEnded(), record)
        seals.take(record)
        break
      case 'baseline':
        steps.control(record, appendedMs, (logic, out) => logic.baseline?.(control, out))
        break
      case 'licenses':
        steps.control(record, appendedMs, (logic, out) => logic.licenses?.(control.records, out))
        break
      case 'content':
        await this.#putInForce(control, record)
        seals.take(record)
        break
    }
  }

  async #putInForce({ set, digest }: Extract<Control, { control: 'content' }>, record: BusRecord): Promise<void> {
    const { content, seals, outputs, steps } = this.#options
    if (!content.isNews(set, digest)) return
    if (seals.repeats(record)) {
      this.#refuse(record, repeated)
      return
    }
    await outputs.flush()
    await content.apply(set, digest, steps.out)
    steps.gather(record, record.appendedMs)
  }

  #refuse(record: BusRecord, message: string, hint?: string): void {
    this.#options.outputs.deadLetter(record, 'CONTROL_INVALID', message, { hint })
  }
}
