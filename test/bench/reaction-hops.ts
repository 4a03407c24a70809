/**
 * What each hop of a reaction costs: a record's way read from the bus afterwards, by the times at which the broker appended
 * what came of it (whole ms, one clock for all).
 */
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'

/** A theft that was answered. Times in ms since 1970. */
export interface Probe {
  readonly credentialId: string
  /** Its user: each has one of its own. */
  readonly user: string
  readonly startedMs: number
  readonly refusedMs: number
}

interface Place {
  /** What ends when a record that names the theft stands there. */
  readonly hop: string
  readonly topic: string
  /** What the record holds besides. */
  readonly holds?: string
}

const way: readonly Place[] = [
  { hop: 'publish the record', topic: topics.inference },
  { hop: 'normalize -> event', topic: topics.events, holds: 'bench-thief' },
  { hop: 'detect -> signal', topic: topics.signals },
  { hop: 'correlate -> incident', topic: topics.incidents },
  { hop: 'respond takes the incident', topic: topics.effects, holds: '"kind":"incident"' },
  { hop: 'respond -> intent (a transaction)', topic: topics.effects, holds: '"state":"attempted"' },
  { hop: 'licensing -> command', topic: topics.licenseCommands },
  { hop: 'licensing -> credential', topic: topics.licenses },
]
const lastHop = 'authorize refuses, and is asked'

/** The hops in order, with what each has cost each of the probes. */
export async function hopCosts(
  bus: Bus,
  probes: readonly Probe[],
): Promise<readonly { readonly hop: string; readonly costsMs: readonly number[] }[]> {
  const reached = probes.map(({ startedMs }) => [startedMs])
  for (const place of way) {
    const found = await firstAppends(bus, place, probes, reached)
    for (const [n, appendedMs] of found) reached[n]!.push(appendedMs)
  }
  for (const [n, { refusedMs }] of probes.entries()) reached[n]!.push(refusedMs)
  const whole = reached.filter(({ length }) => length === way.length + 2)
  return [...way.map(({ hop }) => hop), lastHop].map((hop, at) => ({
    hop,
    costsMs: whole.map((times) => times[at + 1]! - times[at]!),
  }))
}

/** By number of the probe: when the first record that names it was appended there, after it had reached the place before. */
async function firstAppends(
  bus: Bus,
  { topic, holds = '' }: Place,
  probes: readonly Probe[],
  reached: readonly (readonly number[])[],
): Promise<ReadonlyMap<number, number>> {
  const numbers = new Map(
    probes.flatMap(({ credentialId, user }, n) => [[credentialId, n] as const, [user, n] as const]),
  )
  const first = new Map<number, number>()
  const look = ({ value, appendedMs }: BusRecord): void => {
    const text = value?.toString() ?? ''
    if (!text.includes(holds)) return
    for (const [name] of text.matchAll(/(?:thief|hmac)-[0-9a-f]+/g)) {
      const n = numbers.get(name)
      // The broker cuts its times off to whole ms.
      if (n === undefined || appendedMs < Math.floor(reached[n]!.at(-1)!)) continue
      first.set(n, Math.min(appendedMs, first.get(n) ?? Infinity))
    }
  }
  for (const { partition } of await bus.offsets(topic)) {
    await bus.read({ topic, partition }, 'start', (batch) => {
      batch.forEach(look)
    })
  }
  return first
}
