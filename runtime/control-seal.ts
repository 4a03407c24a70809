/**
 * Seals control records on topics that others write to, and believes there only what is sealed.
 *
 * Stands between the bus and all that uses it. On the raw topics any producer of records may set any header; control
 * records (core/control.ts) and marks (marks.ts) there would tell normalize which sources are in force, that time has
 * passed, that a record has been here before. So what a process of ours writes there as a control record gets an
 * HMAC-SHA-256 (RFC 2104) over its place, time and value, under a key derived from `hmacKey` (HKDF-SHA-256, RFC 5869),
 * and what is read there without one is handed on as `unsealed`, and no mark at all: no stage puts anything out there.
 * What was read as `unsealed` gets no seal, whoever puts it back.
 *
 * Who can read a sealed record can write it again, for a day: what that would do is ruled out by the tasks (taken-seals.ts).
 *
 * Promises: whether a seal holds follows from the record alone, its append time included, so a replay comes to the same.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Bus, BusRecord, FencedProducer, OutgoingRecord } from '../core/ports/bus.ts'
import type { Clock } from '../core/ports/clock.ts'
import { headers, topics } from '../core/topics.ts'

/** What stands in the header `w-control` where nobody of ours has written the record. */
export const unsealedControl = 'unsealed'

/** Whose producers are not ours alone. */
const open: ReadonlySet<string> = new Set([topics.audit, topics.inference])
/** Between sealing and appending, clocks set wrong included: whoever can read a seal can't use it much later. */
export const sealAgeMsMax = 86_400_000

/** The same bus for whoever uses it. Control records for open topics have to name their partition. */
export function sealedBus(bus: Bus, hmacKey: Uint8Array, clock: Pick<Clock, 'nowMs'>): Bus {
  const seal = new ControlSeal(hmacKey)
  const out = (records: readonly OutgoingRecord[]): readonly OutgoingRecord[] =>
    records.some(isControl)
      ? records.map((each) => (isControl(each) ? seal.sealed(each, clock.nowMs()) : each))
      : records
  const into = (records: readonly BusRecord[]): readonly BusRecord[] =>
    records.some(isToCheck) ? records.map((each) => (isToCheck(each) ? seal.checked(each) : each)) : records
  return {
    kind: bus.kind,
    createTopics: (specs) => bus.createTopics(specs),
    partitionCount: (topic) => bus.partitionCount(topic),
    offsets: (topic) => bus.offsets(topic),
    groupOffsets: (group, topic) => bus.groupOffsets(group, topic),
    publish: (records) => bus.publish(out(records)),
    fenced: async (name, commitMsMax): Promise<FencedProducer> => {
      const producer = await bus.fenced(name, commitMsMax)
      return { commit: (records, until) => producer.commit(out(records), until), close: () => producer.close() }
    },
    consume: (options) => {
      const { handler } = options
      return bus.consume({
        ...options,
        handler: {
          assigned: (at) => handler.assigned(at),
          records: (at, batch) => handler.records(at, into(batch)),
          revoked: (at) => handler.revoked(at),
        },
      })
    },
    read: (at, from, onBatch) => bus.read(at, from, (batch) => onBatch(into(batch))),
    follow: (topic, onBatch) => bus.follow(topic, (batch) => onBatch(into(batch))),
    ...(bus.addPartitions && { addPartitions: (given) => bus.addPartitions!(given) }),
    ...(bus.groupMembers && { groupMembers: (groups) => bus.groupMembers!(groups) }),
    ping: () => bus.ping(),
    ...(bus.diagnose && { diagnose: (expected) => bus.diagnose!(expected) }),
    close: () => bus.close(),
  }
}

function isControl({ topic, headers: named }: OutgoingRecord): boolean {
  const control = named?.[headers.control]
  return open.has(topic) && control !== undefined && control !== unsealedControl
}

function isToCheck({ topic, headers: named }: BusRecord): boolean {
  return open.has(topic) && (headers.control in named || headers.mark in named)
}

const macChars = 64
const form = /^(\d{1,15})\.[0-9a-f]{64}$/

/** When it was sealed, ms since 1970; undefined: it is none. */
export function sealedAtMs(seal: string): number | undefined {
  const at = form.exec(seal)?.[1]
  return at === undefined ? undefined : Number(at)
}

type Sealed = Pick<OutgoingRecord, 'topic' | 'partition' | 'value'>

class ControlSeal {
  readonly #key: Uint8Array

  constructor(hmacKey: Uint8Array) {
    // Not an HMAC of the purpose: of a credential that is spelled so, events would show half of it as its id.
    this.#key = new Uint8Array(hkdfSync('sha256', hmacKey, '', 'modelwarden control records', 32))
  }

  sealed(record: OutgoingRecord, nowMs: number): OutgoingRecord {
    return { ...record, headers: { ...record.headers, [headers.seal]: `${nowMs}.${this.#macOf(record, nowMs)}` } }
  }

  checked(record: BusRecord): BusRecord {
    const unsealed = headers.control in record.headers && !this.#holds(record)
    const { [headers.mark]: _, ...named } = record.headers
    return { ...record, headers: unsealed ? { ...named, [headers.control]: unsealedControl } : named }
  }

  #holds(record: BusRecord): boolean {
    const seal = record.headers[headers.seal] ?? ''
    const atMs = sealedAtMs(seal)
    if (atMs === undefined || Math.abs(record.appendedMs - atMs) > sealAgeMsMax) return false
    return timingSafeEqual(Buffer.from(seal.slice(-macChars)), Buffer.from(this.#macOf(record, atMs)))
  }

  #macOf({ topic, partition, value }: Sealed, atMs: number): string {
    const mac = createHmac('sha256', this.#key).update(`${topic}/${partition}/${atMs}/`)
    return mac.update(value ?? '').digest('hex')
  }
}
