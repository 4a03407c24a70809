import { describe, expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import { driftTold } from '../drift/told.ts'
import type { BehaviorFinding, StepContext } from '../types.ts'
import { inputOf } from '../input/input.ts'
import { LearnTraffic } from './learn/learn.ts'
import { WeighQueries, type ModelQuery } from './local.ts'
import { ModelQueriesParams } from './params.ts'

const dayMs = 86_400_000

/** One model: accounts that ask it, both steps, and what was told. */
class Model {
  readonly told = new Map<string, unknown>()
  readonly #params = ModelQueriesParams.parse({ type: 'model-queries' })
  readonly #weigh = new WeighQueries(this.#params)
  readonly #learn = new LearnTraffic(this.#params)
  readonly #accounts = new Map<string, KeptEntries>()
  readonly #traffic = new KeptEntries()
  readonly #normal = normalOf(randomOf(7))
  #learnedMs = 0
  readonly context: StepContext = { inventory: emptyInventory, baseline: (name) => this.told.get(name) }

  /** `moved`: how far its first cause is from where it was; `noise`: nothing of honest inputs is left. */
  ask(principal: string, timeMs: number, moved = 0, noise = false): readonly BehaviorFinding[] {
    const normal = this.#normal
    const [a, b, c] = [normal(), normal(), normal()]
    const honest = [a, b, c, a + b, a - c, b + c, a + b + c, b - c]
    const features = honest.map((value, i) =>
      noise ? 3 * normal() : value + normal() / 20 + (i % 2 === 0 ? moved : 0),
    )
    const event = { warden: { input: { features }, output: { probabilities: [0.9, 0.1], label: 'yes' } } }
    const query: ModelQuery = {
      timeMs,
      input: inputOf(event as unknown as Event)!,
      member: false,
      entities: () => [],
      evidence: () => ({
        id: 'e',
        timestamp: '',
        hash: 'h',
        position: { topic: 't', partition: 0, offset: 0, index: 0 },
      }),
    }
    this.#learnUpTo(timeMs)
    const entries = this.#accounts.get(principal) ?? new KeptEntries()
    this.#accounts.set(principal, entries)
    const { findings, shuffled } = this.#weigh.apply([principal, 'm'], entries, query, 0, this.context)
    for (const { group, observation } of shuffled) {
      const { baselines } = this.#learn.apply(group, this.#traffic, JSON.parse(JSON.stringify(observation)))
      for (const { name, value } of baselines ?? []) this.told.set(name, value)
    }
    return findings
  }

  /** What is given out by itself at this watermark; the account's state went through a checkpoint. */
  advance(principal: string, watermarkMs: number): readonly BehaviorFinding[] {
    const entries = this.#accounts.get(principal)!
    entries.restart()
    return this.#weigh.advance([principal, 'm'], entries, watermarkMs).findings
  }

  /** By the day. */
  #learnUpTo(timeMs: number): void {
    for (; this.#learnedMs + dayMs <= timeMs; this.#learnedMs += dayMs) {
      const atMs = this.#learnedMs + dayMs
      const { baselines } = this.#learn.advance(['m', 'features'], this.#traffic, atMs, this.context)
      for (const { name, value } of baselines ?? []) this.told.set(name, value)
    }
  }

  /** So many accounts ask, 96 times a day each; who was named. */
  days(from: number, to: number, moved = 0, accounts = 6): Set<string> {
    const named = new Set<string>()
    for (let timeMs = from * dayMs; timeMs < to * dayMs; timeMs += dayMs / 96) {
      for (let n = 0; n < accounts; n++) if (this.ask(`t${n}/a`, timeMs + n, moved).length > 0) named.add(`t${n}/a`)
    }
    return named
  }

  drifted(timeMs: number): void {
    const { name, value } = driftTold('m', timeMs)
    this.told.set(name, value)
  }

  get since(): number | undefined {
    return (this.told.get('m features') as { readonly since?: number } | undefined)?.since
  }
}

describe('after a drift that all accounts of a model share', () => {
  const after = (daysAfter: number): Model => {
    const model = new Model()
    model.days(0, 4)
    // Some answers later it is told.
    model.days(4, 4.1, 3)
    model.drifted(4.1 * dayMs)
    model.days(4.1, 4.1 + daysAfter, 3)
    return model
  }

  test('what they ask now is learned, of that alone, and names nobody: not those either who were under suspicion when it was told', () => {
    const model = after(0)
    expect(model.since).toBeUndefined()
    expect(model.days(4.1, 14, 3)).toEqual(new Set())
    expect(model.since).toBe(4.1 * dayMs)
  })

  test('who asks otherwise is named as soon as that is known, and not before', () => {
    const thief = (model: Model, day: number): number => {
      for (let n = 1; n <= 60; n++) if (model.ask('t9/thief', day * dayMs + n, 0, true).length > 0) return n
      return Infinity
    }
    expect(thief(after(0.2), 4.4)).toBe(Infinity)
    expect(thief(after(3), 7.2)).toBeLessThan(15)
  })
})

describe('where nothing is learned after a drift, for its accounts are silent', () => {
  test('what was learned before counts again after a week, so that nobody blinds a model for good', () => {
    const model = new Model()
    model.days(0, 4)
    model.drifted(4 * dayMs)
    const thief = (day: number): number => {
      for (let n = 1; n <= 60; n++) if (model.ask(`t9/${day}`, day * dayMs + n, 0, true).length > 0) return n
      return Infinity
    }
    expect(thief(10.9)).toBe(Infinity)
    expect(thief(11.1)).toBeLessThan(15)
  })
})

describe('before a drift is told', () => {
  /** Different queries of a kind until an account is named. */
  const until = (model: Model, principal: string, fromMs: number): number => {
    for (let n = 1; n <= 60; n++) if (model.ask(principal, fromMs + n, 0, true).length > 0) return n
    return Infinity
  }
  const model = (fakes: number): Model => {
    const of = new Model()
    of.days(0, 4)
    for (let n = 0; n < 60; n++) for (const who of ['t8/a', 't9/a']) of.ask(who, 2 * dayMs + n * 1e6)
    of.days(4, 4.01)
    for (let n = 0; n < fakes; n++) until(of, `t${n}/a`, 4.02 * dayMs + 100 * n)
    return of
  }

  test('long known accounts that all ask unlike before are not named until it is, and not afterwards', () => {
    const of = model(0)
    const named = of.days(4.1, 4.18, 1.5)
    expect(named.size).toBeLessThan(3)
    of.drifted(4.18 * dayMs)
    expect(of.days(4.18, 9, 1.5)).toEqual(new Set())
  })

  test('what waited is given out after half a day though its account is silent, and not again when it asks on', () => {
    const of = model(4)
    for (let n = 1; n <= 10; n++) expect(of.ask('t9/a', 4.05 * dayMs + n, 0, true)).toEqual([])
    expect(of.advance('t9/a', 4.5 * dayMs)).toEqual([])
    expect(of.advance('t9/a', 4.6 * dayMs)).toMatchObject([
      { threat: 'extraction', version: 1, timeMs: 4.05 * dayMs + 10 },
    ])
    expect(of.advance('t9/a', Infinity)).toEqual([])
    expect(of.ask('t9/a', 4.7 * dayMs, 0, true)).toEqual([])
  })

  test('a thief with fakes that are long known gains sixteen queries with his own such account, once, and none with a new one', () => {
    const alone = until(model(0), 't9/a', 4.05 * dayMs)
    const of = model(4)
    const helped = until(of, 't9/a', 4.05 * dayMs)
    expect(helped).toBeGreaterThan(alone)
    // What it asks is drawn anew.
    expect(helped).toBeLessThanOrEqual(alone + 18)
    expect(until(of, 't8/a', 4.6 * dayMs)).toBe(until(model(0), 't8/a', 4.6 * dayMs))
    expect(until(of, 't7/new', 4.06 * dayMs)).toBeLessThanOrEqual(alone)
  })
})
