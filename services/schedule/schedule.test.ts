import { afterEach, describe, expect, test } from 'vitest'
import { openEmbedded, temporary } from '../../adapters/embedded/open.ts'
import { Control, toldLicensesMax } from '../../core/control.ts'
import type { License, LicenseRecord } from '../../core/license.ts'
import type { Bus, OutgoingRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { topics, topicSpecs } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { Board, boardRecords } from './board.ts'
import { licenseNotices } from './license-notices.ts'
import { licensesTold } from './licenses-told.ts'
import { runOnce, type Job, type JobTurn } from './once.ts'
import { syntheticRecord, syntheticSource } from './own-records.ts'
import { judgeSilence } from './silence.ts'

const minute = 60_000
const noon = Date.parse('2026-03-02T12:00:00Z')

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openBus(): Promise<Bus> {
  const embedded = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
  closing.push(() => embedded.close())
  await embedded.bus.createTopics(topicSpecs(2))
  return embedded.bus
}

async function rawRecords(bus: Bus): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for (const { partition } of await bus.offsets(topics.audit)) {
    await bus.read({ topic: topics.audit, partition }, 'start', (batch) => {
      for (const { value } of batch) found.push(JSON.parse(String(value)) as Record<string, unknown>)
    })
  }
  return found
}

const probe: Job = { name: 'probe', work: ({ scheduledMs }) => [syntheticRecord(`run-${scheduledMs}`, scheduledMs)] }
const scheduler = (bus: Bus) => {
  const board = new Board(bus)
  return (job: Job, scheduledMs: number) => runOnce(job, scheduledMs, { bus, board, nowMs: () => scheduledMs })
}

describe('a job', () => {
  test('is done once by two schedulers that come one after the other', async () => {
    const bus = await openBus()
    const [one, other] = [scheduler(bus), scheduler(bus)]
    expect([await one(probe, noon), await other(probe, noon), await one(probe, noon)]).toEqual([
      'ran',
      'done-already',
      'done-already',
    ])
    expect(await other(probe, noon + minute)).toBe('ran')
    expect(await rawRecords(bus)).toHaveLength(2)
  })

  test('is done once by two schedulers that are at it at the same time', async () => {
    const bus = await openBus()
    let entered = 0
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const slow: Job = {
      ...probe,
      work: async (turn) => {
        entered++
        if (entered === 1) await gate
        return probe.work(turn)
      },
    }
    const first = scheduler(bus)(slow, noon)
    await expect.poll(() => entered).toBe(1)
    expect(await scheduler(bus)(slow, noon)).toBe('ran')
    release?.()
    expect(await first).toBe('taken-over')
    expect(await rawRecords(bus)).toHaveLength(1)
  })

  test('that fails leaves no mark, so that its next time does the work', async () => {
    const bus = await openBus()
    const run = scheduler(bus)
    const failing: Job = { ...probe, work: () => Promise.reject(new Error('no')) }
    await expect(run(failing, noon)).rejects.toThrow('no')
    expect(await run(probe, noon)).toBe('ran')
  })

  test('knows since when somebody has been watching, also after a restart', async () => {
    const bus = await openBus()
    const seen: number[] = []
    const job: Job = { ...probe, work: ({ watchedFromMs }) => (seen.push(watchedFromMs), []) }
    await scheduler(bus)(job, noon)
    await scheduler(bus)(job, noon + minute)
    await scheduler(bus)(job, noon + 60 * minute)
    expect(seen).toEqual([noon, noon, noon + 60 * minute])
  })
})

function boardOf(records: readonly OutgoingRecord[], board = new Board(undefined as unknown as Bus)): Board {
  for (const { topic, key, value } of records) {
    if (topic === topics.schedule) board.apply(key!, value === null ? null : Buffer.from(value))
  }
  return board
}

describe('silence of a source', () => {
  const allowed = new Map([['gateway', 60 * minute]])
  const seen = (source: string, atMs: number, partition = 0): OutgoingRecord => ({
    topic: topics.schedule,
    partition: 0,
    key: `seen/${source}/inference.events/${partition}`,
    value: JSON.stringify({ source, atMs }),
  })

  function judge(records: readonly OutgoingRecord[], turn: Partial<JobTurn> = {}) {
    const board = boardOf(records)
    const found = judgeSilence({ board, nowMs: noon, scheduledMs: noon, watchedFromMs: 0, ...turn }, allowed)
    return {
      found,
      actions: found
        .filter((one) => one.topic === topics.audit)
        .map((one) => (JSON.parse(one.value as string) as { action: string }).action),
    }
  }
  const alive = seen(syntheticSource, noon - minute)

  test('is told once it has lasted longer than the source may be silent', () => {
    expect(judge([alive, seen('gateway', noon - 62 * minute)]).actions).toEqual(['source.silent'])
    expect(judge([alive, seen('gateway', noon - 60 * minute)]).actions).toEqual([])
  })

  test('is not told twice, and its end is told', () => {
    const old = noon - 90 * minute
    const first = judge([alive, seen('gateway', old)])
    expect(judge([alive, seen('gateway', old), ...first.found]).actions).toEqual([])
    const back = judge([alive, seen('gateway', noon - minute), ...first.found])
    expect(back.actions).toEqual(['source.resumed'])
    expect(judge([alive, seen('gateway', noon - minute), ...first.found, ...back.found]).actions).toEqual([])
  })

  test('is not told while one partition still hears it', () => {
    const found = judge([alive, seen('gateway', noon - 90 * minute, 0), seen('gateway', noon - minute, 1)])
    expect(found.actions).toEqual([])
  })

  test('is not taken for one where the pipeline stands still', () => {
    const silent = seen('gateway', noon - 90 * minute)
    expect(judge([silent]).actions).toEqual([])
    expect(judge([silent, seen(syntheticSource, noon - 10 * minute)]).actions).toEqual([])
  })

  test('is counted from when somebody was there to hear', () => {
    const silent = seen('gateway', noon - 500 * minute)
    expect(judge([alive, silent], { watchedFromMs: noon - 30 * minute }).actions).toEqual([])
    expect(judge([alive, silent], { watchedFromMs: noon - 62 * minute }).actions).toEqual(['source.silent'])
  })

  test('of a source that may be silent is nothing', () => {
    expect(judge([alive, seen('canary', noon - 5_000 * minute)]).actions).toEqual([])
  })
})

describe('a license that ends', () => {
  const license: License = { id: 'l-1', tenant: 't', models: ['m'], form: 'api', tier: 'standard' }
  const day = 24 * 60 * minute

  test('is told of 30, 7 and 1 days before, each once', () => {
    const board = boardOf([])
    const validUntil = new Date(noon).toISOString()
    const told: unknown[] = []
    for (const daysBefore of [40, 30, 29, 8, 7, 6, 1, 0.5, 0, -1]) {
      const nowMs = noon - daysBefore * day
      const records = licenseNotices({ board, nowMs, scheduledMs: nowMs, watchedFromMs: 0 }, [
        { ...license, validUntil },
      ])
      boardOf(records, board)
      for (const { topic, value } of records)
        if (topic === topics.audit) told.push([daysBefore, (JSON.parse(value as string) as { days: number }).days])
    }
    expect(told).toEqual([
      [30, 30],
      [7, 7],
      [1, 1],
    ])
  })

  test('without an end is never told of', () => {
    const board = boardOf([])
    expect(licenseNotices({ board, nowMs: noon, scheduledMs: noon, watchedFromMs: 0 }, [license])).toEqual([])
    expect(boardRecords.notice('x').topic).toBe(topics.schedule)
  })
})

describe('how licenses stand', () => {
  const standing = (n: number, addresses: number): LicenseRecord => ({
    kind: 'license',
    version: n + 1,
    updatedAt: '2026-03-01T00:00:00.000Z',
    license: {
      ...{ id: `l-${n}`, tenant: 't', models: ['m'], form: 'api', tier: 'standard' },
      addresses: Array.from({ length: addresses }, (_, at) => `10.0.${at >> 8}.${at & 255}/32`),
    },
  })

  test('is told whole to each partition, in records of a bounded size', () => {
    const all = Array.from({ length: 450 }, (_, n) => standing(n, n < 10 ? 9_000 : 1))
    const told = licensesTold(all, 3)
    for (const partition of [0, 1, 2]) {
      const there = told.filter((each) => each.topic === topics.events && each.partition === partition)
      const records = there.map(({ value }) => Control.parse(JSON.parse(value as string)))
      expect(records.flatMap((each) => (each.control === 'licenses' ? each.records : []))).toEqual(all)
      for (const { value } of there) expect((value as string).length).toBeLessThan(600_000)
      expect(there.length).toBeGreaterThan(450 / toldLicensesMax)
    }
    expect(licensesTold([], 3)).toEqual([])
  })
})
