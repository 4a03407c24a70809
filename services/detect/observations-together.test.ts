import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BusRecord } from '../../core/ports/bus.ts'
import { aloneFrom, Pack, unpack } from '../../runtime/stage/packs.ts'
import type { Observation } from '../../engine/sigma/types.ts'
import { observationOutput, observedIn, readObserved } from './observations.ts'
import type { Observed } from './observed.ts'

const evidence = {
  id: 'e1',
  timestamp: '2026-01-05T00:03:20.010Z',
  hash: 'd5'.repeat(32),
  position: { topic: 'inference.events', partition: 3, offset: 20_001, index: 2 },
}
const observation = { eventId: 'e1', timestampMs: 1_767_571_400_010, base: 1, values: ['a', 'b'], evidence }
const finding: Required<Observation> = { ...observation, eventId: 'f1', retracted: true, incomplete: 'since' }
const entities = [{ type: 'principal', id: 't/u' } as const, { type: 'address', id: '198.51.0.1' } as const]
const ofRule = { engine: 'sigma', rule: 'r', key: 'k1', scope: 'operator', group: ['g', 'h'] } as const
const bare = { eventId: 'e2', timestampMs: 2, base: 0, values: [] }

const some: readonly Observed[] = [
  { ...ofRule, observation, context: { entities } },
  { ...ofRule, observation: finding, context: { entities, bytes: 7, queries: 2 } },
  { ...ofRule, observation: { ...finding, evidence, incomplete: true }, context: { entities: [], bytes: 0 } },
  { ...ofRule, observation: bare, context: { entities, queries: 1 } },
  { ...ofRule, observation: { ...bare, retracted: true }, context: { entities } },
  { ...ofRule, observation: { ...bare, incomplete: 'since' }, context: { entities } },
  { ...ofRule, engine: 'behavior', key: 'k2', observation: { x: 'AAAA', head: 1, of: 2 } },
  // Never at a time: one key for two rules, and for two engines.
  { ...ofRule, rule: 'other', observation, context: { entities } },
  { ...ofRule, engine: 'behavior', observation: { n: 1 } },
]

function recordOf(observed: readonly Observed[]): BusRecord {
  const pack = new Pack('detect/warden.events/0', 'warden.observations', 0)
  for (const [index, each] of observed.entries()) {
    const { key = '', value, shared } = observationOutput(each)
    const json = JSON.stringify(shared?.of)
    expect(pack.add({ key, json, head: shared?.head, whole: value, offset: 1, index, arrived: '5' })).toBe(true)
  }
  const { value, headers = {} } = pack.take()!
  return {
    topic: '',
    partition: 0,
    offset: 0,
    key: undefined,
    value: Buffer.from(value as string),
    headers,
    appendedMs: 1,
  }
}

describe('observations that travel together', () => {
  it('come out as they were put in, down to the order of their parts', () => {
    const items = unpack(recordOf(some))?.items ?? []
    expect(items.map(({ value }) => JSON.stringify(observedIn(value)))).toEqual(
      some.map((each) => JSON.stringify(each)),
    )
  })

  it('come out the same where one is alone in its record, or was refused and is put back by itself', () => {
    const record = recordOf(some)
    const items = unpack(record)?.items ?? []
    for (const [at, each] of some.entries()) {
      expect(readObserved(recordOf([each]).value!)).toEqual(each)
      expect(readObserved(aloneFrom(record, items[at]!).value!)).toEqual(each)
    }
  })

  it('spell a rule once, however many it made, and nothing of an observation that its evidence says', () => {
    const many = Array.from({ length: 50 }, () => some[0]!)
    const text = recordOf(many).value!.toString()
    expect(text.split('"r"')).toHaveLength(2)
    expect(text.split('"e1"')).toHaveLength(51)
    expect(text.length).toBeLessThan(0.6 * JSON.stringify(many).length)
  })

  it('are none where their parts are missing or of another kind, and break nothing', () => {
    const part = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('sigma', 'behavior', null, 1, 'x'),
      fc.array(fc.constant('x')),
    )
    const head = fc.record({ engine: part, rule: part, key: part }, { requiredKeys: [] })
    fc.assert(
      fc.property(fc.oneof(head, part), fc.oneof(fc.array(part), part), (one, own) => {
        const found = observedIn({ head: one, of: own })
        if (found !== undefined) expect(Array.isArray(found.group)).toBe(true)
      }),
    )
    const of = ['operator', ['g'], null, 1, 0, [], null, [], null, null]
    const known = { engine: 'sigma', rule: 'r', key: 'k' }
    expect(observedIn({ head: known, of })).toBeDefined()
    for (const [at, wrong] of [
      [0, 1],
      [1, 'g'],
      [5, 'x'],
      [6, 'x'],
      [7, 'x'],
    ] as const)
      // prettier-ignore
      expect(observedIn({ head: known, of: of.with(at, wrong) })).toBeUndefined()
    for (const name of ['engine', 'rule', 'key'])
      expect(observedIn({ head: { ...known, [name]: 1 }, of })).toBeUndefined()
    for (const observation of [null, 1, 'x', undefined])
      expect(
        observedIn({ head: { ...known, engine: 'behavior' }, of: ['operator', ['g'], observation] }),
      ).toBeUndefined()
    expect(observedIn({ head: { ...known, engine: 'behavior' }, of: ['operator', ['g'], {}] })).toBeDefined()
  })
})
