/**
 * Tells every log of events once a day how all licenses and credentials stand: a log forgets what is older than its
 * retention, and who reads it from its beginning must find them all.
 *
 * Pure. Changes are told as they come by licensing; who holds a newer version passes these over.
 */
import { toldLicensesMax, type Control } from '../../core/control.ts'
import { toldOf, type LicenseRecord } from '../../core/license.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'

/** About as much as one record should hold: a license may list thousands of addresses. */
const controlBytes = 256 * 1_024

export function licensesTold(records: readonly LicenseRecord[], partitions: number): readonly OutgoingRecord[] {
  const values: string[] = []
  let part: LicenseRecord[] = []
  let bytes = 0
  const close = (): void => {
    const control: Control = { control: 'licenses', records: part }
    if (part.length > 0) values.push(JSON.stringify(control))
    part = []
    bytes = 0
  }
  for (const record of records) {
    const told = toldOf(record)
    const size = JSON.stringify(told).length
    if (part.length >= toldLicensesMax || bytes + size > controlBytes) close()
    part.push(told)
    bytes += size
  }
  close()
  const out: OutgoingRecord[] = []
  for (let partition = 0; partition < partitions; partition++) {
    for (const value of values) {
      out.push({ topic: topics.events, partition, value, headers: { [headers.control]: 'licenses' } })
    }
  }
  return out
}
