import { describe, expect, test } from 'vitest'
import type { Bus, BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { checkpointRecords, restoreCheckpoint, TaskMeta } from './checkpoints.ts'
import { MemoryState } from './memory-state.ts'

const at = { topic: 'test.in', partition: 0 }
const spec = { name: 'x', inputs: [at.topic], stateVersion: 1 }

const meta: TaskMeta = {
  ...{ version: 1, nextOffset: 3, marks: {}, content: {} },
  watermark: { reachedMs: null, ended: false, latestEventMs: null, latenessMs: 0, upstream: {} },
  told: { eventTimeMs: null, ended: false, appendedMs: 0 },
}

/** A state topic on which these stand. */
function busWith(records: readonly OutgoingRecord[]): Bus {
  const batch = records.map(({ topic, key, value }, offset): BusRecord => {
    const bytes = value === null ? null : Buffer.from(value)
    return { topic, partition: 0, offset, key, value: bytes, headers: {}, appendedMs: 0 }
  })
  const read: Bus['read'] = async (_at, _from, take) => {
    await take(batch)
  }
  return { read } as Bus
}

describe('a checkpoint with seals', () => {
  const written = checkpointRecords(spec, at, [['a', '1']], { ...meta, seals: ['1.aa', '2.bb'] })

  test('is restored with them, and they are no state of the stage', async () => {
    const state = new MemoryState()
    expect(await restoreCheckpoint(busWith(written), spec, at, state)).toEqual({ ...meta, seals: ['1.aa', '2.bb'] })
    expect([...state.entries('')]).toEqual([['a', 1]])
  })

  test('can be read by a copy that does not know them: the meta record has none of it', () => {
    const known = TaskMeta.omit({ seals: true })
    const own = written.filter(({ key }) => key?.startsWith(`${at.topic}\n`))
    expect(own.map(({ key }) => key)).toEqual(['test.in\na', 'test.in\n'])
    expect(known.safeParse(JSON.parse(String(own.at(-1)?.value))).success).toBe(true)
  })

  test('keeps them where such a copy had the partition in between', async () => {
    const between = checkpointRecords(spec, at, [['a', '2']], { ...meta, nextOffset: 5 })
    const restored = await restoreCheckpoint(busWith([...written, ...between]), spec, at, new MemoryState())
    expect(restored).toEqual({ ...meta, nextOffset: 5, seals: ['1.aa', '2.bb'] })
  })
})

test('a checkpoint without seals has no record of them', () => {
  expect(checkpointRecords(spec, at, [], meta).map(({ key }) => key)).toEqual(['test.in\n'])
})
