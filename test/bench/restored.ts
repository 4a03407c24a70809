/** The state that restore.ts writes and restore-worker.ts reads. */
import type { TopicPartition } from '../../core/ports/bus.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'

export const restoredAt: TopicPartition = { topic: 'bench.events', partition: 0 }

export const restoredSpec: StageSpec = {
  name: 'bench',
  stateVersion: 1,
  inputs: [restoredAt.topic],
  watermark: 'records',
  tellsWatermarkTo: [],
  ticks: false,
  content: [],
  create: () => ({ record: () => undefined }),
}

/** What the process that restores says. */
export interface Restored {
  readonly keys: number
  readonly seconds: number
  readonly rssMb: number
}
