/**
 * Tells of licenses that end soon: 30, 7 and 1 days before, each once.
 *
 * Pure.
 */
import { derivedId } from '../../core/ids.ts'
import type { License } from '../../core/license.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { boardRecords } from './board.ts'
import type { JobTurn } from './once.ts'
import { ownRecord } from './own-records.ts'

const dayMs = 86_400_000
const noticeDays = [1, 7, 30] as const

export function licenseNotices(turn: JobTurn, licenses: readonly License[]): readonly OutgoingRecord[] {
  const records: OutgoingRecord[] = []
  for (const { id, tenant, validUntil, models } of licenses) {
    if (validUntil === undefined) continue
    const leftMs = Date.parse(validUntil) - turn.nowMs
    const days = leftMs <= 0 ? undefined : noticeDays.find((line) => leftMs <= line * dayMs)
    const notice = `license/${id}/${validUntil}/${days ?? 0}`
    if (days === undefined || turn.board.wasNoticed(notice)) continue
    records.push(
      ownRecord({
        id: derivedId('license-expiring', id, validUntil, days),
        atMs: turn.nowMs,
        tenant,
        action: 'license.expiring',
        subject: `license://${id}`,
        message: `The license ${id} for ${models.join(', ')} ends at ${validUntil}.`,
        details: { license: id, validUntil, days },
      }),
      boardRecords.notice(notice),
    )
  }
  return records
}
