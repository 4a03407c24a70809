/** Keys in more hands than one, keys in other hands, and licenses that are not kept. */
import { callAll, honestCustomer, sceneOf, ownDataOf } from '../customers/customer.ts'
import { agentOf, addressOf, countryOf, identityOf, type Identity } from '../customers/identity.ts'
import { anytime, dayMs, hourMs, minuteMs, paced, sessions } from '../customers/rhythm.ts'
import type { Victim } from '../victims/victim.ts'
import { victimsFor, type Scenario, type Stage } from './scenario.ts'

/** The same key from another place. */
function elsewhere({ dice }: Stage, who: Identity): Identity {
  return { ...who, ip: addressOf(dice), country: countryOf(dice, who.country), userAgent: agentOf(dice, who.userAgent) }
}

function startRun({ traffic, scenario }: Stage, victim: Victim, who: Identity, accepted: readonly string[]): string {
  const id = traffic.runId(scenario)
  traffic.run({ scenario, id, model: victim.id, accounts: [who.principal], accepted })
  return id
}

const sharedKey: Scenario = {
  name: 'shared key',
  make: (stage) => {
    const { dice, world, traffic } = stage
    const victims = victimsFor(stage, 3)
    for (const victim of new Set(victims)) {
      const { who } = dice.pick(world.known.get(victim.id)!)
      const run = startRun(stage, victim, who, ['credential-sharing'])
      const hands = [who, ...Array.from({ length: dice.int(1, 5) }, () => elsewhere(stage, who))]
      for (const hand of hands) {
        const own = ownDataOf(victim, dice, hand.ip)
        // The same hours for all: they overlap.
        for (const atMs of sessions(dice, traffic.startMs + 8 * hourMs, 2, dice.int(50, 110), 40_000))
          traffic.call(atMs, hand, victim, own(), run)
      }
    }
    return victims
  },
}

const takeover: Scenario = {
  name: 'takeover',
  make: (stage) => {
    const { dice, world, traffic } = stage
    const victims = victimsFor(stage, 3)
    for (const victim of new Set(victims)) {
      const { who, kind } = dice.pick(world.known.get(victim.id)!)
      honestCustomer(kind, sceneOf(traffic, victim, dice, 2, who))
      const run = startRun(stage, victim, who, ['credential-sharing', 'extraction'])
      const thief = elsewhere(stage, who)
      const own = ownDataOf(victim, dice, run)
      const from = traffic.startMs + dayMs + dice.between(4, 20) * hourMs
      for (const atMs of paced(dice, from, dice.between(2, 60) * 1_000, dice.int(120, 260)))
        traffic.call(atMs, thief, victim, own(), run)
    }
    return victims
  },
}

interface Term {
  readonly name: string
  /** Registers the license and calls; `run` is undefined for what is allowed. */
  write(stage: Stage, victim: Victim, who: Identity, run: string | undefined): void
}

const farMs = 40 * dayMs

function license({ world }: Stage, victim: Victim, who: Identity, terms: Record<string, unknown>): void {
  const iso = new Date(world.testMs + farMs).toISOString()
  world.licenses.push({
    tenant: who.tenant,
    principal: who.principal,
    model: victim.id,
    allowedCountries: [who.country],
    notAfter: iso,
    ...terms,
  })
}

/** Each breach, and beside it somebody who goes just as far as the license allows. */
const terms: readonly Term[] = [
  {
    name: 'daily cap',
    write: (stage, victim, who, run) => {
      const { dice, traffic } = stage
      const dailyCap = dice.int(80, 160)
      license(stage, victim, who, { dailyCap })
      const scene = sceneOf(traffic, victim, dice, 1, who)
      const times = anytime(
        dice,
        traffic.startMs + hourMs,
        traffic.startMs + 23 * hourMs,
        run === undefined ? dailyCap : dailyCap + dice.int(20, 60),
      )
      for (const [n, atMs] of times.entries())
        traffic.call(atMs, who, victim, scene.own(), n < dailyCap ? undefined : run)
    },
  },
  {
    name: 'expired',
    write: (stage, victim, who, run) => {
      const { dice, traffic } = stage
      const ends = traffic.startMs + dice.between(0.5, 1.5) * dayMs
      license(stage, victim, who, { notAfter: new Date(ends).toISOString() })
      const scene = sceneOf(traffic, victim, dice, 1, who)
      callAll(scene, anytime(dice, traffic.startMs, ends - 1_000, 40), scene.own)
      if (run === undefined) traffic.call(Math.floor(ends) - 1_000, who, victim, scene.own())
      else
        for (const atMs of anytime(dice, ends + minuteMs, ends + dayMs, 30))
          traffic.call(atMs, who, victim, scene.own(), run)
    },
  },
  {
    name: 'country',
    write: (stage, victim, who, run) => {
      const { dice, traffic } = stage
      const second = countryOf(dice, who.country)
      license(stage, victim, who, { allowedCountries: [who.country, ...(run === undefined ? [second] : [])] })
      const scene = sceneOf(traffic, victim, dice, 1, who)
      callAll(scene, anytime(dice, traffic.startMs, traffic.startMs + dayMs, 40), scene.own)
      const away = { ...who, country: second, ip: addressOf(dice) }
      for (const atMs of anytime(dice, traffic.startMs + 2 * dayMs, traffic.startMs + 3 * dayMs, 25))
        traffic.call(atMs, away, victim, scene.own(), run)
    },
  },
  {
    name: 'address',
    write: (stage, victim, who, run) => {
      const { dice, traffic } = stage
      const other = addressOf(dice)
      license(stage, victim, who, { allowedIps: [who.ip, ...(run === undefined ? [other] : [])] })
      const scene = sceneOf(traffic, victim, dice, 1, who)
      callAll(scene, anytime(dice, traffic.startMs, traffic.startMs + dayMs, 40), scene.own)
      for (const atMs of anytime(dice, traffic.startMs + dayMs, traffic.startMs + 2 * dayMs, 25))
        traffic.call(atMs, { ...who, ip: other }, victim, scene.own(), run)
    },
  },
  {
    name: 'another model',
    write: (stage, victim, who, run) => {
      const { dice, traffic, world } = stage
      license(stage, victim, who, {})
      const scene = sceneOf(traffic, victim, dice, 2, who)
      callAll(scene, anytime(dice, traffic.startMs, traffic.startMs + 2 * dayMs, 60), scene.own)
      const other = dice.pick(world.victims.filter((each) => each !== victim))
      if (run === undefined) license(stage, other, who, {})
      license(stage, other, identityOf(dice), {})
      for (const atMs of anytime(dice, traffic.startMs + dayMs, traffic.startMs + 2 * dayMs, 20)) {
        traffic.call(atMs, who, other, other.shape.natural(dice).input, run)
      }
    },
  },
  {
    name: 'rate',
    write: (stage, victim, who, run) => {
      const { dice, traffic } = stage
      const qpsCap = dice.int(4, 8)
      license(stage, victim, who, { qpsCap })
      const scene = sceneOf(traffic, victim, dice, 1, who)
      callAll(scene, anytime(dice, traffic.startMs, traffic.startMs + 8 * hourMs, 30), scene.own)
      const gap = run === undefined ? 1_000 / (qpsCap - 0.2) : 1_000 / (qpsCap * dice.between(2, 5))
      for (let n = 0; n < 90; n++)
        traffic.call(Math.floor(traffic.startMs + 9 * hourMs + n * gap), who, victim, scene.own(), run)
    },
  },
]

const licenses: readonly Scenario[] = terms.map(({ name, write }) => ({
  name: `license: ${name}`,
  make: (stage) => {
    const victims = victimsFor(stage, 2)
    for (const victim of victims) {
      const who = identityOf(stage.dice)
      write(stage, victim, who, startRun(stage, victim, who, ['licence']))
      const careful = identityOf(stage.dice)
      stage.traffic.honest(careful.principal, `license kept: ${name}`)
      write(stage, victim, careful, undefined)
    }
    return victims
  },
}))

export const credentialScenarios: readonly Scenario[] = [sharedKey, takeover, ...licenses]
