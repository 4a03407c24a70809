/**
 * Which partition a record goes to: as told, by its key (murmur2, as Kafka's Java producer does), or in turn.
 */
import { BusRefusedError } from '../../core/errors.ts'
import { partitionOf } from '../../core/partition.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import type { Link } from './client.ts'
import { withRetries } from './retry.ts'

export class PartitionChooser {
  readonly #link: Link
  readonly #turns = new Map<string, number>()
  readonly #counts = new Map<string, number>()

  constructor(link: Link) {
    this.#link = link
  }

  async choose(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    const chosen: number[] = []
    for (const record of records) {
      const count = this.#counts.get(record.topic) ?? (await this.#count(record.topic))
      chosen.push(this.#partitionOf(record, count))
    }
    return chosen
  }

  async #count(topic: string): Promise<number> {
    const { deliveryTimeoutMs } = this.#link.settings
    const leaders = await withRetries(() => this.#link.leaders(topic), {
      doing: `publish to ${topic}`,
      withinMs: deliveryTimeoutMs,
    })
    this.#counts.set(topic, leaders.length)
    return leaders.length
  }

  #partitionOf(record: OutgoingRecord, count: number): number {
    if (record.partition !== undefined) {
      if (record.partition >= 0 && record.partition < count) return record.partition
      throw new BusRefusedError(`topic ${record.topic} has no partition ${record.partition}`)
    }
    if (record.key !== undefined) return partitionOf(record.key, count)
    const turn = this.#turns.get(record.topic) ?? 0
    this.#turns.set(record.topic, turn + 1)
    return turn % count
  }
}
