/** How far event time goes on by what comes in. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'
import { compileSources } from '../../engine/sources/compile.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { WatermarkTracker } from '../../runtime/stage/watermarks.ts'
import { ownRecord, syntheticRecord } from '../schedule/own-records.ts'
import { NormalizeLogic } from './logic.ts'

const home = new URL('../../sources/', import.meta.url)
const files = readdirSync(home).map((name) => {
  return { path: `sources/${name}`, text: readFileSync(new URL(name, home), 'utf8') }
})
const nowMs = Date.parse('2026-11-27T15:00:00Z')
const dayMs = Date.parse('2026-03-02T09:00:00Z')

/** One partition of `audit.events`: where its watermark stands after each record. */
function watermarksOf(records: readonly Pick<OutgoingRecord, 'value' | 'headers'>[]): (number | null)[] {
  const at = { topic: topics.audit, partition: 0 }
  const task = { at, state: new MemoryState() }
  const logic = new NormalizeLogic(new Uint8Array(32), () => compileSources(files), task)
  logic.content('sources', bundleOf('sources', files), files)
  const watermark = new WatermarkTracker('records')
  return records.map(({ value, headers: told = {} }, offset) => {
    const out = new CollectedOutcome()
    const record = { ...at, offset, key: undefined, headers: told, appendedMs: nowMs, arrivedMs: nowMs }
    logic.record({ ...record, value: Buffer.from(value ?? '') }, out)
    expect(out.emitted.filter(({ topic }) => topic === topics.events)).toHaveLength(1)
    for (const { eventTimeMs } of out.happenings) watermark.happened(eventTimeMs, logic.latenessMs)
    watermark.advance()
    return watermark.reachedMs
  })
}

function step(id: string, atMs: number): Pick<OutgoingRecord, 'value' | 'headers'> {
  const record = { id, type: 'audit', action: 'copy', tenant: 't', principal: 'u', ts: new Date(atMs).toISOString() }
  return { value: JSON.stringify(record), headers: { [headers.source]: 'audit' } }
}

test('a notice of the clockwork, dated now, makes no record late of a day of long ago that is being fed in', () => {
  const notice = ownRecord({ id: 'n', atMs: nowMs, action: 'license.expiring', subject: 'license://l', message: 'm' })
  const all = [step('a', dayMs), notice, syntheticRecord('s', nowMs), step('b', dayMs + 60_000)]
  const [before, noticed, measured, after] = watermarksOf(all)
  expect(before).toBeLessThan(dayMs)
  expect([noticed, measured]).toEqual([before, before])
  expect(after).toBe(before! + 60_000)
})
