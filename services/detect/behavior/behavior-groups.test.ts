import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BehaviorRule, BehaviorStep } from '../../../engine/behavior/types.ts'
import { emptyInventory } from '../../../engine/inventory/inventory.ts'
import { CollectedOutcome } from '../../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../../runtime/stage/memory-state.ts'
import { BehaviorGroups, type BehaviorLimits } from './behavior-groups.ts'
import { FamiliarPrincipals } from '../familiar.ts'

const limits: BehaviorLimits = { newcomersMax: 5, knownMax: 4, newMs: 1_000 }

/** Counts the observations of a group, and says with each how many there were. */
const counting: BehaviorStep = {
  stateVersion: 1,
  groupBy: ['who'],
  apply: ([who], entries) => {
    const count = (entries.get<number>('') ?? 0) + 1
    entries.set('', count)
    return { findings: [], shuffled: [{ group: [who!], observation: count }], dueMs: Infinity }
  },
  advance: () => ({ findings: [], shuffled: [], dueMs: Infinity }),
}
/** The same, and forgets the group at an observation that says so. */
const forgetting: BehaviorStep = {
  ...counting,
  apply: (values, entries, observation, watermarkMs, context) => ({
    ...counting.apply(values, entries, observation, watermarkMs, context),
    forget: observation === true,
  }),
}
const forgetful = { meta: { id: 'r' }, type: 'x', plan: { local: forgetting } } as unknown as BehaviorRule
const rule = { meta: { id: 'r' }, type: 'x', plan: { local: counting } } as unknown as BehaviorRule

/**
 * Groups of one rule; what is asked of them is how many observations each has had since it was begun. They are looked for where
 * they were found before always, never, or every second time.
 */
class Asked {
  readonly out = new CollectedOutcome()
  readonly #registered: readonly string[]
  state = new MemoryState()
  #groups = this.#open()
  #familiar = new FamiliarPrincipals()
  #asked = 0

  readonly #familiarly: (asked: number) => boolean

  constructor(registered: readonly string[] = [], familiarly = (asked: number): boolean => asked % 2 === 0) {
    this.#registered = registered
    this.#familiarly = familiarly
    this.#know()
  }

  see(who: string, appendedMs: number): unknown {
    const familiar = this.#familiarly(this.#asked++) ? this.#familiar.get(who) : undefined
    const member = this.#groups.member('r')!
    const found = this.#groups.observe(member, 't', [who], {}, 0, { appendedMs }, this.out, familiar?.behavior)
    return found!.shuffled[0]!.observation
  }

  get kept(): number {
    return this.state.size
  }

  get spelled(): string {
    return JSON.stringify([...this.state.entries('')])
  }

  restart(logged = (entries: [string, unknown][]): [string, unknown][] => entries): void {
    const state = new MemoryState()
    for (const [key, value] of logged([...this.state.entries<unknown>('')]))
      state.restore(key, JSON.parse(JSON.stringify(value)))
    this.state = state
    this.#groups = this.#open()
    this.#familiar = new FamiliarPrincipals()
    this.#know()
  }

  #open(): BehaviorGroups {
    const groups = new BehaviorGroups(this.state, 'local', undefined, limits)
    groups.use([{ rule, key: 'r' }])
    return groups
  }

  #know(): void {
    const people = new Map(this.#registered.map((who) => [who, {}])) as unknown as typeof emptyInventory.people
    this.#groups.know({ ...emptyInventory, people })
  }
}

test('keys that nobody knows push each other out, oldest first, and never a known account', () => {
  const asked = new Asked(['licensed'])
  asked.see('regular', 0)
  asked.see('regular', 1_000)
  asked.see('licensed', 1_000)
  for (let n = 0; n < 1_000; n++) {
    asked.see(`stranger-${n}`, 1_001)
    expect(asked.kept).toBeLessThanOrEqual(2 + limits.newcomersMax)
  }
  expect([asked.see('regular', 1_002), asked.see('licensed', 1_002)]).toEqual([3, 2])
  expect([asked.see('stranger-999', 1_002), asked.see('stranger-0', 1_002)]).toEqual([2, 1])
  expect(asked.out.dropped).toContainEqual({ reason: 'behavior-group-evicted', count: 1 })
})

test('after a restart the oldest still go first, in whatever order the log of checkpoints has them', () => {
  const asked = new Asked()
  for (let n = 0; n < limits.newcomersMax; n++) asked.see(`stranger-${n}`, n)
  asked.restart((entries) => entries.reverse())
  asked.see('one-more', 100)
  expect([asked.see('stranger-4', 101), asked.see('stranger-0', 101)]).toEqual([2, 1])
})

test('what a rule that forgets soon begins of an account that others know is not pushed out by keys that nobody knows', () => {
  const groups = new BehaviorGroups(new MemoryState(), 'local', undefined, limits)
  groups.use([
    { rule, key: 'r' },
    { rule, key: 'soon' },
  ])
  const out = new CollectedOutcome()
  const see = (key: string, who: string, appendedMs: number): unknown =>
    groups.observe(groups.member(key)!, 't', [who], {}, 0, { appendedMs }, out)!.shuffled[0]!.observation
  for (const appendedMs of [0, 1_000]) see('r', 'regular', appendedMs)
  see('soon', 'regular', 1_001)
  for (let n = 0; n < 100; n++) see('r', `stranger-${n}`, 1_002)
  expect([see('r', 'regular', 1_003), see('soon', 'regular', 1_003)]).toEqual([3, 2])
})

test('a rule that goes leaves no group behind in the log of checkpoints, from before a restart or after it; the others stay as they were', () => {
  const log = new Map<string, string>()
  const [other, out] = [{ rule, key: 'other' }, new CollectedOutcome()]
  const see = (groups: BehaviorGroups, key: string, who: string): unknown =>
    groups.observe(groups.member(key)!, 't', [who], {}, 0, { appendedMs: 0 }, out)!.shuffled[0]!.observation
  const checkpoint = (state: MemoryState): void => {
    for (const [key, json] of state.takeChanges()) {
      if (json === null) log.delete(key)
      else log.set(key, json)
    }
  }
  const begun = (): [MemoryState, BehaviorGroups] => {
    const state = new MemoryState()
    for (const [key, json] of log) state.restore(key, JSON.parse(json))
    const groups = new BehaviorGroups(state, 'local', undefined, limits)
    groups.use([{ rule, key: 'r' }, other])
    return [state, groups]
  }
  const [before, first] = begun()
  for (const key of ['r', 'other']) see(first, key, 'early')
  checkpoint(before)
  const [state, groups] = begun()
  expect(state.changes).toBe(0)
  for (const key of ['r', 'other']) see(groups, key, 'late')
  checkpoint(state)
  expect([...log.keys()].sort()).toEqual(
    ['other', 'r'].flatMap((key) => [`b/${key}/["t","early"]`, `b/${key}/["t","late"]`]),
  )
  groups.use([other])
  checkpoint(state)
  expect([...log.keys()].sort()).toEqual(['b/other/["t","early"]', 'b/other/["t","late"]'])
  expect(['early', 'late'].map((who) => see(groups, 'other', who))).toEqual([2, 2])
})

test('what is due at one time is told in the order of the keys, whoever came first', () => {
  const waiting: BehaviorStep = {
    ...counting,
    apply: () => ({ findings: [], shuffled: [], dueMs: 5 }),
    advance: ([who]) => ({ findings: [], shuffled: [{ group: [who!], observation: 0 }], dueMs: Infinity }),
  }
  const planned = { rule: { meta: { id: 'r' }, type: 'x', plan: { local: waiting } } as unknown as BehaviorRule, key: 'r' }
  for (const order of [['a', 'b', 'c'], ['b', 'c', 'a'], ['c', 'b', 'a']]) {
    const groups = new BehaviorGroups(new MemoryState(), 'local', undefined, { ...limits, newcomersMax: 10 })
    groups.use([planned])
    for (const who of order) groups.observe(groups.member('r')!, 't', [who], {}, 0, { appendedMs: 0 }, new CollectedOutcome())
    const told = [...groups.advance(5, { appendedMs: 0 })].map(({ shuffled }) => shuffled[0]!.group[0])
    expect(told).toEqual(['a', 'b', 'c'])
  }
}) // prettier-ignore

test('groups whose values spell the same when put together are told apart', () => {
  const groups = new BehaviorGroups(new MemoryState(), 'local', undefined, limits)
  groups.use([{ rule, key: 'r' }])
  const see = (...values: readonly string[]): unknown =>
    groups.observe(groups.member('r')!, 't', values, {}, 0, { appendedMs: 0 }, new CollectedOutcome())!.shuffled[0]!
      .observation
  const [one, other] = [
    ['a\u0000b', 'c'],
    ['a', 'b\u0000c'],
  ]
  expect([see(...one), see(...other), see(...other), see(...one)]).toEqual([1, 1, 2, 2])
})

test('a group that was pushed out is begun anew, also where it is looked for where it was', () => {
  const steps = fc.array(fc.record({ who: fc.nat(12), waitMs: fc.constantFrom(0, 1, 100), restarts: fc.nat(20) }), {
    minLength: 30,
    maxLength: 120,
  })
  fc.assert(
    fc.property(steps, (all) => {
      const [always, never] = [new Asked([], () => true), new Asked([], () => false)]
      let nowMs = 0
      for (const { who, waitMs, restarts } of all) {
        nowMs += waitMs
        if (restarts === 0) for (const each of [always, never]) each.restart()
        expect(always.see(`x${who}`, nowMs)).toBe(never.see(`x${who}`, nowMs))
        expect(always.spelled).toBe(never.spelled)
      }
      expect(always.out.dropped).toEqual(never.out.dropped)
    }),
    { numRuns: 60 },
  )
})

test('whichever of an account’s groups are forgotten and begun anew, each rule finds its own', () => {
  const rules = ['r', 's', 't'].map((key) => ({ rule: forgetful, key }))
  // The last two spell the same when put together.
  const values = [['a'], ['a', 'b'], ['a\u0000b']]
  const step = fc.record({
    of: fc.nat(2),
    where: fc.nat(2),
    forgets: fc.nat(2),
    then: fc.constantFrom('uses', 'restarts', 'is checkpointed', 'a day goes by', '', '', '', '', '', ''),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 90 }), (steps) => {
      const log = new Map<string, unknown>()
      let state = new MemoryState()
      const open = (): BehaviorGroups => {
        const groups = new BehaviorGroups(state, 'local')
        groups.use(rules)
        return groups
      }
      const checkpoint = (): void => {
        for (const [key, json] of state.takeChanges()) {
          if (json === null) log.delete(key)
          else log.set(key, JSON.parse(json))
        }
      }
      let groups = open()
      const counts = new Map<string, number>()
      let appendedMs = 0
      for (const { of, where, forgets, then } of steps) {
        if (then === 'uses') groups.use(rules)
        if (then === 'a day goes by') appendedMs += 86_400_000
        if (then === 'is checkpointed' || then === 'restarts') checkpoint()
        if (then === 'restarts') {
          state = new MemoryState()
          for (const [key, value] of log) state.restore(key, value)
          groups = open()
        }
        const key = `${of} ${where}`
        const member = groups.member(rules[of]!.key)!
        const observation = forgets === 0
        const out = new CollectedOutcome()
        const found = groups.observe(member, 't', values[where]!, observation, 0, { appendedMs }, out)
        const count = (counts.get(key) ?? 0) + 1
        expect(found!.shuffled[0]!.observation).toBe(count)
        counts.set(key, observation ? 0 : count)
        const kept = [...counts.values()].filter((each) => each > 0).length
        expect([groups.size, [...groups.all()].length]).toEqual([kept, kept])
      }
      checkpoint()
      expect(log.size).toBe(groups.size)
    }),
  )
})

test('whatever comes in whatever order, restarts included: what is known stays, and what is kept is bounded', () => {
  const step = fc.record({
    who: fc.oneof(
      fc.constantFrom('a', 'b', 'c', 'licensed'),
      fc.nat(30).map((n) => `x${n}`),
    ),
    waitMs: fc.constantFrom(0, 1, 100, 1_000),
    restarts: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 80, maxLength: 160 }), (steps) => {
      const asked = new Asked(['licensed'])
      const counts = new Map<string, number>()
      const since = new Map<string, number>()
      const known = new Set<string>()
      let nowMs = 0
      for (const { who, waitMs, restarts } of steps) {
        nowMs += waitMs
        if (restarts) asked.restart()
        const count = asked.see(who, nowMs) as number
        if (count === 1) since.set(who, nowMs)
        // Of a known account nothing was lost; what was lost begins anew.
        expect(known.has(who) ? [(counts.get(who) ?? 0) + 1] : [(counts.get(who) ?? 0) + 1, 1]).toContain(count)
        counts.set(who, count)
        const isKnown = who === 'licensed' || nowMs - since.get(who)! >= limits.newMs
        if (isKnown && known.size < limits.knownMax) known.add(who)
        expect(asked.kept).toBeLessThanOrEqual(limits.knownMax + limits.newcomersMax)
      }
    }),
    { numRuns: 60 },
  )
})
