import { expect, test } from 'vitest'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers } from '../../core/topics.ts'
import { TaskMeta } from './checkpoints.ts'
import { silentLog } from '../log.ts'
import { MemoryState } from './memory-state.ts'
import { StageTask } from './stage-task.ts'
import { silentTelemetry } from '../telemetry.ts'

const at = { topic: 'test.in', partition: 0 }

/** A program that can read these versions of the rules, at work on a log that names `named` one after the other. */
async function worked(meta: TaskMeta | undefined, reads: readonly string[], named: readonly string[], today = 'a') {
  const inForce: string[] = []
  let committed: readonly OutgoingRecord[] = []
  const content = {
    current: () => today,
    waitForCurrent: () => Promise.resolve(today),
    bundle: (digest: string) => Promise.resolve({ bundle: { digest }, files: [] }),
    reportMistakes: () => undefined,
  }
  const task = new StageTask({
    spec: {
      ...{ name: 'x', stateVersion: 1, inputs: [at.topic], watermark: ['u'], tellsWatermarkTo: [], ticks: false },
      ...{ content: ['rules'], create: () => ({ record: () => undefined }) },
    },
    ...{ at, partitions: 1, downstream: [], state: new MemoryState(), meta },
    deps: {
      ...{ bus: {} as never, content: content as never },
      ...{ clock: systemClock, log: silentLog, telemetry: silentTelemetry },
    },
    logic: {
      record: () => undefined,
      content: (_set, { digest }) => {
        if (!reads.includes(digest)) return [{ code: 'NEW', message: 'It is written for a newer program.' }]
        inForce.push(digest)
        return []
      },
    },
    producer: { commit: async (records) => void (committed = records), close: async () => undefined },
  })
  await task.startContent()
  const from = meta?.nextOffset ?? 0
  const records = named.map((digest) => {
    const value = Buffer.from(JSON.stringify({ control: 'content', set: 'rules', digest }))
    return { key: undefined, value, headers: { [headers.control]: 'content' }, appendedMs: 0 }
  })
  const last = { key: undefined, value: Buffer.from('{}'), headers: {}, appendedMs: 0 }
  await task.take([...records, last].map((each, n) => ({ ...at, ...each, offset: from + n })))
  await task.checkpoint()
  return { inForce, meta: TaskMeta.parse(JSON.parse(String(committed.at(-1)!.value))) }
}

test('what a program could not read is put in force by a newer one that takes the partition up', async () => {
  const old = await worked(undefined, ['a'], ['b'])
  expect(old.inForce).toEqual(['a'])
  const again = await worked(old.meta, ['a'], [])
  expect(again.inForce).toEqual(['a'])
  const newer = await worked(again.meta, ['a', 'b'], [])
  expect(newer.inForce).toEqual(['a', 'b'])
  expect((await worked(newer.meta, ['a', 'b'], [])).inForce).toEqual(['b'])
})

test('what was gone back from before any program could read it stays out', async () => {
  const old = await worked(undefined, ['a'], ['b', 'a'])
  expect((await worked(old.meta, ['a', 'b'], [])).inForce).toEqual(['a'])
  expect(old.meta).not.toHaveProperty('refused')
})

test('a program that can’t read what a newer one has left in force takes what has been gone back to', async () => {
  const newer = await worked(undefined, ['b'], [], 'b')
  const old = await worked(newer.meta, ['a'], [], 'a')
  expect(old.inForce).toEqual(['a'])
  expect((await worked(old.meta, ['a', 'b'], [], 'a')).inForce).toEqual(['a'])
})
