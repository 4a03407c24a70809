import { expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import type { BehaviorFinding, EventContext, GroupEntries } from '../types.ts'
import { anomaly } from './detector.ts'
import { AnomalyParams } from './params.ts'

const startMs = Date.parse('2026-01-05T00:00:00.000Z')

/** What is told of calls a minute apart that sent so many bytes. */
function told(bytes: readonly number[], more: object = {}): BehaviorFinding[] {
  const params = { type: 'anomaly', field: 'warden.bytes', seasonality: 'none', ...more }
  const { read, local } = anomaly.create(AnomalyParams.parse(params), {} as never)
  const all = new Map<string, unknown>()
  const entries = { get: (name: string) => all.get(name), set: (name: string, value: unknown) => all.set(name, value) }
  return bytes.flatMap((each, n): readonly BehaviorFinding[] => {
    const event = {
      '@timestamp': new Date(startMs + n * 60_000).toISOString(),
      event: { id: `e${n}`, hash: 'h' },
      organization: { id: 'acme' },
      warden: { principal: 'acme/bob', bytes: each, position: { topic: 't', partition: 0, offset: n, index: 0 } },
    }
    const { group, observation } = read(event as unknown as Event, {} as EventContext)!
    return local!.apply(group, entries as unknown as GroupEntries, observation, 0, {} as never).findings
  })
}

test.each([
  ['value by value', {}],
  ['added up over an interval', { interval: '5m' }],
])('numbers at the end of what can be written are told in numbers, and once: %s', (_, more) => {
  const bytes = Array.from({ length: 3_000 }, (_, n) => 100 + ((n * 37) % 11))
  for (let n = 2_500; n < 2_540; n++) bytes[n] = n % 2 === 0 ? 1.7e308 : -1.7e308
  const findings = told(bytes, more)
  expect(findings.length).toBeGreaterThan(0)
  expect(findings.length).toBeLessThan(10)
  for (const { facts } of findings) {
    for (const name of ['score', 'value', 'noveltyLog10']) expect(facts[name]).toSatisfy(Number.isFinite)
  }
})
