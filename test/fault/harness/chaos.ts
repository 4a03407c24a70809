/**
 * What goes wrong in a disturbed run, at moments that a seed decides: kills of every service, some of them in the middle of an
 * effect; and, where asked for, everything else that operation knows of.
 *
 * Each disturbance leaves things as they were: processes run again, disks have room, clocks tell the time.
 */
import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../cli/demo/random.ts'
import type { Fleet, Member } from '../../support/fleet.ts'
import type { ElasticsearchNode } from '../../servers/elasticsearch/node.ts'
import type { KafkaBroker } from '../../servers/kafka/broker.ts'
import { channels, type Channel, type Receivers } from './receivers.ts'

export interface Chaos {
  readonly fleet: Fleet
  readonly broker: KafkaBroker
  readonly elasticsearch: ElasticsearchNode
  /** Folders on disks of their own, to be filled. */
  readonly disks: readonly string[]
  readonly random: Random
  readonly receivers: Receivers
  /** Kills of services, over all of them. */
  readonly kills: number
  /** Kills of respond after a receiver has taken something in and before respond knows, by each channel. */
  readonly effectKills: number
  /** Servers that die, zombies, full disks, wrong clocks and a rebalance storm as well. */
  readonly everything: boolean
  /** The disturbances are spread over so long. */
  readonly overMs: number
  /** Silence after which a member counts as gone. */
  readonly sessionTimeoutMs: number
  readonly say: (line: string) => void
}

/** Everything once or as often as asked; what was done, by name. */
export async function disturb(chaos: Chaos): Promise<Readonly<Record<string, number>>> {
  const done: Record<string, number> = {}
  const did = (what: string): void => {
    done[what] = (done[what] ?? 0) + 1
    chaos.say(`${what} (${done[what]})`)
  }
  /** Members that something else is done to at the moment. */
  const busy = new Set<string>(['detect#3'])
  const once = async (at: number, what: string, work: () => Promise<void>): Promise<void> => {
    await sleep(at * chaos.overMs)
    did(what)
    await work()
  }
  chaos.receivers.onTaken = effectKiller(chaos, busy, did)
  if (!chaos.everything) {
    await killServices(chaos, busy, did)
    return done
  }
  // A node that finds its disk full while it starts does not start: that is a person's to mend.
  const searchBack = once(0.35, 'Elasticsearch killed', () => restartElasticsearch(chaos))
  await Promise.all([
    searchBack,
    killServices(chaos, busy, did),
    once(0.12, 'zombie: detect is stopped for longer than its session', () => zombie(chaos, 'detect#2', busy)),
    once(0.22, 'broker killed', () => restartBroker(chaos)),
    once(0.42, 'zombie: respond is stopped for longer than its session', () => zombie(chaos, 'respond#2', busy)),
    once(0.5, 'clocks jump an hour, and back', () => jumpClocks(chaos, busy)),
    once(0.6, 'rebalance storm: a copy of detect joins and leaves', () => storm(chaos)),
    searchBack.then(() => once(0.75 - 0.35, 'disks full', () => fillDisks(chaos))),
  ])
  return done
}

/** Each service in turn, in an order of chance, and as often as any other; at random moments. */
async function killServices(chaos: Chaos, busy: Set<string>, did: (what: string) => void): Promise<void> {
  const members = [...chaos.fleet.members.values()].filter(({ name }) => name !== 'detect#3')
  const victims = members.map((member) => ({ member, at: chaos.random.next() })).sort((a, b) => a.at - b.at)
  const pause = chaos.overMs / chaos.kills
  for (let kill = 0; kill < chaos.kills; kill++) {
    await sleep(chaos.random.next() * 2 * pause * 0.8)
    const victim = await free(
      victims.map(({ member }) => member),
      kill,
      busy,
    )
    await killOne(victim, busy, chaos.random, did, '')
  }
}

async function killOne(
  victim: Member,
  busy: Set<string>,
  random: Random,
  did: (what: string) => void,
  when: string,
): Promise<void> {
  busy.add(victim.name)
  await victim.kill9()
  did(`kill -9 of ${victim.name}${when}`)
  await sleep(random.next() * 1_000)
  await victim.start()
  busy.delete(victim.name)
}

/** What was taken in and is not known to have been: the copies of respond die, one of which waits for the answer. */
function effectKiller(
  { fleet, random, effectKills }: Chaos,
  busy: Set<string>,
  did: (what: string) => void,
): (channel: Channel) => void {
  const left = new Map<Channel, number>(channels.map((channel) => [channel, effectKills]))
  const copies = [...fleet.members.values()].filter(({ name }) => /^respond(#|$)/.test(name))
  return (channel) => {
    const kills = left.get(channel)!
    if (kills === 0 || copies.some(({ name }) => busy.has(name))) return
    left.set(channel, kills - 1)
    for (const copy of copies) void killOne(copy, busy, random, did, ` in an effect (${channel})`)
  }
}

async function free(victims: readonly Member[], from: number, busy: ReadonlySet<string>): Promise<Member> {
  for (let i = from; ; i++) {
    const victim = victims[i % victims.length]!
    if (!busy.has(victim.name)) return victim
    await sleep(50)
  }
}

/** It believes itself alive, while others own what it owned. */
async function zombie({ fleet, sessionTimeoutMs }: Chaos, name: string, busy: Set<string>): Promise<void> {
  const member = fleet.members.get(name)!
  while (busy.has(name)) await sleep(50)
  busy.add(name)
  member.signal('SIGSTOP')
  await sleep(sessionTimeoutMs * 2)
  member.signal('SIGCONT')
  await sleep(2_000)
  busy.delete(name)
}

async function restartBroker({ broker, random }: Chaos): Promise<void> {
  await broker.kill9()
  await sleep(1_000 + random.next() * 4_000)
  await broker.restart()
}

async function restartElasticsearch({ elasticsearch, random }: Chaos): Promise<void> {
  await elasticsearch.kill9()
  await sleep(1_000 + random.next() * 4_000)
  await elasticsearch.restart()
}

/** Not respond's: what it sends is signed with the time, and a receiver rightly refuses the hour after next. */
async function jumpClocks({ fleet }: Chaos, busy: Set<string>): Promise<void> {
  const names = ['normalize', 'detect', 'correlate', 'indexer', 'licensing']
  for (const name of names) {
    while (busy.has(name)) await sleep(50)
    busy.add(name)
  }
  // A process that only just started does not know the signal yet, and would die of it.
  for (const name of names) await fleet.members.get(name)!.ready()
  for (const name of names) fleet.members.get(name)!.signal('SIGUSR2')
  await sleep(10_000)
  for (const name of names) fleet.members.get(name)!.signal('SIGUSR2')
  for (const name of names) busy.delete(name)
}

const stormMs = 60_000
const stormTurnMs = 5_000

async function storm({ fleet, overMs }: Chaos): Promise<void> {
  const member = fleet.members.get('detect#3')!
  const until = performance.now() + Math.min(stormMs, overMs / 3)
  while (performance.now() < until) {
    await member.start()
    await sleep(stormTurnMs)
    await member.stop()
  }
}

const fullMs = 20_000

async function fillDisks({ disks, overMs }: Chaos): Promise<void> {
  const fillers = disks.map((disk) => join(disk, 'filler'))
  for (const filler of fillers) await writeFile(filler, zeros()).catch(() => undefined)
  await sleep(Math.min(fullMs, overMs / 4))
  for (const filler of fillers) await rm(filler, { force: true })
}

/** Until there is no room for more. */
function* zeros(): Generator<Buffer> {
  const block = Buffer.alloc(64 * 1_024)
  for (;;) yield block
}

/** A small disk at this folder; undefined where that takes rights that we don't have. */
export function mountDisk(folder: string, mb: number): { unmount(): void } | undefined {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mb}m`, 'tmpfs', folder])
  if (status !== 0) return undefined
  return {
    unmount: () => {
      spawnSync('umount', ['-l', folder])
    },
  }
}
