/** When the raw record behind a record on the bus has arrived, which its header tells: measures end-to-end time. */
import type { BusRecord } from '../core/ports/bus.ts'
import { headers } from '../core/topics.ts'

/** Ms since 1970; where nobody has told it, when the bus appended the record. */
export function arrivalOf(record: BusRecord): number {
  const told = record.headers[headers.arrived]
  const arrivedMs = told === undefined ? NaN : Number(told)
  return Number.isFinite(arrivedMs) ? arrivedMs : record.appendedMs
}
