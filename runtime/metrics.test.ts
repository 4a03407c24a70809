import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

const metrics = () => createMetrics({ processMetrics: false })

describe('metrics', () => {
  it('tells counters with _total, times in seconds, and labels by name', async () => {
    const { telemetry, registry } = metrics()
    telemetry.taken('detect', 'warden.events', 5)
    telemetry.taken('detect', 'warden.events', 2)
    telemetry.batch('detect', 100, 250)
    telemetry.lag('detect', 'warden.events', 3, 42)
    const text = await registry.metrics()
    expect(text).toContain('modelwarden_stage_records_taken_total{stage="detect",topic="warden.events"} 7')
    expect(text).toContain('modelwarden_stage_batch_duration_seconds_sum{stage="detect"} 0.25')
    expect(text).toContain('modelwarden_stage_lag_records{stage="detect",topic="warden.events",partition="3"} 42')
  })

  it('holds at most a thousand sets of labels a metric and counts what it refused', async () => {
    const { telemetry, registry } = metrics()
    for (let n = 0; n < 1_200; n++) telemetry.count('hostile', { user: `u-${n}` })
    const text = await registry.metrics()
    expect(text.match(/^modelwarden_hostile_total\{/gm)).toHaveLength(1_000)
    expect(text).toContain('modelwarden_metrics_refused_total 200')
  })

  it('refuses an odd name, other labels than before and another kind, and does not throw', async () => {
    const { telemetry, registry } = metrics()
    telemetry.count('Bad Name', {})
    telemetry.count('things', { a: '1' })
    telemetry.count('things', { b: '1' })
    telemetry.observe('things_total', { a: '1' }, 1)
    telemetry.observe('sizes_bytes', {}, Number.NaN)
    const text = await registry.metrics()
    expect(text).toContain('modelwarden_things_total{a="1"} 1')
    expect(text).toContain('modelwarden_metrics_refused_total 3')
  })
})
