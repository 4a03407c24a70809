/**
 * Saved histories: what stood on the bus when an earlier version had worked half of a small day off, checkpoints included.
 *
 * Today's code must go on from there. `save.ts` writes one with the version that it is run by; a state version that
 * changes keeps the history of the version before, and gets one of its own.
 */
import { join } from 'node:path'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { compose, type Instance } from '../../cli/compose.ts'
import type { Bus, OutgoingRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers, stateTopic, topics, topicSpecs } from '../../core/topics.ts'
import { Config } from '../../runtime/config/config.ts'
import { silentLog } from '../../runtime/log.ts'

export const partitions = 2
export const services = ['normalize', 'detect', 'correlate', 'licensing', 'respond', 'indexer'] as const
const here = import.meta.dirname

/** A record as a history has it. Where compaction has left a hole, `key` is `hole` and there is no value. */
export interface SavedRecord {
  readonly topic: string
  readonly partition: number
  readonly key?: string | undefined
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** The services on an embedded bus in this folder. Nothing ticks: the day lies in the past. */
export async function startServices(folder: string): Promise<Instance> {
  const config = Config.parse({
    data: { folder },
    bus: { partitions },
    content: {
      publish: true,
      watch: false,
      shipped: false,
      sources: [join(here, 'content/sources')],
      rules: [join(here, 'content/rules')],
    },
    log: { level: 'error', format: 'json' },
    runtime: { checkpointIntervalMs: 100, tickIdleMs: 3_600_000 },
  })
  const loaded = { config, file: undefined, folder }
  return await compose({ loaded, env: {}, services, publishes: true, listens: false, ticking: () => false })
}

/** The topics of a bus on which these services ran, the stages' state among them. */
export async function topicsOf(bus: Bus): Promise<readonly { readonly name: string; readonly partitions: number }[]> {
  const stages = ['normalize', 'detect', 'detect-groups', 'correlate', 'licensing', 'respond', 'respond-incidents', 'respond-decisions', 'correlate-decisions'] // prettier-ignore
  const found: { name: string; partitions: number }[] = []
  for (const name of [...topicSpecs(partitions).map((each) => each.name), ...stages.map(stateTopic)]) {
    try {
      found.push({ name, partitions: await bus.partitionCount(name) })
    } catch {
      // A stage of another version.
    }
  }
  return found
}

export async function saved(bus: Bus): Promise<readonly SavedRecord[]> {
  const records: SavedRecord[] = []
  for (const { name, partitions: count } of await topicsOf(bus)) {
    for (let partition = 0; partition < count; partition++) {
      let next = 0
      await bus.read({ topic: name, partition }, 'start', (batch) => {
        for (const { offset, key, value, headers: named } of batch) {
          for (; next < offset; next++) records.push({ topic: name, partition, key: 'hole', value: null, headers: {} })
          next = offset + 1
          records.push({ topic: name, partition, key, value: value?.toString('utf8') ?? null, headers: named })
        }
      })
    }
  }
  return records
}

/** Puts a history onto the bus of an empty data folder, each record at the offset that it had. */
export async function load(folder: string, records: readonly SavedRecord[]): Promise<void> {
  const embedded = await openEmbedded({ folder, log: silentLog, clock: systemClock })
  const states = [...new Set(records.map(({ topic }) => topic).filter((topic) => topic.startsWith(stateTopic(''))))]
  const counts = new Map(states.map((topic) => [topic, 1 + Math.max(...records.filter((each) => each.topic === topic).map((each) => each.partition))])) // prettier-ignore
  await embedded.bus.createTopics([
    ...topicSpecs(partitions),
    ...states.map((name) => ({ name, partitions: Math.max(partitions, counts.get(name) ?? 1), cleanup: 'compact' as const })), // prettier-ignore
  ])
  await embedded.bus.publish(records)
  await embedded.close()
}

const startMs = Date.parse('2026-03-01T10:00:00Z')

function record(minute: number, principal: string, action: string, resource: string, ip: string): OutgoingRecord {
  const ts = new Date(startMs + minute * 60_000).toISOString()
  const id = `${principal}-${action}-${minute}-${resource}`
  const value = JSON.stringify({ id, principal, action, resource, ip, ts })
  return { topic: topics.audit, partition: minute % partitions, value, headers: { [headers.source]: 'history' } }
}

const theft = (minute: number, principal: string, steps: readonly string[]): readonly OutgoingRecord[] =>
  steps.map((step, i) => record(minute + i, principal, `fault_${step}`, 'repo://weights', '192.0.2.1'))
const reads = (minute: number, from: number, to: number): readonly OutgoingRecord[] =>
  Array.from({ length: to - from }, (_, i) =>
    record(minute + i, `reader-${(from + i) % 3}`, 'fault_read', `s3://secret/${from + i}`, '198.51.100.7'),
  )

/** A theft is whole, another has two of its three steps, and five of eight secrets have been read from one address. */
export const firstHalf = [...theft(0, 'whole', ['list', 'copy', 'stop']), ...theft(4, 'open', ['list', 'copy']), ...reads(7, 0, 5)] // prettier-ignore

/** The open theft's last step, the other secrets, and the first thief once more. */
export const secondHalf = [
  ...theft(12, 'open', ['stop']),
  ...reads(13, 5, 9),
  ...theft(30, 'whole', ['list', 'copy', 'stop']),
]
