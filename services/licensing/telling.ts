/**
 * Tells how licenses and credentials stand to those who read events: each change becomes a control record in every
 * partition of `warden.events`, effective from its place in that log.
 *
 * A relay beside the licensing stage, over `warden.licenses`. What a log has forgotten is told again once a day (the
 * clockwork does that), so a stage without state learns all of it from what is still there.
 */
import { consumedTopics } from '../../core/consumed-topics.ts'
import type { Control } from '../../core/control.ts'
import { parseJson } from '../../core/json.ts'
import { LicenseRecord, toldOf } from '../../core/license.ts'
import { headers, topics } from '../../core/topics.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'

export const licensesTelling: StageSpec = {
  name: 'licensing-telling',
  stateVersion: 1,
  inputs: consumedTopics['licensing-telling'],
  watermark: [],
  tellsWatermarkTo: [],
  tells: [topics.events],
  ticks: false,
  content: [],
  create: ({ partitionsOf }) => ({
    record(record, out) {
      const parsed = parseJson(record.value)
      const read = parsed.ok ? LicenseRecord.safeParse(parsed.value) : undefined
      // What authorize can't read either is counted there; the log of events must not stop for it.
      if (read?.success !== true) {
        out.drop('not-a-license')
        return
      }
      const control: Control = { control: 'licenses', records: [toldOf(read.data)] }
      const value = JSON.stringify(control)
      for (let partition = 0; partition < partitionsOf(topics.events); partition++) {
        out.emit({ topic: topics.events, partition, value, headers: { [headers.control]: control.control } })
      }
    },
  }),
}
