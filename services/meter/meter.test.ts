import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Event } from '../../core/event.ts'
import { derivedId } from '../../core/ids.ts'
import type { LicenseRecord } from '../../core/license.ts'
import { UsageRecord, type UsageFigures } from '../../core/usage.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { MeterLogic, type MeterOptions } from './logic.ts'

const startMs = Date.parse('2026-03-02T08:00:00.000Z')
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

interface Call {
  readonly number: number
  readonly atMs: number
  readonly tenant?: string
  readonly user?: string
  readonly credential?: string
  readonly model?: string
  readonly outcome?: 'success' | 'failure'
  readonly input?: unknown
  readonly output?: unknown
}

function eventOf({ number, atMs, tenant = 'acme', user = 'bob', credential, model = 'llm-7b', ...call }: Call): Event {
  return {
    '@timestamp': new Date(startMs + atMs).toISOString(),
    event: {
      id: derivedId('event', number),
      kind: 'event',
      action: 'inference',
      outcome: call.outcome ?? 'success',
      dataset: 'gateway',
      created: new Date(startMs + atMs).toISOString(),
      hash: 'f'.repeat(64),
    },
    organization: { id: tenant },
    gen_ai: { usage: { input_tokens: call.input as number, output_tokens: call.output as number } },
    warden: {
      principal: `${tenant}/${user}`,
      logsource: {},
      position: { topic: 'inference.events', partition: 0, offset: number, index: 0 },
      model: { id: model },
      ...(credential === undefined ? {} : { credential: { id: credential } }),
    },
  }
}

/** One task, its outputs as a compacted topic keeps them. */
class Task {
  readonly kept = new Map<string, UsageRecord>()
  /** Every record that came out. */
  readonly told: UsageRecord[] = []
  readonly dropped = new Map<string, number>()
  coarse = 0
  #state = new MemoryState()
  #logic: MeterLogic
  readonly #out = new CollectedOutcome()
  readonly #options: MeterOptions
  #offset = 0

  constructor(options: Partial<MeterOptions> = {}) {
    this.#options = { publishIntervalMs: minuteMs, metersMax: 1_000, ...options }
    this.#logic = this.#create()
  }

  feed(event: unknown, appendedMs = startMs): void {
    const at = { topic: 'warden.events', partition: 3, offset: this.#offset++, key: 'k', headers: {} }
    this.#logic.record({ ...at, value: Buffer.from(JSON.stringify(event)), appendedMs, arrivedMs: 0 }, this.#out)
    this.#take()
  }

  call(call: Call, appendedMs?: number): void {
    this.feed(eventOf(call), appendedMs)
  }

  watermark(atMs: number): void {
    this.#logic.watermark(atMs === Infinity ? Infinity : startMs + atMs, this.#out)
    this.#take()
  }

  licenses(...records: LicenseRecord[]): void {
    this.#logic.licenses(records, this.#out)
    this.#take()
  }

  beginsAt(atMs: number): void {
    this.#logic.beginsAt(startMs + atMs)
  }

  /** Lost, and back from what a checkpoint has written. */
  restart(): void {
    const state = new MemoryState()
    for (const [key, value] of this.#state.entries('')) state.restore(key, JSON.parse(JSON.stringify(value)))
    this.#state = state
    this.#logic = this.#create()
  }

  of(period: 'hour' | 'day', kind?: UsageRecord['kind']): UsageRecord[] {
    return [...this.kept.values()].filter((each) => each.period === period && (kind ?? each.kind) === each.kind)
  }

  #create(): MeterLogic {
    const report = { open: () => undefined, coarse: () => (this.coarse += 1), corrections: () => undefined }
    return new MeterLogic({ state: this.#state, at: { topic: 'warden.events', partition: 3 } }, this.#options, report)
  }

  #take(): void {
    for (const { topic, key, value } of this.#out.emitted) {
      expect(topic).toBe('warden.usage')
      const record = UsageRecord.parse(value)
      expect(key).toBe(record.id)
      const before = this.kept.get(record.id)
      // A settled record is the last word about itself.
      expect(before?.state).not.toBe('settled')
      expect(record.version).toBe((before?.version ?? 0) + 1)
      this.kept.set(record.id, record)
      this.told.push(record)
    }
    for (const { reason, count } of this.#out.dropped) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count)
    this.#out.clear()
  }
}

const add = (a: UsageFigures, b: UsageFigures): UsageFigures => ({
  calls: a.calls + b.calls,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  bytes: a.bytes + b.bytes,
  callsWithoutTokens: a.callsWithoutTokens + b.callsWithoutTokens,
})
const none: UsageFigures = { calls: 0, inputTokens: 0, outputTokens: 0, bytes: 0, callsWithoutTokens: 0 }

function credential(
  id: string,
  licenseId: string | undefined,
  version: number,
  updatedAtMs = -dayMs,
  principal = 'acme/bob',
): LicenseRecord {
  return {
    kind: 'credential',
    version,
    updatedAt: new Date(startMs + updatedAtMs).toISOString(),
    credential: { id, tenant: 'acme', principal, ...(licenseId === undefined ? {} : { licenseId }) },
    state: 'active',
  }
}

describe('a meter', () => {
  it('adds up calls, tokens and bytes of an account by hour and by day, apart by outcome', () => {
    const task = new Task()
    task.call({ number: 1, atMs: 0, input: 100, output: 20 })
    task.call({ number: 2, atMs: minuteMs, input: 50, output: 5 })
    task.call({ number: 3, atMs: 2 * minuteMs, outcome: 'failure' })
    task.call({ number: 4, atMs: hourMs, input: 1, output: 1 })
    task.watermark(dayMs)
    expect(task.of('hour').map(({ start, state, success }) => [start, state, success.calls])).toEqual(
      expect.arrayContaining([
        ['2026-03-02T08:00:00.000Z', 'settled', 2],
        ['2026-03-02T09:00:00.000Z', 'settled', 1],
      ]),
    )
    expect(task.of('day')).toMatchObject([
      {
        ...{ kind: 'total', state: 'settled', start: '2026-03-02T00:00:00.000Z', end: '2026-03-03T00:00:00.000Z' },
        ...{ tenant: 'acme', principal: 'acme/bob', model: 'llm-7b', form: 'api' },
        success: { calls: 3, inputTokens: 151, outputTokens: 26, callsWithoutTokens: 0 },
        failure: { calls: 1, inputTokens: 0, callsWithoutTokens: 1 },
        ...{ firstAt: '2026-03-02T08:00:00.000Z', lastAt: '2026-03-02T09:00:00.000Z' },
      },
    ])
  })

  it('counts an event that its source sends twice once, also after a restart', () => {
    const task = new Task()
    task.call({ number: 1, atMs: 0, input: 7 })
    task.restart()
    task.call({ number: 1, atMs: 0, input: 7 })
    task.watermark(hourMs)
    expect(task.of('hour')).toMatchObject([{ success: { calls: 1, inputTokens: 7 } }])
    expect(task.dropped.get('duplicate')).toBe(1)
  })

  it('tells running totals under the same id, at most once in an interval', () => {
    const task = new Task()
    for (let n = 0; n < 10; n++) task.call({ number: n, atMs: n }, startMs + n * 10_000)
    const hours = task.told.filter(({ period }) => period === 'hour')
    expect(hours.map(({ version, state, success }) => [version, state, success.calls])).toEqual([
      [1, 'open', 1],
      [2, 'open', 7],
    ])
    expect(new Set(hours.map(({ id }) => id)).size).toBe(1)
    task.watermark(minuteMs)
    expect(task.of('hour')).toMatchObject([{ version: 3, state: 'open', success: { calls: 10 } }])
  })

  it('never changes a settled record: what comes later is a correction of its own', () => {
    const task = new Task()
    task.call({ number: 1, atMs: 0, input: 10 })
    task.watermark(hourMs)
    const [settled] = task.of('hour', 'total')
    task.call({ number: 2, atMs: minuteMs, input: 5 })
    task.call({ number: 3, atMs: 2 * minuteMs, input: 6 })
    task.watermark(hourMs + minuteMs)
    task.call({ number: 4, atMs: 3 * minuteMs, input: 7 })
    task.watermark(hourMs + 2 * minuteMs)
    expect(task.of('hour', 'total')).toEqual([settled])
    const corrections = task.of('hour', 'correction')
    expect(corrections.map(({ success }) => success.inputTokens).sort((a, b) => a - b)).toEqual([7, 11])
    expect(corrections.every(({ state, version }) => state === 'settled' && version === 1)).toBe(true)
    // The day is not over: there it is part of the total.
    expect(task.of('day')).toMatchObject([{ kind: 'total', state: 'open', success: { calls: 4, inputTokens: 28 } }])
  })

  it('says how many events came too late to tell a repetition', () => {
    const task = new Task()
    task.watermark(3 * dayMs)
    task.call({ number: 1, atMs: 0 })
    task.watermark(3 * dayMs + minuteMs)
    expect(task.of('hour', 'correction')).toMatchObject([{ unchecked: 1, success: { calls: 1 } }])
  })

  it('says of calls from before their credential was registered that a copy under its old name may have been counted', () => {
    const [unnamed, named] = [new Task(), new Task()]
    const call = { number: 1, atMs: minuteMs, credential: 'hmac-a', input: 10 }
    unnamed.call({ ...call, user: 'hmac-a' })
    // Sent again, now with the name that was given to the credential in between: it goes to another partition.
    for (const task of [unnamed, named]) task.licenses(credential('hmac-a', 'gold', 1, 2 * minuteMs))
    named.call({ ...call, user: 'bob' })
    named.call({ ...call, number: 2, atMs: 2 * minuteMs, user: 'bob' })
    for (const task of [unnamed, named]) task.watermark(hourMs)
    expect(unnamed.of('hour')[0]).not.toHaveProperty('unchecked')
    expect(named.of('hour')).toMatchObject([{ unchecked: 1, success: { calls: 2 } }])
  })

  it('knows a credential from when it became whose it is, whatever else is changed of it, also after a restart', () => {
    const task = new Task()
    task.licenses(credential('hmac-a', undefined, 1), credential('hmac-a', 'gold', 2, hourMs))
    task.restart()
    task.licenses(credential('hmac-a', 'silver', 3, 2 * hourMs))
    task.call({ number: 1, atMs: minuteMs, credential: 'hmac-a' })
    task.licenses(credential('hmac-a', 'silver', 4, 2 * hourMs, 'acme/eve'))
    task.call({ number: 2, atMs: 2 * minuteMs, credential: 'hmac-a' })
    task.watermark(hourMs)
    expect(task.of('hour').map(({ licenseId, unchecked = 0 }) => [licenseId, unchecked])).toEqual([['silver', 1]])
  })

  it('puts a call on the license that its credential pointed to when it came', () => {
    const task = new Task()
    task.call({ number: 1, atMs: 0, credential: 'hmac-a' })
    task.licenses(credential('hmac-a', 'small', 2))
    task.call({ number: 2, atMs: 1, credential: 'hmac-a' })
    task.licenses(credential('hmac-a', 'stale', 1))
    task.restart()
    task.call({ number: 3, atMs: 2, credential: 'hmac-a' })
    task.licenses(credential('hmac-a', 'large', 3))
    task.call({ number: 4, atMs: 3, credential: 'hmac-a' })
    task.watermark(hourMs)
    const byLicense = task.of('hour').map(({ licenseId, success }) => [licenseId, success.calls])
    expect(byLicense).toHaveLength(3)
    expect(byLicense).toEqual(expect.arrayContaining([[undefined, 1], ['small', 2], ['large', 1]])) // prettier-ignore
  })

  it('takes for tokens only what can be a number of tokens, and counts the calls that say nothing of them', () => {
    const task = new Task()
    const wrong = [-5, 1.5, 1e300, '12', null, undefined]
    for (const [number, input] of wrong.entries()) task.call({ number, atMs: 0, input, output: 3 })
    task.call({ number: 90, atMs: 0 })
    task.call({ number: 91, atMs: 0, input: 4 })
    task.watermark(hourMs)
    expect(task.of('hour')).toMatchObject([
      { success: { calls: 8, inputTokens: 4, outputTokens: 18, callsWithoutTokens: 6 } },
    ])
  })

  it('meters reads of weights in their own form, and nothing of what is no use of a model', () => {
    const task = new Task()
    const read = eventOf({ number: 1, atMs: 0 })
    task.feed({
      ...read,
      event: { ...read.event, action: 'GetObject', type: ['access'] },
      warden: {
        ...read.warden,
        model: undefined,
        bytes: 4_096,
        asset: { id: 's3://w/llm/2', kind: 'weights', container: 'w' },
      },
    })
    const login = eventOf({ number: 2, atMs: 0 })
    task.feed({ ...login, event: { ...login.event, action: 'login' } })
    task.feed({ ...login, warden: { ...login.warden, synthetic: true } })
    task.watermark(hourMs)
    expect(task.of('hour')).toMatchObject([{ form: 'weights', model: 'w', success: { calls: 1, bytes: 4_096 } }])
    expect(Object.fromEntries(task.dropped)).toEqual({ 'not-metered': 1, synthetic: 1 })
  })

  it('keeps two accounts apart whose parts are spelled alike', () => {
    const task = new Task()
    task.call({ number: 1, atMs: 0, user: 'a', credential: '1:b' })
    task.call({ number: 2, atMs: 0, user: 'a1:1:b-', model: 'x' })
    task.call({ number: 3, atMs: 0, tenant: 'acme\u0000', user: 'a' })
    task.watermark(hourMs)
    expect(task.of('hour')).toHaveLength(3)
  })

  it('settles nothing at the end of an input: the hour is not over, more of it may be fed in', () => {
    const task = new Task()
    task.call({ number: 1, atMs: 0 })
    task.watermark(Infinity)
    expect(task.of('hour')).toMatchObject([{ state: 'open', success: { calls: 1 } }])
  })

  it('says that it does not cover a period in which its log begins', () => {
    const task = new Task()
    task.beginsAt(30 * minuteMs)
    task.call({ number: 1, atMs: 31 * minuteMs })
    task.call({ number: 2, atMs: hourMs })
    task.restart()
    task.call({ number: 3, atMs: 32 * minuteMs })
    task.watermark(dayMs)
    const flagged = task
      .of('hour')
      .map(({ start, incomplete, success }) => [start.slice(11, 13), incomplete, success.calls])
    expect(flagged.sort()).toEqual([['08', true, 2], ['09', undefined, 1]]) // prettier-ignore
    expect(task.of('day')).toMatchObject([{ incomplete: true }])
  })
})

describe('a meter without room', () => {
  it('adds up by tenant alone, says so, and loses nothing', () => {
    const task = new Task({ metersMax: 100 })
    for (let n = 0; n < 200; n++) task.call({ number: n, atMs: 0, user: `user-${n}`, input: 1 })
    task.call({ number: 900, atMs: 0, tenant: 'other', input: 1 })
    task.watermark(dayMs)
    const sums = (tenant: string) =>
      task.of('day').filter((each) => each.tenant === tenant).reduce((sum, { success }) => add(sum, success), none) // prettier-ignore
    expect(sums('acme')).toMatchObject({ calls: 200, inputTokens: 200 })
    const coarse = task.of('day').filter((each) => each.coarse === true)
    expect(coarse).toHaveLength(1)
    expect(coarse[0]).not.toHaveProperty('principal')
    expect(task.coarse).toBeGreaterThan(100)
    // One tenant can't take the room of another.
    expect(task.of('day').find(({ tenant }) => tenant === 'other')).toMatchObject({ principal: 'other/bob' })
  })

  it('has room again once periods are over', () => {
    const task = new Task({ metersMax: 100 })
    for (let n = 0; n < 200; n++) task.call({ number: n, atMs: 0, user: `user-${n}` })
    task.watermark(dayMs)
    task.call({ number: 900, atMs: dayMs, user: 'late' })
    task.watermark(2 * dayMs)
    expect(task.of('day').filter(({ principal }) => principal === 'acme/late')).toHaveLength(1)
  })
})

describe('whatever order events come in, however often, over whatever restarts', () => {
  const calls = fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 30 * hourMs }),
      tenant: fc.constantFrom('acme', 'globex'),
      user: fc.constantFrom('ana', 'bob', 'cid', 'dee'),
      model: fc.constantFrom('m', 'n'),
      outcome: fc.constantFrom('success' as const, 'failure' as const),
      input: fc.integer({ min: 0, max: 1_000 }),
      output: fc.integer({ min: 0, max: 1_000 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  const disturbances = fc.array(
    fc.record({
      kind: fc.constantFrom('again', 'restart', 'watermark'),
      at: fc.nat(200),
      hours: fc.integer({ min: -2, max: 32 }),
    }),
    { maxLength: 20 },
  )
  const order = fc.array(fc.nat(1_000_000), { minLength: 60, maxLength: 60 })
  const rooms = fc.constantFrom(100, 100_000)

  it('the sums of each tenant, model and hour are those of a naive count', () => {
    fc.assert(
      fc.property(calls, disturbances, order, rooms, (made, disturbed, ranks, metersMax) => {
        const numbered = made.map((call, number) => ({ number, ...call }))
        const naive = new Map<string, UsageFigures>()
        for (const { tenant, atMs, outcome, input, output } of numbered) {
          const start = (length: number) => Math.floor((startMs + atMs) / length) * length
          for (const [period, length] of [
            ['hour', hourMs],
            ['day', dayMs],
          ] as const) {
            // prettier-ignore
            const key = `${period} ${new Date(start(length)).toISOString()} ${tenant} ${outcome}`
            const figures = { ...none, calls: 1, inputTokens: input, outputTokens: output }
            naive.set(key, add(naive.get(key) ?? none, figures))
          }
        }
        const task = new Task({ metersMax })
        const shuffled = [...numbered].sort((a, b) => ranks[a.number % 60]! - ranks[b.number % 60]!)
        let highest = -Infinity
        for (const [index, call] of shuffled.entries()) {
          task.call(call, startMs + index * 7_000)
          for (const { kind, at, hours } of disturbed) {
            if (at % shuffled.length !== index) continue
            if (kind === 'restart') task.restart()
            // Within the window in which repetitions are told: nothing here is a day behind the watermark.
            else if (kind === 'again') task.call(shuffled[at % (index + 1)]!)
            else if (hours * hourMs > highest && hours <= 23) task.watermark((highest = hours * hourMs))
          }
        }
        task.watermark(10 * dayMs)
        task.watermark(10 * dayMs + minuteMs)
        const counted = new Map<string, UsageFigures>()
        for (const record of task.kept.values()) {
          expect(record.state).toBe('settled')
          for (const outcome of ['success', 'failure'] as const) {
            if (record[outcome].calls === 0) continue
            const key = `${record.period} ${record.start} ${record.tenant} ${outcome}`
            counted.set(key, add(counted.get(key) ?? none, record[outcome]))
          }
        }
        expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(naive))
      }),
      { numRuns: 200 },
    )
  })

  it('the same log gives the same records, ids and versions included, wherever it is cut by a restart', () => {
    fc.assert(
      fc.property(calls, fc.nat(59), (made, cut) => {
        const run = (restartAt: number) => {
          const task = new Task()
          for (const [number, call] of made.entries()) {
            if (number === restartAt) task.restart()
            task.call({ number, ...call }, startMs + number * 7_000)
            if (number % 5 === 4) task.watermark(number * hourMs)
          }
          task.watermark(10 * dayMs)
          return task.told
        }
        expect(run(cut % made.length)).toEqual(run(-1))
      }),
      { numRuns: 100 },
    )
  })
})
