/** Extraction as it is asked for: by one account, hidden among natural queries, after a takeover, by many accounts. */
import { agentOf, addressOf, besides, countryOf, identityOf, type Identity } from '../customers/identity.ts'
import { dayMs } from '../customers/rhythm.ts'
import { honestCustomer, sceneOf } from '../customers/customer.ts'
import type { Dice } from '../dice.ts'
import type { Victim } from '../victims/victim.ts'
import {
  activeCenters,
  activeMargin,
  equationSolving,
  evenCoverage,
  harvest,
  jbda,
  knockoffAdaptive,
  knockoffRandom,
  lineSearch,
  otherDomain,
  pathFinding,
  targetedRandom,
  uniform,
  type Extraction,
} from './extraction.ts'
import { addRun, vectorVictims, victimsFor, type Scenario } from './scenario.ts'

const stolen = ['extraction', 'distillation']

interface Plain {
  readonly name: string
  readonly attack: Extraction
  readonly fits?: (victim: Victim) => boolean
  readonly runs?: number
  readonly queries?: readonly [number, number]
  readonly accepted?: readonly string[]
  readonly among?: number
}

/** One account a run. */
function plain({ name, attack, fits, runs = 3, queries = [300, 600], accepted = stolen, among = 0 }: Plain): Scenario {
  return {
    name,
    make: (stage) => {
      const victims = victimsFor(stage, runs, fits)
      for (const victim of victims) addRun(stage, { victim, attack, accepted, queries, among })
      return victims
    },
  }
}

/** Either of the attacks that work on vectors, drawn for each run. */
const eitherAttack = (dice: Dice): Extraction => dice.pick([jbda, targetedRandom, knockoffRandom, uniform])

function manyAccounts(
  name: string,
  accounts: (dice: Dice) => readonly Identity[],
  eachQueries: number | undefined,
): Scenario {
  return {
    name,
    make: (stage) => {
      const victims = victimsFor(stage, 2, vectorVictims)
      for (const victim of victims) {
        const all = accounts(stage.dice)
        const deal = (n: number): number => (eachQueries === undefined ? n : Math.floor(n / eachQueries)) % all.length
        addRun(stage, {
          victim,
          attack: eitherAttack(stage.dice),
          accepted: stolen,
          queries: [420, 600],
          accounts: all,
          deal,
        })
      }
      return victims
    },
  }
}

const many = (count: number, of: (n: number) => Identity): Identity[] => Array.from({ length: count }, (_, n) => of(n))

export const extractionScenarios: readonly Scenario[] = [
  plain({ name: 'uniform', attack: uniform, fits: vectorVictims }),
  plain({ name: 'other domain', attack: otherDomain }),
  plain({ name: 'jbda', attack: jbda, fits: vectorVictims }),
  plain({ name: 't-rnd', attack: targetedRandom, fits: vectorVictims }),
  plain({ name: 'knockoff random', attack: knockoffRandom }),
  plain({ name: 'knockoff adaptive', attack: knockoffAdaptive }),
  plain({ name: 'active margin', attack: activeMargin, fits: vectorVictims }),
  plain({ name: 'active k-center', attack: activeCenters }),
  plain({
    name: 'path finding',
    attack: pathFinding,
    fits: ({ learner, shape }) => learner === 'forest' && shape.kind === 'table',
    runs: 2,
    accepted: [...stolen, 'boundary-search'],
  }),
  plain({
    name: 'line search',
    attack: lineSearch,
    fits: vectorVictims,
    accepted: [...stolen, 'boundary-search'],
    queries: [250, 450],
  }),
  plain({
    name: 'equation solving',
    attack: equationSolving,
    fits: ({ learner, shape }) => learner === 'logistic' && shape.kind === 'table',
    runs: 2,
    queries: [60, 160],
  }),
  plain({ name: 'blended 1 to 3', attack: jbda, fits: vectorVictims, among: 3, queries: [150, 220] }),
  plain({ name: 'blended 1 to 10', attack: jbda, fits: vectorVictims, among: 10, queries: [70, 100] }),
  plain({ name: 'in-distribution harvest', attack: harvest, queries: [900, 1_300] }),
  plain({
    name: 'embedding distillation by one',
    attack: evenCoverage,
    fits: ({ shape }) => shape.kind === 'embedding',
    runs: 2,
    queries: [600, 900],
  }),
  {
    name: 'embedding distillation by six',
    make: (stage) => {
      const victims = victimsFor(stage, 2, ({ shape }) => shape.kind === 'embedding')
      for (const victim of victims) {
        const accounts = many(6, () => identityOf(stage.dice))
        addRun(stage, {
          victim,
          attack: evenCoverage,
          accepted: stolen,
          queries: [700, 1_000],
          accounts,
          deal: (n) => n % 6,
        })
      }
      return victims
    },
  },
  {
    name: 'extraction after takeover',
    make: (stage) => {
      const { dice, world, traffic } = stage
      const victims = victimsFor(stage, 3, vectorVictims)
      for (const victim of new Set(victims)) {
        const { who, kind } = dice.pick(world.known.get(victim.id)!)
        honestCustomer(kind, sceneOf(traffic, victim, dice, 2, who))
        const thief = {
          ...who,
          ip: addressOf(dice),
          country: countryOf(dice, who.country),
          userAgent: agentOf(dice, who.userAgent),
        }
        addRun(stage, {
          victim,
          attack: eitherAttack(dice),
          accepted: ['extraction', 'credential-sharing', 'distillation'],
          queries: [250, 450],
          accounts: [thief],
          startMs: traffic.startMs + dayMs,
        })
      }
      return victims
    },
  },
  manyAccounts(
    'sybils sharing a network',
    (dice) => {
      const ip = addressOf(dice)
      const country = countryOf(dice)
      return many(10, () => identityOf(dice, { ip: besides(ip, dice), country }))
    },
    undefined,
  ),
  manyAccounts(
    'sybils sharing an agent',
    (dice) => {
      const userAgent = `${agentOf(dice)} ${dice.hex(4)}`
      return many(10, () => identityOf(dice, { userAgent }))
    },
    undefined,
  ),
  manyAccounts('sybils sharing nothing', (dice) => many(10, () => identityOf(dice)), undefined),
  manyAccounts(
    'rotating accounts',
    (dice) => {
      const ip = dice.chance(0.5) ? addressOf(dice) : undefined
      return many(20, () => identityOf(dice, ip === undefined ? {} : { ip }))
    },
    30,
  ),
]
