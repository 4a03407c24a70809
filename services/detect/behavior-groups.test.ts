import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { BehaviorRule, BehaviorStep } from '../../engine/behavior/types.ts'
import { emptyInventory } from '../../engine/inventory/inventory.ts'
import { CollectedOutcome } from '../../runtime/collect-outcome.ts'
import { MemoryState } from '../../runtime/memory-state.ts'
import { BehaviorGroups, type BehaviorLimits } from './behavior-groups.ts'
import { FamiliarPrincipals } from './observe.ts'

// Machines that run these tests may be busy.
vi.setConfig({ testTimeout: 60_000 })

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
const rule = { meta: { id: 'r' }, type: 'x', plan: { local: counting } } as unknown as BehaviorRule

/** Groups of one rule, which every second time are looked for where they were found before; what is asked of them is how many observations each has had since it was begun. */
class Asked {
  readonly out = new CollectedOutcome()
  readonly #registered: readonly string[]
  state = new MemoryState()
  #groups = this.#open()
  #familiar = new FamiliarPrincipals()
  #asked = 0

  constructor(registered: readonly string[] = []) {
    this.#registered = registered
    this.#know()
  }

  see(who: string, appendedMs: number): unknown {
    const familiar = this.#asked++ % 2 === 0 ? this.#familiar.get(who) : undefined
    const member = this.#groups.member('r')!
    const found = this.#groups.observe(member, 't', [who], {}, 0, { appendedMs }, this.out, familiar)
    return found!.shuffled[0]!.observation
  }

  get kept(): number {
    return this.state.size
  }

  restart(): void {
    const state = new MemoryState()
    for (const [key, value] of this.state.entries('')) state.restore(key, JSON.parse(JSON.stringify(value)))
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
