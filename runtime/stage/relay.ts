/**
 * A relay: a stage without state that carries records from one topic into another stage's log, under that log's key.
 *
 * A stage is a function of one ordered log; what else it must obey is brought there by a relay, so that a replay finds it
 * at the same place.
 */
import type { DeadLetterCode } from '../../core/dead-letter.ts'
import { parseJson } from '../../core/json.ts'
import type { StageSpec } from './stage.ts'

export interface RelayOptions {
  readonly name: string
  readonly from: string
  readonly to: string
  /** What a record that does not parse is called. */
  readonly code: DeadLetterCode
  /** The record's place and form in the other log; `undefined` for what does not belong there. Throws for bugs only. */
  carry(value: unknown): { readonly key: string; readonly value: unknown } | undefined | { readonly refused: string }
}

export function relayStage(options: RelayOptions): StageSpec {
  return {
    name: options.name,
    stateVersion: 1,
    inputs: [options.from],
    watermark: [],
    tellsWatermarkTo: [],
    ticks: false,
    content: [],
    create: () => ({
      record(record, out) {
        const parsed = parseJson(record.value)
        if (!parsed.ok) {
          out.deadLetter(parsed.code, parsed.message)
          return
        }
        const carried = options.carry(parsed.value)
        if (carried === undefined) out.drop('not-for-relay')
        else if ('refused' in carried) out.deadLetter(options.code, carried.refused)
        else out.emit({ topic: options.to, key: carried.key, value: carried.value })
      },
    }),
  }
}
