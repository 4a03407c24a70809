/** The records that the clockwork puts on the bus: raw records of the sources `modelwarden` and `modelwarden.synthetic`. */
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'

export const ownSource = 'modelwarden'
export const syntheticSource = 'modelwarden.synthetic'

export interface OwnRecord {
  readonly id: string
  readonly atMs: number
  readonly action: string
  /** What it is about, as a URI. */
  readonly subject: string
  readonly message: string
  readonly tenant?: string
  readonly details?: Readonly<Record<string, unknown>>
}

export function ownRecord(record: OwnRecord): OutgoingRecord {
  const { id, atMs, action, subject, message, tenant, details } = record
  return raw(ownSource, { ...details, id, ts: new Date(atMs).toISOString(), action, subject, message, tenant })
}

export function syntheticRecord(id: string, atMs: number): OutgoingRecord {
  return raw(syntheticSource, { id, ts: new Date(atMs).toISOString() })
}

function raw(source: string, value: object): OutgoingRecord {
  return {
    topic: topics.audit,
    key: `own/${source}`,
    value: JSON.stringify(value),
    headers: { [headers.source]: source, [headers.masked]: '1' },
  }
}
