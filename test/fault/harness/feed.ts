/**
 * Feeds a day: at an even pace, in order of time; what a broker that is away holds up comes later. Some records come by
 * collect's door, from senders that send the same again until they are told that it has been taken.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '../../../core/ports/bus.ts'
import type { Fleet } from '../../support/fleet.ts'
import type { FaultDay, FaultRecord } from './records.ts'

const everyMs = 250
const againMs = 200
const withinMs = 5 * 60_000

export interface Doors {
  readonly bus: Bus
  readonly fleet: Fleet
}

/** Resolves when all of it is on the bus. */
export async function feed({ records, before }: FaultDay, perSecond: number, doors: Doors): Promise<void> {
  await feedInTurns(records.slice(0, before), perSecond, doors)
  await feedInTurns(records.slice(before), perSecond, doors)
}

async function feedInTurns(records: readonly FaultRecord[], perSecond: number, doors: Doors): Promise<void> {
  const perTurn = Math.max(1, Math.round((perSecond * everyMs) / 1_000))
  const sending: Promise<void>[] = []
  for (let at = 0; at < records.length; at += perTurn) {
    const turn = records.slice(at, at + perTurn)
    const byDoor = Map.groupBy(turn, ({ door }) => door)
    const over = sleep(everyMs)
    // A turn may be an hour of the day: records by the door may come after its others, but must not make these late.
    await doors.bus.publish(byDoor.get(undefined) ?? [])
    for (const [door, some] of byDoor) if (door !== undefined) sending.push(send(doors.fleet, door, some))
    await over
  }
  await Promise.all(sending)
}

async function send({ members, token }: Fleet, door: string, records: readonly FaultRecord[]): Promise<void> {
  const url = `${members.get('collect')!.url}/v1/events/${door}`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' }
  const body = records.map(({ value }) => String(value)).join('\n')
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) })
      const text = await answer.text()
      if (answer.status === 202) return
      if (answer.status < 500) throw new TypeError(`collect answers ${answer.status}: ${text}`)
    } catch (error) {
      // It is being killed, or the bus is away.
      if (error instanceof TypeError && error.message.startsWith('collect answers')) throw error
      if (performance.now() > deadline) throw error
    }
    await sleep(againMs)
  }
}
