import { expect, test } from 'vitest'
import type { Bus, BusRecord } from '../../../core/ports/bus.ts'
import { topics } from '../../../core/topics.ts'
import { untilQuiet } from './quiet.ts'

/** A bus on which all is read, with these states of one effect, one after the other. */
function worked(...states: readonly string[]): Bus {
  const records = states.map((state, at): BusRecord => {
    const value = Buffer.from(JSON.stringify({ kind: 'action', action: { id: 'a', step: 'tell', version: at + 1, state } })) // prettier-ignore
    return { topic: topics.effects, partition: 0, offset: at, key: undefined, value, headers: {}, appendedMs: 0 }
  })
  const bus: Partial<Bus> = {
    follow: async () => ({ stop: async () => undefined }),
    offsets: async () => [{ partition: 0, low: 0, high: 0 }] as never,
    groupOffsets: async () => [],
    partitionCount: async () => 1,
    read: async ({ topic }, _from, take) => {
      if (topic === topics.effects) await take(records)
    },
  }
  return bus as Bus
}

const rest = { quietMs: 600, withinMs: 5_000, ends: () => [] }

test('there is no rest while a service is being started again, and quiet is counted from when all are ready', async () => {
  let asked = 0
  const unready = async (): Promise<readonly string[]> => ((asked += 1) <= 3 ? ['respond'] : [])
  await untilQuiet(worked('reserved', 'attempted', 'done'), { ...rest, unready })
  expect(asked).toBeGreaterThanOrEqual(5)
})

test('a service that never comes back is named at the end', async () => {
  const unready = async (): Promise<readonly string[]> => ['respond']
  await expect(untilQuiet(worked(), { ...rest, withinMs: 1_000, unready })).rejects.toThrow('respond is not ready')
})

test('an effect that is not decided is waited for, and named at the end', async () => {
  const never = untilQuiet(worked('reserved', 'attempted'), { ...rest, withinMs: 1_200, unready: async () => [] })
  await expect(never).rejects.toThrow('tell a is attempted')
})
