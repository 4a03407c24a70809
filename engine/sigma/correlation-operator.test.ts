/**
 * What operators tell while events arrive, and what bounds them. The final findings are
 * test/property/sigma-windows.test.ts's.
 */
import { describe, expect, it } from 'vitest'
import { limits } from '../../core/limits.ts'
import { correlationOf } from '../../test/support/correlation.ts'
import { correlationOperator } from './correlation-operator.ts'
import type { CorrelationFinding, CorrelationOperator, GroupState, Observation } from './types.ts'

class Group {
  state: GroupState | undefined
  readonly dropped: string[] = []
  readonly #operator: CorrelationOperator

  constructor(block: string) {
    this.#operator = correlationOperator(correlationOf(block))
  }

  /** `seconds` is also the id, unless one is given. */
  at(
    seconds: number,
    extra: { id?: string; value?: string; base?: number; watermark?: number; retracted?: boolean } = {},
  ): string[] {
    const id = extra.id ?? `e${seconds}`
    const observation: Observation = {
      eventId: id,
      timestampMs: seconds * 1_000,
      base: extra.base ?? 0,
      values: extra.value === undefined ? [] : [extra.value],
      evidence: {
        id,
        timestamp: new Date(seconds * 1_000).toISOString(),
        hash: 'f'.repeat(64),
        position: { topic: 'warden.events', partition: 11, offset: 123_456_789, index: 0 },
      },
      ...(extra.retracted === undefined ? {} : { retracted: extra.retracted }),
    }
    const step = this.#operator.apply(this.state, observation, (extra.watermark ?? -Infinity) * 1_000)
    this.state = step.state
    if (step.dropped !== undefined) this.dropped.push(step.dropped)
    return step.findings.map(spell)
  }

  found: readonly CorrelationFinding[] = []

  pass(seconds: number): string[] {
    if (this.state === undefined) return []
    const step = this.#operator.advance(this.state, seconds * 1_000)
    this.state = step.state
    this.found = step.findings
    return step.findings.map(spell)
  }

  due(): number {
    return this.#operator.dueMs(this.state!)
  }
}

function spell({ anchorMs, version, status, supersedes, count, final, incomplete }: CorrelationFinding): string {
  const words = [`${anchorMs / 1_000}v${version}`, status, `count ${count}`]
  if (supersedes.length > 0) words.push(`for ${supersedes.map((anchor) => anchor / 1_000).join(' ')}`)
  if (final) words.push('final')
  if (incomplete) words.push('incomplete')
  return words.join(', ')
}

describe('an event_count of 3 in 10 s', () => {
  const block = 'type: event_count, rules: [a], condition: {gte: 3}'

  it('is told with the event that completes it, again when it has doubled, and when it is over', () => {
    const group = new Group(block)
    expect([1, 2, 3, 4, 5, 6, 7].map((t) => group.at(t))).toEqual([
      [],
      [],
      ['1v1, open, count 3'],
      [],
      [],
      ['1v2, open, count 6'],
      [],
    ])
    expect(group.due()).toBe(17_001)
    expect(group.pass(17)).toEqual([])
    expect(group.pass(17.001)).toEqual(['1v3, open, count 7, final'])
    expect(group.state).toBeUndefined()
  })

  it('events exactly one timespan apart are within it, a millisecond more is not', () => {
    const within = new Group(block)
    expect([0, 5, 10].map((t) => within.at(t)).at(-1)).toEqual(['0v1, open, count 3'])
    const without = new Group(block)
    expect([0, 5, 10.001].map((t) => without.at(t)).at(-1)).toEqual([])
  })

  it('a late event that moves the anchor retracts the finding and is named by the new one, which comes first', () => {
    const group = new Group(block)
    for (const t of [5, 6, 7]) group.at(t)
    expect(group.at(4)).toEqual(['4v1, open, count 4, for 5', '5v2, retracted, count 3'])
  })

  it('a late event that joins two bursts makes the first take the place of the second', () => {
    const group = new Group(block)
    for (const t of [1, 2, 3, 24, 25, 26]) group.at(t)
    for (const t of [12, 13]) expect(group.at(t)).toEqual([])
    expect(group.at(16)).toEqual(['1v2, open, count 9, for 24', '24v2, retracted, count 3'])
  })

  it('the same event delivered three times counts once, one behind the watermark not at all', () => {
    const group = new Group(block)
    for (const t of [1, 2, 2, 2]) expect(group.at(t)).toEqual([])
    expect(group.at(2.5, { watermark: 3 })).toEqual([])
    expect(group.dropped).toEqual(['duplicate', 'duplicate', 'late'])
  })

  it('a base finding that is withdrawn takes the finding that rests on it along', () => {
    const group = new Group(block)
    for (const t of [1, 2, 3]) group.at(t)
    expect(group.at(2, { retracted: true })).toEqual(['1v2, retracted, count 3'])
    expect(group.at(2)).toEqual(['1v3, open, count 3'])
  })
})

describe('other types', () => {
  it('value_count counts the values of arrays, each once', () => {
    const operator = correlationOperator(correlationOf('type: value_count, rules: [a], condition: {gte: 3, field: v}'))
    const evidence = { id: '', timestamp: '', hash: '', position: { topic: '', partition: 0, offset: 0, index: 0 } }
    const first = operator.apply(
      undefined,
      { eventId: 'x', timestampMs: 1, base: 0, values: ['a', 'b', 'a'], evidence },
      0,
    )
    const second = operator.apply(first.state, { eventId: 'y', timestampMs: 2, base: 0, values: ['c'], evidence }, 0)
    expect([first.findings.length, second.findings.map(({ count, peak }) => [count, peak])]).toEqual([0, [[2, 3]]])
  })

  it('an event without a value is not counted', () => {
    const group = new Group('type: value_sum, rules: [a], condition: {gt: 9, field: v}')
    group.at(1, { value: 'many' })
    group.at(2)
    expect(group.dropped).toEqual(['no-value', 'no-value'])
    expect(group.at(3, { value: '9.5' })).toEqual(['3v1, open, count 1'])
  })

  it('temporal_ordered takes rules in their order, whatever the order of arrival', () => {
    const group = new Group('type: temporal_ordered, rules: [a, b]')
    expect(group.at(5, { base: 1 })).toEqual([])
    expect(group.at(6, { base: 0 })).toEqual([])
    expect(group.at(4, { base: 0 })).toEqual(['4v1, open, count 3'])
  })

  it('fewer than 3 is decided when the watermark has passed the window, not before', () => {
    const group = new Group('type: event_count, rules: [a], condition: {lt: 3}')
    for (const t of [1, 2, 13]) expect(group.at(t)).toEqual([])
    expect(group.due()).toBe(11_001)
    expect(group.pass(11)).toEqual([])
    expect(group.pass(12)).toEqual(['1v1, open, count 2, final'])
    for (const t of [14, 15]) group.at(t)
    expect(group.pass(Infinity)).toEqual([])
    expect(group.state).toBeUndefined()
  })
})

describe('what a group remembers is bounded', () => {
  it.each([
    ['type: event_count, rules: [a], condition: {gte: 3}', 'x'],
    ['type: event_count, rules: [a], condition: {gte: 50000}', 'x'],
    ['type: event_count, rules: [a], condition: {lte: 50000}', 'x'],
    ['type: value_count, rules: [a], condition: {gte: 900, field: v}', undefined],
    ['type: value_sum, rules: [a], condition: {gte: 100, field: v}', '1'],
    ['type: value_percentile, rules: [a], condition: {gte: 0, percentile: 50, field: v}', undefined],
    ['type: temporal, rules: [a, b]', 'x'],
  ])('%s', (block, value) => {
    const group = new Group(block)
    let largest = 0
    for (let index = 0; index < 20_000; index++) {
      // Ids as long as derived ids are, ten times as many events in a timespan as are kept.
      const id = index.toString(16).padStart(32, '0')
      group.at(index / 2_000, { id: id.slice(-16) + id.slice(0, 16), value: value ?? String(index), base: index % 2 })
      if (index % 1_000 === 0) largest = Math.max(largest, JSON.stringify(group.state).length)
    }
    expect(largest).toBeLessThan(200_000)
    group.pass(Infinity)
    for (const finding of group.found) {
      expect(finding.incomplete).toBe(true)
      expect(finding.evidence.length).toBeLessThanOrEqual(limits.signalEvidenceMax)
    }
  })

  it('counting in bulk stays within a window part of the truth', () => {
    const group = new Group('type: event_count, rules: [a], condition: {gte: 15000}')
    const told: string[] = []
    for (let index = 0; index < 20_000; index++) told.push(...group.at(index / 1_000, { id: `id-${index}` }))
    // 10,000 and one events a timespan: never 15,000.
    expect(told).toEqual([])
    const enough = new Group('type: event_count, rules: [a], condition: {gte: 9000}')
    let first = Infinity
    for (let index = 0; index < 20_000; index++) {
      if (enough.at(index / 1_000, { id: `id-${index}` }).length > 0) first = Math.min(first, index)
    }
    expect(first).toBe(8_999)
  })
})

describe('a group that outgrows its memory before the watermark has passed anything', () => {
  it('still counts each burst in full when its events come from four partitions, a batch of one after the other', () => {
    const group = new Group('type: event_count, rules: [a], condition: {gte: 300}')
    const [bursts, inBurst, partitions, batch] = [10, 300, 4, 90]
    const seconds = Array.from(
      { length: bursts * inBurst },
      (_, n) => 100 * Math.floor(n / inBurst) + (n % inBurst) / 60,
    )
    const dealt = seconds.map((at, n) => ({
      at,
      partition: n % partitions,
      turn: Math.floor(n / (partitions * batch)),
    }))
    dealt.sort((a, b) => a.turn - b.turn || a.partition - b.partition)
    const told = [...dealt.flatMap(({ at }) => group.at(at)), ...group.pass(Infinity)]
    const last = new Map(told.map((words) => [Number(words.split('v')[0]), words]))
    expect(
      [...last].sort(([a], [b]) => a - b).map(([anchor, words]) => `${anchor} ${/count \d+/.exec(words)![0]}`),
    ).toEqual(Array.from({ length: bursts }, (_, burst) => `${100 * burst} count 300`))
    // Only what it no longer waited for may have been missed.
    expect(last.get(0)).toContain('incomplete')
    expect(last.get(900)).not.toContain('incomplete')
  })

  it('says of a finding told before that it may be incomplete, though it has not grown', () => {
    const group = new Group('type: event_count, rules: [a], condition: {gte: 3}')
    expect([1, 2, 3].flatMap((at) => group.at(at))).toEqual(['1v1, open, count 3'])
    const told: string[] = []
    for (let n = 0; n < 2_000; n++) told.push(...group.at(100 + 20 * n))
    expect(told).toEqual(['1v2, open, count 3, final, incomplete'])
  })

  it('of a finding that comes to say incomplete changes its own entry, and none when it is told again', () => {
    for (const condition of ['{gte: 3}', '{lt: 9}']) {
      const operator = correlationOperator(correlationOf(`type: event_count, rules: [a], condition: ${condition}`))
      let state: GroupState | undefined
      const take = (n: number, also: Pick<Observation, 'incomplete'> = {}): number | undefined => {
        const observation = { eventId: `e${n}`, timestampMs: n * 1_000, base: 0, values: [], ...also }
        const step = operator.apply(state, observation, -Infinity)
        state = step.state
        return step.changedFrom
      }
      for (let n = 0; n < 6; n++) take(n)
      expect([4, 4, 2, 9].map((n) => take(n, { incomplete: 'since' }))).toEqual([4, Infinity, 2, Infinity])
    }
  })
})
