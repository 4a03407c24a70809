import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../core/decision.ts'
import type { Incident } from '../../core/incident.ts'
import type { Entity, Level, Signal } from '../../core/signal.ts'
import { topics } from '../../core/topics.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { CorrelateLogic } from './logic.ts'
import { migrateCorrelate } from './migrate.ts'
import { correlateDefaults, type CorrelateOptions } from './options.ts'

const startMs = Date.parse('2026-03-02T08:00:00.000Z')
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const riskOf: Record<Level, number> = { informational: 1, low: 21, medium: 47, high: 73, critical: 99 }

function principal(id: string): Entity {
  return { type: 'principal', id }
}

function makeSignal(
  id: string,
  atMs: number,
  level: Level,
  entities: readonly Entity[],
  more: Partial<Signal> = {},
): Signal {
  const rule = {
    id: `rule-${level}`,
    title: `A ${level} finding`,
    version: 'v',
    kind: 'sigma' as const,
    level,
    tags: [],
    techniques: [],
    shadow: false,
  }
  return {
    id,
    version: 1,
    status: 'open',
    supersedes: [],
    '@timestamp': new Date(startMs + atMs).toISOString(),
    created: new Date(startMs + atMs).toISOString(),
    scope: 'acme',
    rule,
    risk: riskOf[level],
    group: {},
    entities: [...entities],
    joinOn: [],
    evidence: { count: 1, events: [] },
    explanation: 'It crossed the line.',
    facts: {},
    ...more,
  }
}

class Correlation {
  readonly state = new MemoryState()
  readonly out = new CollectedOutcome()
  logic: CorrelateLogic
  readonly #options: CorrelateOptions
  #offset = 0

  constructor(options: Partial<CorrelateOptions> = {}) {
    this.#options = { ...correlateDefaults, ...options }
    this.logic = this.#create(this.state)
  }

  #create(state: MemoryState): CorrelateLogic {
    return new CorrelateLogic(
      { stage: 'correlate', at: { topic: topics.signals, partition: 0 }, partitions: 1, partitionsOf: () => 1, state },
      this.#options,
    )
  }

  take(value: Signal | { kind: 'decision'; decision: Decision }): this {
    const offset = this.#offset++
    const record = {
      topic: topics.signals,
      partition: 0,
      offset,
      key: 'acme',
      headers: {},
      appendedMs: startMs + offset,
      arrivedMs: startMs + offset,
    }
    this.logic.record({ ...record, value: Buffer.from(JSON.stringify(value)) }, this.out)
    return this
  }

  decide(decision: { kind: string; incidentId: string } & Record<string, unknown>): this {
    const base = {
      id: `d-${this.#offset}`,
      at: new Date(startMs).toISOString(),
      by: 'operator:ana',
      roles: ['analyst'],
      tenant: 'acme',
    }
    return this.take({ kind: 'decision', decision: { ...base, ...decision } as unknown as Decision })
  }

  /** As after a kill: the logic is made anew from what a checkpoint holds. */
  restart(): void {
    const restored = new MemoryState()
    for (const [key, value] of this.state.entries('')) restored.restore(key, JSON.parse(JSON.stringify(value)))
    this.logic = this.#create(restored)
  }

  resume(state: MemoryState): this {
    this.logic = this.#create(state)
    return this
  }

  get last(): ReadonlyMap<string, Incident> {
    const versions = this.out.emitted
      .filter((output) => output.topic === topics.incidents)
      .map((output) => output.value as Incident)
    return new Map(versions.map((incident) => [incident.id, incident]))
  }

  get open(): Incident[] {
    return [...this.last.values()].filter(
      (incident) => incident.status === 'open' || incident.status === 'acknowledged',
    )
  }
}

function only(incidents: readonly Incident[]): Incident {
  expect(incidents).toHaveLength(1)
  return incidents[0] as Incident
}

describe('an incident opens', () => {
  it('at once when a signal is critical alone', () => {
    const incident = only(new Correlation().take(makeSignal('s1', 0, 'critical', [principal('acme/eve')])).open)
    expect(incident).toMatchObject({ tenant: 'acme', severity: 'critical', version: 1, settled: false, signalCount: 1 })
    expect(incident.primary).toEqual(principal('acme/eve'))
  })

  it('not for one medium signal, but for a second finding about the same principal', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'medium', [principal('acme/eve')]))
    expect(correlation.open).toHaveLength(0)
    const other = makeSignal('s2', hourMs, 'medium', [principal('acme/eve')])
    correlation.take({ ...other, rule: { ...other.rule, id: 'another-rule' } })
    expect(only(correlation.open).signalCount).toBe(2)
  })

  it('never for endless repeats of one low rule, because repeats are damped', () => {
    const correlation = new Correlation()
    for (let index = 0; index < 300; index++)
      correlation.take(makeSignal(`s${index}`, index * 1_000, 'low', [principal('acme/bot')]))
    expect(correlation.open).toHaveLength(0)
  })

  it('not for findings so far apart that the first has decayed', () => {
    const correlation = new Correlation({ joinWindowMs: 72 * hourMs })
    const later = makeSignal('s2', 70 * hourMs, 'medium', [principal('acme/eve')])
    correlation
      .take(makeSignal('s1', 0, 'medium', [principal('acme/eve')]))
      .take({ ...later, rule: { ...later.rule, id: 'another-rule' } })
    expect(correlation.open).toHaveLength(0)
  })

  it('never for a rule in shadow', () => {
    const signal = makeSignal('s1', 0, 'critical', [principal('acme/eve')])
    const correlation = new Correlation().take({ ...signal, rule: { ...signal.rule, shadow: true } })
    expect(correlation.open).toHaveLength(0)
    expect(correlation.out.dropped).toEqual([{ reason: 'shadow', count: 1 }])
  })
})

describe('signals join', () => {
  const key: Entity = { type: 'credential', id: 'hmac-00' }
  const office: Entity = { type: 'address', id: '198.51.100.7' }

  it('one incident when two principals used the same credential', () => {
    const correlation = new Correlation()
      .take(makeSignal('s1', 0, 'high', [principal('acme/eve'), key]))
      .take(makeSignal('s2', minuteMs, 'high', [principal('acme/mallory'), key]))
    expect(only(correlation.open).signalCount).toBe(2)
  })

  it('no incident by a common address, unless the rule says so', () => {
    const pair = (joinOn: Entity['type'][]): Correlation =>
      new Correlation()
        .take(makeSignal('s1', 0, 'high', [principal('acme/eve'), office], { joinOn }))
        .take(makeSignal('s2', minuteMs, 'high', [principal('acme/mallory'), office], { joinOn }))
    expect(pair([]).open).toHaveLength(2)
    expect(pair(['address']).open).toHaveLength(1)
  })

  it('no incident by an address that the whole office shares, and what it had joined is drawn apart', () => {
    const correlation = new Correlation()
    for (let index = 0; index < 5; index++) {
      correlation.take(
        makeSignal(`s${index}`, index * minuteMs, 'high', [principal(`acme/p${index}`), office], {
          joinOn: ['address'],
        }),
      )
    }
    expect(correlation.open).toHaveLength(1)
    correlation.take(makeSignal('s5', 5 * minuteMs, 'high', [principal('acme/p5'), office], { joinOn: ['address'] }))
    expect(correlation.open).toHaveLength(6)
  })

  it('a new incident when the gap is longer than the window', () => {
    const correlation = new Correlation()
      .take(makeSignal('s1', 0, 'high', [principal('acme/eve')]))
      .take(makeSignal('s2', 25 * hourMs, 'high', [principal('acme/eve')]))
    expect(correlation.open).toHaveLength(2)
  })

  it('never across tenants', () => {
    const correlation = new Correlation()
      .take(makeSignal('s1', 0, 'high', [principal('x'), key]))
      .take(makeSignal('s2', 1, 'high', [principal('x'), key], { scope: 'globex' }))
    expect(correlation.open.map((incident) => incident.tenant).sort()).toEqual(['acme', 'globex'])
  })
})

describe('a signal that changes', () => {
  it('redelivered changes nothing', () => {
    const signal = makeSignal('s1', 0, 'critical', [principal('acme/eve')])
    const correlation = new Correlation().take(signal).take(signal)
    expect(only(correlation.open).version).toBe(1)
    expect(correlation.out.dropped).toEqual([{ reason: 'stale', count: 1 }])
  })

  it('retracted takes its incident back, and an older version coming late does not revive it', () => {
    const signal = makeSignal('s1', 0, 'critical', [principal('acme/eve')])
    const correlation = new Correlation()
      .take(signal)
      .take({ ...signal, version: 2, status: 'retracted' })
      .take(signal)
    expect([...correlation.last.values()].map((incident) => incident.status)).toEqual(['retracted'])
  })

  it('coming late from the day before moves the start: the new incident names the one that it supersedes', () => {
    const correlation = new Correlation().take(makeSignal('s2', hourMs, 'high', [principal('acme/eve')]))
    const first = only(correlation.open)
    correlation.take(makeSignal('s1', -10 * hourMs, 'high', [principal('acme/eve')]))
    const second = only(correlation.open)
    expect(second.supersedes).toEqual([first.id])
    expect(correlation.last.get(first.id)).toMatchObject({ status: 'merged', mergedInto: second.id })
  })
})

/** A finding of a detector that is completed anew as the theft goes on. */
function revised(
  id: string,
  version: number,
  atMs: number,
  entities: readonly Entity[],
  more: Partial<Signal> = {},
): Signal {
  const signal = makeSignal(id, atMs, 'high', entities, { version, ...more })
  const start = new Date(startMs + atMs - 14 * 24 * hourMs).toISOString()
  return { ...signal, rule: { ...signal.rule, kind: 'behavior' }, window: { start, end: signal['@timestamp'] } }
}

describe('one theft is one incident', () => {
  const eve = [principal('acme/eve')]

  it('though the finding is completed anew each day, over more days than the join window', () => {
    const correlation = new Correlation()
    for (let day = 0; day < 6; day++) correlation.take(revised('share', day + 1, day * 24 * hourMs + day, eve))
    expect([...correlation.last.values()]).toMatchObject([
      { status: 'open', supersedes: [], version: 6, lastSeen: new Date(startMs + 120 * hourMs + 5).toISOString() },
    ])
  })

  it('though other findings come between its revisions, and one of them late', () => {
    const correlation = new Correlation()
      .take(revised('share', 1, hourMs, eve))
      .take(makeSignal('copy', 2 * hourMs, 'high', eve))
      .take(revised('share', 2, 20 * hourMs, eve))
      .take(makeSignal('list', 0, 'medium', eve))
      .take(revised('share', 3, 50 * hourMs, eve))
      .take(makeSignal('stop', 51 * hourMs, 'medium', eve))
    expect([...correlation.last.values()]).toMatchObject([{ status: 'open', supersedes: [], signalCount: 4 }])
  })

  it('though a late record has the finding taken back and made anew from an earlier beginning', () => {
    const correlation = new Correlation()
      .take(revised('volume-2', 1, 26 * hourMs, eve))
      .take(revised('volume-2', 2, 60 * hourMs, eve))
      .take(revised('volume-1', 1, 60 * hourMs, eve, { supersedes: ['volume-2'] }))
      .take(revised('volume-2', 3, 60 * hourMs, eve, { status: 'retracted' }))
    expect([...correlation.last.values()]).toMatchObject([{ status: 'open', supersedes: [], signalCount: 1 }])
  })

  it('though more accounts are found to be in it, whose names come before the first', () => {
    const crowd = (count: number): readonly Entity[] =>
      Array.from({ length: count }, (_, index) => principal(`acme/account-${50 - count + index}`))
    const correlation = new Correlation()
    for (const [index, count] of [5, 6, 20, 45].entries())
      correlation.take(revised('crowd', index + 1, index * hourMs, crowd(count)))
    expect([...correlation.last.values()]).toMatchObject([
      { status: 'open', supersedes: [], primary: { id: 'acme/account-45' } },
    ])
  })

  it('and what the same account does after it was closed is another, on the same day too', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'high', eve))
    const { id } = only(correlation.open)
    correlation.decide({ kind: 'close', incidentId: id, verdict: 'true-positive' })
    correlation.take(makeSignal('s2', hourMs, 'high', eve))
    const second = only(correlation.open)
    correlation.decide({ kind: 'close', incidentId: second.id, verdict: 'true-positive' })
    correlation.take(makeSignal('s3', 2 * hourMs, 'high', eve))
    const third = only(correlation.open)
    expect(new Set([id, second.id, third.id]).size).toBe(3)
    expect(correlation.last.get(id)).toMatchObject({ status: 'closed', signalCount: 1 })
  })

  it('goes on under the name that an earlier version of the program gave it', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'high', eve))
    const { id } = only(correlation.open)
    const old = new MemoryState()
    for (const [key, value] of correlation.state.entries<Record<string, unknown>>('')) {
      const { first: _, ...before } = value
      const text = JSON.stringify(before).replaceAll(id, 'named-by-the-ms')
      old.restore(key.replace(id, 'named-by-the-ms'), migrateCorrelate(key, JSON.parse(text)))
    }
    correlation.resume(old).take(makeSignal('s2', hourMs, 'high', eve))
    expect(correlation.last.get('named-by-the-ms')).toMatchObject({ status: 'open', signalCount: 2, version: 2 })
    expect(correlation.last.size).toBe(2)
  })
})

describe('what people decide', () => {
  const twoMerged = (): { correlation: Correlation; merged: string; into: string } => {
    const key: Entity = { type: 'credential', id: 'hmac-00' }
    const correlation = new Correlation()
      .take(makeSignal('s1', 0, 'high', [principal('acme/eve')]))
      .take(makeSignal('s2', minuteMs, 'high', [principal('acme/mallory')]))
    const [a, b] = correlation.open
    correlation.take(makeSignal('s3', 2 * minuteMs, 'low', [principal('acme/eve'), principal('acme/mallory'), key]))
    const into = only(correlation.open).id
    return { correlation, into, merged: (a?.id === into ? b?.id : a?.id) ?? '' }
  }

  it('is kept over new signals, merges and a restart', () => {
    const correlation = new Correlation().take(makeSignal('s1', hourMs, 'high', [principal('acme/eve')]))
    const { id } = only(correlation.open)
    correlation
      .decide({ kind: 'acknowledge', incidentId: id })
      .decide({ kind: 'assign', incidentId: id, assignee: 'ana' })
    correlation.decide({ kind: 'note', incidentId: id, text: 'called her' })
    correlation.restart()
    correlation.take(makeSignal('s0', 0, 'high', [principal('acme/eve')]))
    expect(only(correlation.open)).toMatchObject({
      status: 'acknowledged',
      assignee: 'ana',
      notes: [{ text: 'called her', by: 'operator:ana' }],
    })
  })

  it('closed stays closed: later signals open a new incident', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'high', [principal('acme/eve')]))
    const { id } = only(correlation.open)
    correlation.decide({ kind: 'close', incidentId: id, verdict: 'false-positive', text: 'backup test' })
    correlation.take(makeSignal('s2', hourMs, 'high', [principal('acme/eve')]))
    expect(correlation.last.get(id)).toMatchObject({ status: 'closed', verdict: 'false-positive', signalCount: 1 })
    expect(only(correlation.open).id).not.toBe(id)
  })

  it('reopened takes its later signals in', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'high', [principal('acme/eve')]))
    const { id } = only(correlation.open)
    correlation.decide({ kind: 'close', incidentId: id, verdict: 'undetermined' })
    correlation
      .take(makeSignal('s2', hourMs, 'high', [principal('acme/eve')]))
      .decide({ kind: 'reopen', incidentId: id })
    expect(only(correlation.open)).toMatchObject({ id, signalCount: 2 })
  })

  it('unmerged, both incidents stand again and stay apart when more comes', () => {
    const { correlation, merged, into } = twoMerged()
    correlation.decide({ kind: 'unmerge', incidentId: into, mergedId: merged })
    expect(correlation.open.map((incident) => incident.id).sort()).toEqual([merged, into].sort())
    correlation.take(makeSignal('s4', 3 * minuteMs, 'high', [principal('acme/eve')]))
    expect(correlation.open).toHaveLength(2)
  })

  it('noted by respond is a flag for a person, on an incident that was retracted too', () => {
    const signal = makeSignal('s1', 0, 'critical', [principal('acme/eve')])
    const correlation = new Correlation().take(signal).take({ ...signal, version: 2, status: 'retracted' })
    const [id] = [...correlation.last.keys()]
    const text = 'ACTION_ON_WITHDRAWN: A key was revoked.'
    correlation.decide({ kind: 'note', incidentId: id ?? '', by: 'service:respond', text })
    const flags = [{ code: 'ACTION_ON_WITHDRAWN', message: 'A key was revoked.' }]
    expect(correlation.last.get(id ?? '')).toMatchObject({ status: 'retracted', flags, notes: [] })
  })

  it('about an incident that is not here becomes a dead letter with a hint', () => {
    const correlation = new Correlation().decide({ kind: 'acknowledge', incidentId: 'nowhere' })
    expect(correlation.out.deadLetters).toMatchObject([
      { code: 'NOT_A_DECISION', hint: expect.stringContaining('history') as string },
    ])
  })
})

describe('as event time passes', () => {
  it('an incident settles once the watermark has passed its window', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'critical', [principal('acme/eve')]))
    correlation.logic.watermark(startMs + 23 * hourMs, correlation.out)
    expect(only(correlation.open).settled).toBe(false)
    correlation.logic.watermark(startMs + 25 * hourMs, correlation.out)
    expect(only(correlation.open)).toMatchObject({ settled: true, version: 2 })
  })

  it('signals are forgotten after their retention, their incident is not', () => {
    const correlation = new Correlation().take(makeSignal('s1', 0, 'critical', [principal('acme/eve')]))
    for (const hours of [1, 100, 200]) correlation.logic.watermark(startMs + hours * hourMs, correlation.out)
    expect([...correlation.state.entries('s/')]).toHaveLength(0)
    expect([...correlation.state.entries('i/')]).toHaveLength(1)
  })

  it('more signals than are kept of one principal are flagged, not lost silently', () => {
    const correlation = new Correlation({ signalsPerPrincipalMax: 3 })
    for (let index = 0; index < 5; index++)
      correlation.take(makeSignal(`s${index}`, index * minuteMs, 'high', [principal('acme/eve')]))
    expect(only(correlation.open)).toMatchObject({ signalCount: 3, flags: [{ code: 'SIGNALS_CAPPED' }] })
    expect(correlation.out.dropped).toEqual([
      { reason: 'too-many-signals', count: 1 },
      { reason: 'too-many-signals', count: 1 },
    ])
  })
})

describe('whatever the order', () => {
  const arbitrarySignal = fc.record({
    atMs: fc.integer({ min: 0, max: 96 * 60 }).map((minutes) => minutes * minuteMs),
    level: fc.constantFrom<Level>('low', 'medium', 'high', 'critical'),
    who: fc.integer({ min: 0, max: 7 }),
    key: fc.option(fc.integer({ min: 0, max: 3 })),
    address: fc.option(fc.integer({ min: 0, max: 1 })),
    fate: fc.constantFrom('stays', 'stays', 'stays', 'revised', 'goes-on', 'retracted'),
  })

  /** What is finally said, without how it came about. */
  const finally_ = (correlation: Correlation): unknown =>
    correlation.open
      .map(({ version: _v, updatedAt: _u, arrivedMs: _a, supersedes: _s, ...said }) => said)
      .sort((a, b) => (a.id < b.id ? -1 : 1))

  it('signals arrive in, and however often, the final incidents are the same', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(arbitrarySignal, { maxLength: 25 }), fc.infiniteStream(fc.nat()), (drafts, order) => {
        const signals = drafts.flatMap((draft, index) => {
          const entities: Entity[] = [principal(`acme/p${draft.who}`)]
          if (draft.key !== null) entities.push({ type: 'credential', id: `hmac-${draft.key}` })
          if (draft.address !== null) entities.push({ type: 'address', id: `192.0.2.${draft.address}` })
          const signal = makeSignal(`s${index}`, draft.atMs, draft.level, entities, { joinOn: ['address'] })
          if (draft.fate === 'stays') return [signal]
          if (draft.fate === 'goes-on') {
            return [0, 1, 2].map((day) =>
              revised(
                `s${index}`,
                day + 1,
                draft.atMs + day * 20 * hourMs,
                [...entities, principal(`acme/a${index}-${day}`)],
                {
                  joinOn: ['address'],
                },
              ),
            )
          }
          const status = draft.fate === 'retracted' ? ('retracted' as const) : ('open' as const)
          return [signal, { ...signal, version: 2, status, explanation: 'Revised.' }]
        })
        const inOrder = new Correlation({ sharedPrincipalsMax: 3 })
        for (const signal of signals) inOrder.take(signal)
        const shuffled = new Correlation({ sharedPrincipalsMax: 3 })
        const mixed = [...signals, ...signals].map((signal) => ({ signal, rank: order.next().value ?? 0 }))
        for (const { signal } of mixed.sort((a, b) => a.rank - b.rank)) shuffled.take(signal)
        shuffled.restart()
        for (const correlation of [inOrder, shuffled]) correlation.logic.watermark(Infinity, correlation.out)
        expect(finally_(shuffled)).toEqual(finally_(inOrder))
      }),
      { numRuns: 200 },
    )
  })
})
