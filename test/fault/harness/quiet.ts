/**
 * The end of a day's records: what is still open is decided, and the pipeline comes to rest.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '../../../core/ports/bus.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { headers, topics } from '../../../core/topics.ts'
import { sealedBus } from '../../../runtime/control-seal.ts'
import { busOutcome, isUndecided } from './found.ts'

/** Nothing more comes by these: what is still open is decided. `hmacKey`: that of those who read it. */
export async function end(
  bus: Bus,
  hmacKey: Uint8Array,
  partitions: number,
  of: readonly string[] = [topics.audit, topics.inference],
): Promise<void> {
  const ends = of.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      value: JSON.stringify({ control: 'end' }),
      headers: { [headers.control]: 'end' },
    })),
  )
  await sealedBus(bus, hmacKey, systemClock).publish(ends)
}

/**
 * Until nothing has been written to the raw topics for so long: a request that its sender has given up may still come
 * to the bus.
 */
export async function untilStill(bus: Pick<Bus, 'offsets'>, stillMs: number): Promise<void> {
  let before = ''
  let since = performance.now()
  while (performance.now() - since < stillMs) {
    await sleep(stillMs / 10)
    const offsets = await Promise.all([topics.audit, topics.inference].map((topic) => bus.offsets(topic)))
    const now = JSON.stringify(offsets)
    if (now !== before) since = performance.now()
    before = now
  }
}

/** Which group works through which topics. */
const readers: Readonly<Record<string, readonly string[]>> = {
  'warden.normalize': [topics.audit, topics.inference],
  'warden.detect': [topics.events],
  'warden.detect-groups': [topics.observations],
  'warden.meter': [topics.events],
  'warden.correlate': [topics.signals],
  'warden.respond': [topics.effects],
  'warden.licensing': [topics.licenseCommands],
}

/** So many places at the end of a partition are looked at one by one: markers of transactions, which no group comes past. */
const markersMax = 32

/** What a group has still before it, as far as it tells: `group topic/partition: records`. */
export async function behind(bus: Bus, group: string, read: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const topic of read) {
    const done = new Map((await bus.groupOffsets(group, topic)).map(({ partition, offset }) => [partition, offset]))
    for (const { partition, high } of await bus.offsets(topic)) {
      const from = Math.max(0, done.get(partition) ?? 0)
      let records = high - from
      if (records > 0 && records <= markersMax) {
        records = 0
        await bus.read({ topic, partition }, from, (batch) => {
          records += batch.filter(({ offset }) => offset >= from).length
        })
      }
      if (records > 0) found.push(`${group} ${topic}/${partition}: ${records}`)
    }
  }
  return found
}

async function waiting(bus: Bus): Promise<readonly string[]> {
  const found = await Promise.all(Object.entries(readers).map(([group, read]) => behind(bus, group, read)))
  return found.flat()
}

export interface Rest {
  /** Nothing but control records is written for so long. */
  readonly quietMs: number
  /** Past it the pipeline counts as restless. */
  readonly withinMs: number
  /** Services that do not do their work yet: nothing written is no sign of rest then, however long they take to come back. */
  readonly unready: () => Promise<readonly string[]>
  /** Services that ended without being asked to: part of the error, since what was before them stays there. */
  readonly ends: () => readonly string[]
}

/** What is begun of effects and not known to have ended: after a crash the next owner may wait in silence before it asks. */
async function undecided(bus: Bus): Promise<readonly string[]> {
  const { actions } = await busOutcome(bus)
  return actions.filter(isUndecided).map(({ id, step, state }) => `${step} ${id} is ${state}`)
}

/**
 * Until all services are ready and have come to the ends of their logs, nothing but control records has been written for a while,
 * and every effect is decided.
 */
export async function untilQuiet(bus: Bus, { quietMs, withinMs, unready, ends }: Rest): Promise<void> {
  const watched = [
    topics.events,
    topics.observations,
    topics.signals,
    topics.incidents,
    topics.effects,
    topics.licenses,
  ]
  const counts = new Map(watched.map((topic) => [topic, 0]))
  let since = performance.now()
  const followed = await Promise.all(
    watched.map((topic) =>
      bus.follow(topic, (batch) => {
        const news = batch.filter((record) => !(headers.control in record.headers)).length
        if (news === 0) return
        counts.set(topic, counts.get(topic)! + news)
        since = performance.now()
      }),
    ),
  )
  const deadline = performance.now() + withinMs
  for (;;) {
    await sleep(500)
    const starting = (await unready()).map((name) => `${name} is not ready`)
    const before = [...starting, ...(await waiting(bus))]
    const now = performance.now()
    if (before.length > 0) since = now
    if (now - since >= quietMs) {
      before.push(...(await undecided(bus)))
      if (before.length === 0) break
    }
    if (now < deadline) continue
    const news = [...counts].map(([topic, count]) => `${topic} ${count}`)
    throw new Error(`no rest: ${[...ends(), ...before, 'written since the end:', ...news].join('; ')}`)
  }
  await Promise.all(followed.map((each) => each.stop()))
}
