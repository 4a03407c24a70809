import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Bus, BusRecord, OutgoingRecord } from '../core/ports/bus.ts'
import { headers, topics } from '../core/topics.ts'
import { sealedBus, unsealedControl } from './control-seal.ts'

const key = Buffer.alloc(32, 7)
const nowMs = 1_772_000_000_000
const end: OutgoingRecord = {
  topic: topics.audit,
  partition: 3,
  value: '{"control":"end"}',
  headers: { [headers.control]: 'end' },
}

/** A bus with one log, which appends everything a second later. */
function busOf(): { readonly bus: Bus; readonly log: OutgoingRecord[] } {
  const log: OutgoingRecord[] = []
  const appended = (): BusRecord[] =>
    log.map(({ topic, key: named, partition = 0, value, headers: told = {} }, offset) => {
      const bytes = value === null ? null : Buffer.from(value)
      return { topic, partition, offset, key: named, value: bytes, headers: told, appendedMs: nowMs + 1_000 }
    })
  const bus = {
    publish: async (records: readonly OutgoingRecord[]) => void log.push(...records),
    follow: async (_topic: string, onBatch: (batch: BusRecord[]) => void) => {
      onBatch(appended())
      return { stop: async () => undefined }
    },
    read: async (_at: unknown, _from: unknown, onBatch: (batch: BusRecord[]) => void) => onBatch(appended()),
  }
  return { bus: bus as unknown as Bus, log }
}

async function headersRead(bus: Bus): Promise<readonly BusRecord['headers'][]> {
  const found: BusRecord['headers'][] = []
  await bus.read({ topic: topics.audit, partition: 0 }, 'start', (batch) => {
    found.push(...batch.map((record) => record.headers))
  })
  return found
}

async function sealedRecord(record: OutgoingRecord): Promise<OutgoingRecord> {
  const { bus, log } = busOf()
  await sealedBus(bus, key, { nowMs: () => nowMs }).publish([record])
  return log[0]!
}

describe('control records on a raw topic', () => {
  it('that a process of ours has written are what they were', async () => {
    const { bus } = busOf()
    const sealed = sealedBus(bus, key, { nowMs: () => nowMs })
    await sealed.publish([end])
    expect((await headersRead(sealed))[0]).toMatchObject({ [headers.control]: 'end' })
  })

  it.each<[string, (sealed: OutgoingRecord) => OutgoingRecord]>([
    ['that has no seal', () => end],
    ['whose seal was made up', () => ({ ...end, headers: { ...end.headers, [headers.seal]: `${nowMs}.${'0'.repeat(64)}` } })],
    ['whose seal is no seal', () => ({ ...end, headers: { ...end.headers, [headers.seal]: 'x' } })],
    ['with the seal of another partition', (sealed) => ({ ...sealed, partition: 4 })],
    ['with the seal of another topic', (sealed) => ({ ...sealed, topic: topics.inference })],
    ['with the seal of another value', (sealed) => ({ ...sealed, value: '{"control":"tick"}' })],
    ['with a seal whose time was changed', (sealed) => ({ ...sealed, headers: { ...sealed.headers, [headers.seal]: sealed.headers![headers.seal]!.replace(/^\d+/, String(nowMs + 1)) } })],
  ])('%s are nobody of ours’', async (_what, forged) => {
    const { bus, log } = busOf()
    log.push(forged(await sealedRecord(end)))
    const [read] = await headersRead(sealedBus(bus, key, { nowMs: () => nowMs }))
    expect(read![headers.control]).toBe(unsealedControl)
  }) // prettier-ignore

  it('whose seal is more than a day old are nobody of ours’: who can read them can’t tell it again', async () => {
    const { bus, log } = busOf()
    const old = sealedBus(bus, key, { nowMs: () => nowMs - 86_400_000 })
    await old.publish([end])
    expect(log).toHaveLength(1)
    expect((await headersRead(old))[0]![headers.control]).toBe(unsealedControl)
  })

  it('that were read as nobody of ours’ get no seal from who puts them back: it would hold for the same record as it came', async () => {
    const { headers: named } = await sealedRecord({ ...end, headers: { [headers.control]: unsealedControl } })
    expect(named).toEqual({ [headers.control]: unsealedControl })
  })

  it('are told from ours by who follows the topic, too', async () => {
    const { bus, log } = busOf()
    const ours = sealedBus(bus, key, { nowMs: () => nowMs })
    await ours.publish([end])
    log.push(end, { topic: topics.audit, value: '{}', headers: { [headers.mark]: 'x/y/0:9.0' } })
    const found: BusRecord['headers'][] = []
    await ours.follow(topics.audit, (batch) => void found.push(...batch.map((record) => record.headers)))
    expect(found.map((named) => named[headers.control])).toEqual(['end', unsealedControl, undefined])
    expect(found[2]).toEqual({})
  })

  it('are not sealed with what is an id of a credential elsewhere', async () => {
    const { bus, log } = busOf()
    const id = createHmac('sha256', key).update('modelwarden control records').digest()
    const mac = createHmac('sha256', id)
      .update(`${topics.audit}/3/${nowMs}/${String(end.value)}`)
      .digest('hex')
    log.push({ ...end, headers: { ...end.headers, [headers.seal]: `${nowMs}.${mac}` } })
    const [read] = await headersRead(sealedBus(bus, key, { nowMs: () => nowMs }))
    expect(read![headers.control]).toBe(unsealedControl)
  })

  it('under another key are nobody of ours’', async () => {
    const { bus } = busOf()
    await sealedBus(bus, Buffer.alloc(32, 8), { nowMs: () => nowMs }).publish([end])
    const [read] = await headersRead(sealedBus(bus, key, { nowMs: () => nowMs }))
    expect(read![headers.control]).toBe(unsealedControl)
  })
})

describe('other records', () => {
  it('of a raw topic lose the mark that would tell them, and those after them, for old', async () => {
    const { bus, log } = busOf()
    log.push({ topic: topics.audit, value: '{}', headers: { [headers.source]: 'audit', [headers.mark]: 'x/y/0:9.0' } })
    expect(await headersRead(sealedBus(bus, key, { nowMs: () => nowMs }))).toEqual([{ [headers.source]: 'audit' }])
  })

  it('of topics that we alone write to are left as they are, controls and marks too', async () => {
    const { bus, log } = busOf()
    const told = { [headers.control]: 'tick', [headers.mark]: 'x/y/0:9.0' }
    const sealed = sealedBus(bus, key, { nowMs: () => nowMs })
    await sealed.publish([{ topic: topics.events, partition: 0, value: '{"control":"tick"}', headers: told }])
    expect(log[0]!.headers).toEqual(told)
    expect(await headersRead(sealed)).toEqual([told])
  })
})
