import { expect, test } from 'vitest'
import type { Bus, BusRecord } from '../../../core/ports/bus.ts'
import { headers, topics } from '../../../core/topics.ts'
import { lateSteps } from './late.ts'

const [audit, inference] = [`normalize/${topics.audit}`, `normalize/${topics.inference}`]
const minute = (n: number): string => new Date(Date.UTC(2026, 2, 1, 12, n)).toISOString()

/** A log of events, one partition, as a bus. */
function logOf(...entries: readonly { value: unknown; control?: boolean; mark?: string }[]): Bus {
  const batch = entries.map(({ value, control = false, mark }, offset): BusRecord => {
    const kind = control ? { [headers.control]: (value as { control: string }).control } : {}
    const told = { ...kind, ...(mark === undefined ? {} : { [headers.mark]: mark }) }
    const bytes = Buffer.from(JSON.stringify(value))
    return {
      topic: topics.events,
      partition: 0,
      offset,
      key: undefined,
      value: bytes,
      headers: told,
      appendedMs: offset,
    }
  })
  return {
    partitionCount: async () => 1,
    read: async (_at: unknown, _from: unknown, onBatch: (batch: readonly BusRecord[]) => void) => onBatch(batch),
  } as unknown as Bus
}

const step = (id: string, n: number, principal = 'acme/thief') => ({
  value: { '@timestamp': minute(n), event: { id, action: 'read' }, warden: { principal } },
  mark: `normalize/${topics.audit}/0:${id}.0`,
})
const complete = (upstream: string, n: number) => ({
  value: { control: 'watermark', upstream, partition: 0, partitions: 1, eventTimeMs: Date.parse(minute(n)) },
  control: true,
})
const thieves = new Set(['acme/thief'])

test('a step of a theft that comes when time is complete past it is named, with its place and how far time was', async () => {
  const late = await lateSteps(logOf(step('1', 5), complete(audit, 9), complete(inference, 7), step('2', 6)), thieves)
  expect(late).toHaveLength(1)
  expect(late[0]).toContain(`read of ${minute(6)}`)
  expect(late[0]).toContain(`${topics.events}/0:3 past ${minute(7)}`)
})

test('time is complete only as far as both upstreams say; others’ late steps, and what comes again, are none', async () => {
  const again = step('1', 5)
  const alone = await lateSteps(logOf(complete(audit, 9), step('2', 6)), thieves)
  const both = [complete(audit, 9), complete(inference, 9)]
  const others = await lateSteps(logOf(again, ...both, again, step('3', 6, 'acme/honest'), step('4', 9)), thieves)
  expect([alone, others]).toEqual([[], []])
})
