import { describe, expect, it, vi } from 'vitest'
import type { LicenseRecord } from '../../core/license.ts'
import { DeadLetter } from '../../core/dead-letter.ts'
import { BusUnavailableError } from '../../core/errors.ts'
import type { BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers, topics } from '../../core/topics.ts'
import { ContentOnBus } from '../content/content-reader.ts'
import { unsealedControl } from '../control-seal.ts'
import { silentLog } from '../log.ts'
import { MemoryState } from './memory-state.ts'
import { StageTask, type TaskDependencies } from './stage-task.ts'
import type { Outcome, StageLogic } from './stage.ts'
import { silentTelemetry } from '../telemetry.ts'

const at = { topic: 'test.in', partition: 0 }

function record(offset: number, value: string, named: Record<string, string> = {}): BusRecord {
  return { ...at, offset, key: undefined, value: Buffer.from(value), headers: named, appendedMs: 1_000 + offset }
}

/** What a task tells its logic, in order. */
function taskAt(
  nextOffset: number | undefined,
  more: Partial<StageLogic> = {},
  content?: TaskDependencies['content'],
  watermark: 'records' | readonly string[] = ['u'],
  state = new MemoryState(),
  publish?: () => Promise<void>,
) {
  const told: unknown[] = []
  const dropped: unknown[] = []
  const published: OutgoingRecord[] = []
  const committed: (readonly OutgoingRecord[])[] = []
  const time = { monotonicMs: 0 }
  const keep = async (records: readonly OutgoingRecord[]): Promise<void> => void published.push(...records)
  const bus = { publish: publish ?? keep } as never
  const task = new StageTask({
    spec: {
      ...{ name: 'x', stateVersion: 1, inputs: [at.topic], watermark, tellsWatermarkTo: [], ticks: false },
      ...{ content: content === undefined ? [] : ['rules'], create: () => ({ record: () => undefined }) },
    },
    at,
    partitions: 1,
    downstream: [],
    deps: {
      bus,
      content: content ?? new ContentOnBus(silentLog, silentTelemetry),
      clock: { ...systemClock, monotonicMs: () => time.monotonicMs },
      log: silentLog,
      telemetry: { ...silentTelemetry, dropped: (_stage, reason, count) => void dropped.push([reason, count]) },
    },
    logic: {
      record: ({ offset }) => void told.push(offset),
      beginsAt: (appendedMs) => void told.push(['begins', appendedMs]),
      licenses: (records: readonly LicenseRecord[]) => void told.push(['licenses', records.length]),
      ...more,
    },
    state,
    producer: { commit: async (records) => void committed.push(records), close: async () => undefined },
    meta:
      nextOffset === undefined
        ? undefined
        : {
            ...{ version: 1, nextOffset, marks: {}, content: {} },
            watermark: { reachedMs: null, ended: false, latestEventMs: null, latenessMs: 0, upstream: {} },
            told: { eventTimeMs: null, ended: false, appendedMs: 0 },
          },
  })
  return { task, told, dropped, published, committed, time }
}

function failed(_told: unknown, out: Outcome): void {
  out.emit({ topic: 'test.out', key: 'k', value: { half: true } })
  throw new Error('a bug')
}

describe('a task', () => {
  it('without a checkpoint is told, once and first, that the log before its first record is gone', async () => {
    const { task, told } = taskAt(undefined)
    await task.take([record(40, 'a')])
    await task.take([record(41, 'b')])
    expect(told).toEqual([['begins', 1_040], 40, 41])
  })

  it('at the beginning of a log, or back from a checkpoint, is told no such thing', async () => {
    const whole = taskAt(undefined)
    await whole.task.take([record(0, 'a'), record(5, 'b')])
    expect(whole.told).toEqual([0, 5])
    const back = taskAt(30)
    await back.task.take([record(40, 'a')])
    expect(back.told).toEqual([40])
  })

  it('tells what it has dropped once a batch, also of one that is cut off in the middle', async () => {
    const gone = { bundle: () => Promise.reject(new Error('not there yet')) } as never
    const { task, dropped } = taskAt(undefined, { record: (_record, out) => out.drop('old') }, gone)
    await task.take([record(0, 'a'), record(1, 'b')])
    expect(dropped).toEqual([['old', 2]])
    const news = { control: 'content', set: 'rules', digest: 'd' }
    const control = record(3, JSON.stringify(news), { [headers.control]: news.control })
    await expect(task.take([record(2, 'c'), control, record(4, 'd')])).rejects.toThrow('not there yet')
    expect(dropped.slice(1)).toEqual([['old', 1]])
  })

  it.each<[string, object, Partial<StageLogic>]>([
    ['a watermark', { control: 'watermark', upstream: 'u', partition: 0, partitions: 1, eventTimeMs: 5 }, { watermark: failed }],
    ['the end of its input', { control: 'end' }, { watermark: failed }],
    ['a tick', { control: 'tick' }, { tick: failed }],
    ['a baseline', { control: 'baseline', rule: 'r', name: 'n', value: 1 }, { baseline: failed }],
    ['licenses', { control: 'licenses', records: [] }, { licenses: failed }],
  ])('whose step throws on %s makes it a dead letter, without the half of what came of it, and goes on', async (_what, told, logic) => {
    const { task, published, told: taken } = taskAt(undefined, logic)
    const { control } = told as { control: string }
    await task.take([record(0, 'a'), record(1, JSON.stringify(told), { [headers.control]: control }), record(2, 'b')])
    expect(taken).toEqual([0, 2])
    expect(published.map(({ topic }) => topic)).toEqual([topics.deadLetters])
    expect(DeadLetter.parse(JSON.parse(published[0]!.value as string))).toMatchObject({
      code: 'STEP_FAILED',
      message: 'a bug',
      position: { offset: 1 },
    })
  }) // prettier-ignore

  it('makes a control record without a seal of ours a dead letter, and believes nothing of it', async () => {
    const { task, told, published } = taskAt(undefined, { watermark: () => void told.push('watermark') })
    const unsealed = { [headers.control]: unsealedControl }
    await task.take([record(0, 'a'), record(1, '{"control":"end"}', unsealed), record(2, 'b')])
    expect(told).toEqual([0, 2])
    expect(DeadLetter.parse(JSON.parse(published[0]!.value as string))).toMatchObject({
      code: 'CONTROL_INVALID',
      position: { offset: 1 },
    })
  })

  describe('given a control record of ours that was written again', () => {
    const sealed = (offset: number, control: object, nowMs: number): BusRecord => {
      const { control: kind } = control as { control: string }
      const seal = `${nowMs}.${String(nowMs).padStart(64, '0')}`
      return record(offset, JSON.stringify(control), { [headers.control]: kind, [headers.seal]: seal })
    }
    const content = (offset: number, digest: string, nowMs: number): BusRecord =>
      sealed(offset, { control: 'content', set: 'rules', digest }, nowMs)
    const codes = (published: readonly OutgoingRecord[]): unknown[] =>
      published.map(({ value }) => DeadLetter.parse(JSON.parse(value as string)).code)

    it('does not go back to the content of then, and does where we say so anew', async () => {
      const reader = { bundle: async (digest: string) => ({ bundle: digest, files: [] }), reportMistakes: () => undefined, current: () => undefined } as never // prettier-ignore
      const inForce: unknown[] = []
      const logic = { content: (_set: unknown, bundle: unknown) => (inForce.push(bundle), []) }
      const { task, published } = taskAt(undefined, logic, reader)
      await task.take([content(0, 'a', 1), content(1, 'b', 2), content(2, 'a', 1), content(3, 'a', 4)])
      expect(inForce).toEqual(['a', 'b', 'a'])
      expect(codes(published)).toEqual(['CONTROL_INVALID'])
    })

    it('does so once it can, where the content had not arrived at the first try', async () => {
      let isThere = false
      const bundle = async (digest: string) => {
        if (!isThere) throw new Error('not there yet')
        return { bundle: digest, files: [] }
      }
      const reader = { bundle, reportMistakes: () => undefined, current: () => undefined } as never
      const inForce: unknown[] = []
      const { task } = taskAt(undefined, { content: (_set: unknown, given: unknown) => (inForce.push(given), []) }, reader) // prettier-ignore
      await expect(task.take([content(0, 'a', 1)])).rejects.toThrow('not there yet')
      isThere = true
      await task.take([content(0, 'a', 1)])
      expect(inForce).toEqual(['a'])
    })

    it('does not end its input a second time', async () => {
      const reached: number[] = []
      const logic: Partial<StageLogic> = {
        record: (_record, out) => out.happened(5_000, 0),
        watermark: (eventTimeMs) => void reached.push(eventTimeMs),
      }
      const { task, published } = taskAt(undefined, logic, undefined, 'records')
      await task.take([
        record(0, 'a'),
        sealed(1, { control: 'end' }, 1),
        record(2, 'b'),
        sealed(3, { control: 'end' }, 1),
      ])
      expect(reached).toEqual([5_000, Infinity])
      expect(codes(published)).toEqual(['CONTROL_INVALID'])
    })
  })

  it('writes no checkpoint for the passing of time alone but now and then, and when it closes', async () => {
    const { task, committed, time } = taskAt(0)
    const tick = (offset: number): BusRecord => record(offset, '{"control":"tick"}', { [headers.control]: 'tick' })
    const watermark = { control: 'watermark', upstream: 'u', partition: 0, partitions: 1, eventTimeMs: 5 }
    await task.take([record(0, 'a')])
    await task.checkpoint()
    expect(committed).toHaveLength(1)
    await task.take([tick(1), record(2, JSON.stringify(watermark), { [headers.control]: 'watermark' })])
    time.monotonicMs = 9_000
    await task.checkpoint()
    expect(committed).toHaveLength(1)
    time.monotonicMs = 10_000
    await task.checkpoint()
    expect(committed).toHaveLength(2)
    await task.take([tick(3), record(4, 'b')])
    await task.checkpoint()
    expect(committed).toHaveLength(3)
    await task.take([tick(5)])
    await task.close(1_000)
    expect(committed.map(([meta]) => (JSON.parse(meta!.value as string) as { nextOffset: number }).nextOffset)).toEqual(
      [1, 3, 5, 6],
    )
  })

  it('tries a checkpoint that failed again with its next turn', async () => {
    const { task, committed } = taskAt(0)
    await task.take([record(0, 'a')])
    vi.spyOn(committed, 'push').mockImplementationOnce(() => {
      throw new BusUnavailableError('database or disk is full')
    })
    await task.checkpoint()
    expect([task.failing, committed.length]).toEqual([true, 0])
    await task.checkpoint()
    expect([task.failing, committed.length]).toEqual([false, 1])
  })

  it('that lets time change its state writes that with the next checkpoint', async () => {
    const state = new MemoryState()
    const { task, committed } = taskAt(0, { tick: () => state.set('count', 1) }, undefined, undefined, state)
    await task.take([record(0, '{"control":"tick"}', { [headers.control]: 'tick' })])
    await task.checkpoint()
    expect(committed).toHaveLength(1)
  })

  it('changes nothing of its state while a checkpoint takes it in slices', async () => {
    const state = new MemoryState()
    const counts = { n: 0 }
    const own = { time: undefined as { monotonicMs: number } | undefined }
    for (const key of ['a', 'b', 'c']) {
      const toJSON = (): number => {
        own.time!.monotonicMs += 5
        return counts.n
      }
      state.set(key, { toJSON })
    }
    const { task, committed, time } = taskAt(0, { record: () => (counts.n += 1) }, undefined, undefined, state)
    own.time = time
    await task.take([record(0, 'a')])
    const written = task.checkpoint()
    await new Promise(setImmediate)
    const taken = task.take([record(1, 'b')])
    await Promise.all([written, taken])
    expect(counts.n).toBe(2)
    expect(committed[0]!.slice(0, 3).map(({ value }) => value)).toEqual(['1', '1', '1'])
    expect(JSON.parse(committed[0]![3]!.value as string)).toMatchObject({ nextOffset: 1 })
    await task.checkpoint()
    expect(JSON.parse(committed[1]![0]!.value as string)).toMatchObject({ nextOffset: 2 })
  })

  it('is settled up to where the bus has what came of it', async () => {
    let acknowledge = (): void => undefined
    const publish = (): Promise<void> => new Promise((resolve) => (acknowledge = resolve))
    const { task } = taskAt(
      0,
      { record: (_record, out) => out.emit({ topic: 'o', value: {} }) },
      undefined,
      undefined,
      undefined,
      publish,
    )
    await task.take([record(0, 'a'), record(1, 'b')])
    expect([task.nextOffset, task.settledOffset]).toEqual([2, 0])
    acknowledge()
    await new Promise(setImmediate)
    expect(task.settledOffset).toBe(2)
  })

  it('hands on how licenses stand, from their place in the log', async () => {
    const license = { id: 'l', tenant: 't', models: ['*'], form: 'api', tier: 'standard' }
    const control = {
      control: 'licenses',
      records: [{ kind: 'license', version: 1, updatedAt: '2026-03-01T00:00:00.000Z', license }],
    }
    const { task, told } = taskAt(undefined)
    await task.take([
      record(0, 'a'),
      record(1, JSON.stringify(control), { [headers.control]: 'licenses' }),
      record(2, 'b'),
    ])
    expect(told).toEqual([0, ['licenses', 1], 2])
  })
})
