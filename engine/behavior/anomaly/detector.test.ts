import { expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import type { BehaviorFinding, EventContext, GroupEntries } from '../types.ts'
import { anomaly } from './detector.ts'
import { AnomalyParams } from './params.ts'

const startMs = Date.parse('2026-01-05T00:00:00.000Z')

/** What is told of calls a minute (or `gapMs`) apart that sent so many bytes; undefined: there was none. */
function told(bytes: readonly (number | undefined)[], more: object = {}, gapMs = 60_000): BehaviorFinding[] {
  const params = { type: 'anomaly', field: 'warden.bytes', seasonality: 'none', ...more }
  const { read, local } = anomaly.create(AnomalyParams.parse(params), {} as never)
  const all = new Map<string, unknown>()
  const entries = { get: (name: string) => all.get(name), set: (name: string, value: unknown) => all.set(name, value) }
  return bytes.flatMap((each, n): readonly BehaviorFinding[] => {
    if (each === undefined) return []
    const event = {
      '@timestamp': new Date(startMs + n * gapMs).toISOString(),
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

/** Hours of many days: most at noon, with a little noise. */
function hours(days: number): (number | undefined)[] {
  return Array.from({ length: 24 * days }, (_, n) => 1_000 - 600 * Math.cos((2 * Math.PI * n) / 24) + ((n * 37) % 41))
}

test.each(['mean', 'max'] as const)(
  'nights without a call, each as long as it likes, hide no noon in the morning and are none: %s',
  (how) => {
    const bytes = hours(80).map((each, n) => {
      const [day, hour] = [Math.floor(n / 24), n % 24]
      return day % 7 >= 5 || hour < 7 + (day % 3) || hour > 18 + ((day * 5) % 4) ? undefined : each
    })
    const at = 24 * 74 + 10
    const more = { interval: '1h', function: how, seasonality: '1d' }
    expect(told(bytes, more, 3_600_000)).toEqual([])
    const findings = told(bytes.with(at, 2_600), more, 3_600_000)
    expect(findings.map(({ timeMs }) => timeMs)).toEqual([startMs + at * 3_600_000])
    // Of what it is held against, nights are no part.
    const values = bytes.slice(0, at + 1).filter((each) => each !== undefined).length
    expect(findings[0]!.facts['values']).toBe(values)
    for (const [, value] of findings[0]!.series![0]!.points) expect(value).toBeGreaterThan(0)
    expect(told(bytes.with(at, 2_600), { ...more, learning: values }, 3_600_000)).toEqual([])
  },
)

test('a silence longer than what is filled in shifts no season', () => {
  const gap = 501 + 144
  const bytes = Array.from({ length: 14 * 288 }, (_, n) => {
    const isSilent = n > 10 * 288 && n <= 10 * 288 + gap
    return isSilent ? undefined : 1_000 - 600 * Math.cos((2 * Math.PI * n) / 288) + ((n * 37) % 41)
  })
  expect(told(bytes, { interval: '5m', function: 'mean', seasonality: '1d' }, 300_000)).toEqual([])
})
