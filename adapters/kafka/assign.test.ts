import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TopicPartition } from '../../core/ports/bus.ts'
import { assign, type GroupMemberClaim } from './assign.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './membership.ts'

const member = (memberId: string, owned: readonly TopicPartition[] = [], generation = 1): GroupMemberClaim => ({
  memberId,
  topics: ['t'],
  owned,
  generation,
})
const places = (...partitions: number[]) => partitions.map((partition) => ({ topic: 't', partition }))
const counts = (partitions: number) => new Map([['t', partitions]])
const shares = (assigned: ReadonlyMap<string, readonly TopicPartition[]>) =>
  Object.fromEntries(
    [...assigned].map(([memberId, list]) => [memberId, list.map((at) => at.partition).sort((a, b) => a - b)]),
  )

describe('sharing out', () => {
  test('a lone member gets everything', () => {
    expect(shares(assign([member('a')], counts(3)))).toEqual({ a: [0, 1, 2] })
  })

  test('what a newcomer is to get is first let go of by its holder, and given to it in the next round', () => {
    const first = assign([member('a', places(0, 1, 2, 3)), member('b', [], -1)], counts(4))
    expect(shares(first)).toEqual({ a: [0, 1], b: [] })
    const second = assign([member('a', first.get('a')), member('b')], counts(4))
    expect(shares(second)).toEqual({ a: [0, 1], b: [2, 3] })
  })

  test('what a member leaves behind goes to the others, and nothing else moves', () => {
    expect(shares(assign([member('a', places(0, 1)), member('c', places(4, 5))], counts(6)))).toEqual({
      a: [0, 1, 2],
      c: [3, 4, 5],
    })
  })

  test('a claim of an older generation gives way', () => {
    const both = [member('zombie', places(0, 1), 3), member('owner', places(0, 1), 4)]
    expect(shares(assign(both, counts(2)))['owner']).toContain(0)
    expect(shares(assign(both, counts(2)))['zombie']).toEqual([])
  })

  test('with more members than partitions some get none', () => {
    const assigned = assign([member('a'), member('b'), member('c')], counts(2))
    expect([...assigned.values()].map((list) => list.length).sort()).toEqual([0, 1, 1])
  })
})

/** Rounds until nobody has to let go of anything, as the group itself goes through them. */
function settle(members: readonly GroupMemberClaim[], partitionCounts: ReadonlyMap<string, number>) {
  let claims = members
  for (let round = 1; round <= 3; round += 1) {
    const assigned = assign(claims, partitionCounts)
    claims = claims.map((claim) => ({
      ...claim,
      owned: assigned.get(claim.memberId)!,
      generation: claim.generation + 1,
    }))
    const total = [...assigned.values()].flat()
    expect(new Set(total.map((at) => `${at.topic} ${at.partition}`)).size).toBe(total.length)
  }
  return claims
}

test('whoever comes and goes: every partition has one owner, counts differ by one at most, and no more moves than must', () => {
  const steps = fc.array(fc.oneof(fc.constant('join' as const), fc.nat(7)), { maxLength: 12 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 16 }), (story, partitions) => {
      const topics = ['a', 'b']
      const partitionCounts = new Map(topics.map((topic) => [topic, partitions]))
      let claims: readonly GroupMemberClaim[] = []
      story.forEach((step, index) => {
        const before = claims
        if (step === 'join') claims = [...claims, { memberId: `m${index}`, topics, owned: [], generation: -1 }]
        else claims = claims.filter((_claim, at) => at !== step % Math.max(1, claims.length))
        if (claims.length === 0) return
        claims = settle(claims, partitionCounts)
        const sizes = claims.map((claim) => claim.owned.length)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2 * partitions)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2)
        for (const { owned } of claims) {
          const of = (topic: string) =>
            owned
              .filter((at) => at.topic === topic)
              .map((at) => at.partition)
              .sort()
          expect(of('a')).toEqual(of('b'))
        }
        const stayed = claims.filter((claim) => before.some((each) => each.memberId === claim.memberId))
        const fewest = 2 * Math.floor(partitions / claims.length)
        for (const { memberId, owned } of stayed) {
          const had = before.find((each) => each.memberId === memberId)!.owned
          const kept = had.filter((at) =>
            owned.some((each) => each.topic === at.topic && each.partition === at.partition),
          )
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(had.length, fewest))
        }
      })
    }),
  )
})

test('what members tell each other survives the wire', () => {
  const claim = {
    topics: ['audit.events', 'żółw'],
    owned: [...places(1, 5), { topic: 'u', partition: 0 }],
    generation: 12,
  }
  expect(decodeSubscription('m', encodeSubscription(claim))).toEqual({ memberId: 'm', ...claim })
  expect(decodeAssignment(encodeAssignment(claim.owned))).toEqual(claim.owned)
  expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
})
