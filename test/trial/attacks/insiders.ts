/** Insiders who take weights or training data, each in a way of its own, among colleagues who do their work. */
import { addressOf } from '../customers/identity.ts'
import { dayMs, hourMs, minuteMs } from '../customers/rhythm.ts'
import { addStaff, audit, part, shard, type Estate, type Person } from '../customers/staff.ts'
import type { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import type { Scenario } from './scenario.ts'

interface Insider {
  readonly name: string
  readonly role: Person['role']
  act(deeds: Deeds): void
}

interface Deeds {
  readonly traffic: Traffic
  readonly estate: Estate
  readonly dice: Dice
  readonly who: Person
  readonly run: string
  /** Midnight of a working day in the second week. */
  readonly day: number
}

const fileDays = 10

function send({ traffic, who, run, dice }: Deeds, atMs: number, bytes: number, to: string): void {
  const flows = dice.int(1, 4)
  for (let n = 0; n < flows; n++) {
    audit(
      traffic,
      atMs + n * 5 * minuteMs,
      who,
      { source: 'egress', action: 'flow', resource: to, bytes: bytes / flows },
      run,
    )
  }
}

function fetchShards(deeds: Deeds, atMs: number, numbers: readonly number[], model: string, gapMs: number): number {
  const { traffic, estate, who, run } = deeds
  for (const [n, number] of numbers.entries()) {
    const resource = shard(estate, model, number)
    audit(
      traffic,
      atMs + n * gapMs,
      who,
      { source: 'objectstore', action: 'GetObject', resource, bytes: estate.shardBytes },
      run,
    )
  }
  return numbers.length * estate.shardBytes
}

const all = ({ estate }: Deeds): number[] => [...Array(estate.shards).keys()]
const shareSite = (dice: Dice): string => `${dice.pick(['drop', 'share', 'cloud', 'files'])}.${dice.hex(4)}.example.net`

const insiders: readonly Insider[] = [
  {
    name: 'bulk',
    role: 'research',
    act: (deeds) => {
      const { dice, estate, day } = deeds
      const at = day + dice.between(10, 23) * hourMs
      const bytes = fetchShards(deeds, at, all(deeds), dice.pick(estate.models), dice.between(3, 20) * 1_000)
      send(deeds, at + hourMs, bytes, shareSite(dice))
    },
  },
  {
    name: 'drip',
    role: 'research',
    act: (deeds) => {
      const { dice, estate, traffic } = deeds
      const [model, site] = [dice.pick(estate.models), shareSite(dice)]
      let next = 0
      for (let n = 0; n < fileDays && next < estate.shards; n++) {
        const midnight = traffic.startMs + n * dayMs
        const numbers = Array.from({ length: dice.int(2, 4) }, () => next++).filter((number) => number < estate.shards)
        const bytes = fetchShards(deeds, midnight + dice.between(9, 15) * hourMs, numbers, model, 20 * minuteMs)
        send(deeds, midnight + dice.between(17, 22) * hourMs, bytes, site)
      }
    },
  },
  {
    name: 'staging then egress',
    role: 'platform',
    act: (deeds) => {
      const { dice, estate, day, traffic, who, run } = deeds
      const model = dice.pick(estate.models)
      const dest = `s3://scratch-${dice.hex(4)}`
      const at = day + dice.between(9, 16) * hourMs
      for (const n of all(deeds)) {
        audit(
          traffic,
          at + n * 30_000,
          who,
          {
            source: 'objectstore',
            action: 'CopyObject',
            resource: shard(estate, model, n),
            bytes: estate.shardBytes,
            detail: { dest },
          },
          run,
        )
      }
      send(deeds, at + dice.between(8, 30) * hourMs, estate.shards * estate.shardBytes, shareSite(dice))
    },
  },
  {
    name: 'foreign copy',
    role: 'data',
    act: (deeds) => {
      const { dice, estate, day, traffic, who, run } = deeds
      const dest = `s3://${dice.hex(8)}`
      const [at, from, count] = [day + dice.between(9, 16) * hourMs, dice.int(0, estate.parts - 1), dice.int(60, 120)]
      for (let n = 0; n < count; n++) {
        const resource = part(estate, (from + n) % estate.parts)
        audit(
          traffic,
          at + n * 4_000,
          who,
          { source: 'objectstore', action: 'CopyObject', resource, bytes: estate.partBytes, detail: { dest } },
          run,
        )
      }
    },
  },
  {
    name: 'rights raised',
    role: 'platform',
    act: ({ dice, estate, day, traffic, who, run }) => {
      const service = estate.people.find(({ principal }) => principal.startsWith('svc-release'))!.principal
      let at = day + dice.between(12, 21) * hourMs
      const step = (
        action: string,
        resource: string,
        detail: Record<string, unknown> = {},
        source: 'iam' | 'objectstore' = 'iam',
      ): void => {
        at += dice.between(0.5, 4) * minuteMs
        audit(traffic, at, who, { source, action, resource, detail }, run)
      }
      step('ListUsers', 'iam')
      step('CreateAccessKey', service)
      step('AttachUserPolicy', service, { policy: 'AdministratorAccess' })
      if (dice.chance(0.5)) step('StopLogging', 'trail/main')
      step('PutBucketPolicy', estate.weights, { principal: '*', effect: 'Allow' }, 'objectstore')
      const thief = { ...who, ip: addressOf(dice) }
      for (let n = 0; n < estate.shards; n++) {
        audit(
          traffic,
          at + (10 + n / 4) * minuteMs,
          thief,
          {
            source: 'objectstore',
            action: 'GetObject',
            resource: shard(estate, estate.models[0]!, n),
            bytes: estate.shardBytes,
          },
          run,
        )
      }
    },
  },
  {
    name: 'outside of the role',
    role: 'support',
    act: (deeds) => {
      const { dice, estate, day, traffic, who, run } = deeds
      for (let evening = 0; evening < 2; evening++) {
        const at = day + evening * dayMs + dice.between(17, 20) * hourMs
        for (let n = dice.int(30, 60); n > 0; n--) {
          const resource = part(estate, dice.int(30, estate.parts - 1))
          audit(
            traffic,
            at + n * 45_000,
            who,
            { source: 'objectstore', action: 'GetObject', resource, bytes: estate.partBytes },
            run,
          )
        }
        for (const resource of estate.repositories) {
          audit(
            traffic,
            at + dice.between(40, 80) * minuteMs,
            who,
            { source: 'git', action: 'git.clone', resource, bytes: 2e8 },
            run,
          )
        }
      }
    },
  },
]

export const insiderScenarios: readonly Scenario[] = [0, 1, 2, 3].map((number) => ({
  name: `insiders ${number + 1}`,
  make: ({ world: { estate }, traffic, dice }) => {
    const chosen = [0, 2, 4].map((n) => insiders[(n + (number % 2)) % insiders.length]!)
    const taken: Person[] = []
    for (const { name, role, act } of chosen) {
      const who = dice.pick(estate.people.filter((person) => person.role === role && !taken.includes(person)))
      taken.push(who)
      const scenario = `insider: ${name}`
      const run = traffic.runId(scenario)
      traffic.run({ scenario, id: run, model: '', accounts: [who.principal], accepted: ['exfiltration'] })
      act({ traffic, estate, dice, who, run, day: workingDay(traffic.startMs + dice.int(3, 7) * dayMs) })
    }
    addStaff(traffic, estate, dice, fileDays, taken)
    return []
  },
}))

function workingDay(midnight: number): number {
  const weekday = new Date(midnight).getUTCDay()
  return weekday === 0 || weekday === 6 ? midnight + 2 * dayMs : midnight
}
