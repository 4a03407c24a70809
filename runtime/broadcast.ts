/**
 * Keeps a small compacted topic in memory: every copy reads all of it, without a group, and goes on following.
 */
import type { Bus, BusRecord } from '../core/ports/bus.ts'

export interface Followed {
  stop(): Promise<void>
}

/** Resolves once everything that was there when called has been applied: only then may answers be given from it. */
export async function followTopic(bus: Bus, topic: string, apply: (record: BusRecord) => void): Promise<Followed> {
  return bus.follow(topic, (batch) => {
    for (const record of batch) apply(record)
  })
}
