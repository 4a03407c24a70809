/** All that one seed's files have in common: the models, the customers who were there in the week before, who works there. */
import { ordinaryKinds } from '../customers/ordinary.ts'
import { hardKinds } from '../customers/hard.ts'
import { honestCustomer, sceneOf, type HonestKind } from '../customers/customer.ts'
import { identityOf, type Identity } from '../customers/identity.ts'
import { promptKinds, type PromptKind } from '../customers/language.ts'
import { addStaff, estateOf, type Estate } from '../customers/staff.ts'
import { dayMs } from '../customers/rhythm.ts'
import { Dice } from '../dice.ts'
import { languageModelOf, type LanguageModel } from '../victims/language.ts'
import { victimsOf, type Victim } from '../victims/victim.ts'
import { Traffic } from './traffic.ts'

export interface Known {
  readonly who: Identity
  readonly kind: HonestKind
}

interface KnownPrompter {
  readonly who: Identity
  readonly kind: PromptKind
  readonly model: LanguageModel
}

export interface License {
  readonly tenant: string
  readonly principal: string
  readonly model: string
  readonly allowedCountries?: readonly string[]
  readonly allowedIps?: readonly string[]
  readonly dailyCap?: number
  readonly qpsCap?: number
  readonly notAfter?: string
}

export interface World {
  readonly seed: number
  readonly dice: Dice
  readonly victims: readonly Victim[]
  readonly languageModels: readonly LanguageModel[]
  /** The first midnight of history; the other files begin a week later. */
  readonly weekMs: number
  readonly testMs: number
  /** Customers that history has seen, by model. */
  readonly known: Map<string, Known[]>
  readonly knownPrompters: KnownPrompter[]
  readonly estate: Estate
  /** Gathered while files are made. */
  readonly licenses: License[]
}

export function worldOf(seed: number): World {
  const dice = new Dice(`trial ${seed}`)
  const weekMs = Date.parse('2025-01-06T00:00:00.000Z') + dice.int(0, 600) * dayMs
  return {
    seed,
    dice,
    victims: victimsOf(dice.fork('victims')),
    languageModels: [
      languageModelOf(`chat-${dice.hex(3)}`, 'embedding', dice.fork('chat')),
      languageModelOf(`write-${dice.hex(3)}`, dice.pick(['similarityHash', 'none']), dice.fork('write')),
    ],
    weekMs,
    testMs: weekMs + 7 * dayMs,
    known: new Map(),
    knownPrompters: [],
    estate: estateOf(dice.fork('estate')),
    licenses: [],
  }
}

/** A kind that makes sense here: most customers are ordinary. */
export function kindFor(victim: Victim, dice: Dice, hard: number): HonestKind {
  const fitting = (dice.chance(hard) ? hardKinds : ordinaryKinds).filter(({ fits }) => fits?.(victim) ?? true)
  return dice.pick(fitting)
}

/** The week before: honest customers alone. Some of them come again later. */
export function historyOf(world: World): Traffic {
  const dice = world.dice.fork('history')
  const traffic = new Traffic('history.jsonl', world.weekMs, dice.fork('ids'), world.testMs)
  for (const victim of world.victims) {
    const known: Known[] = []
    for (let n = dice.int(9, 12); n > 0; n--) {
      const kind = kindFor(victim, dice, 0.25)
      known.push({ who: honestCustomer(kind, sceneOf(traffic, victim, dice, 7)), kind })
    }
    world.known.set(victim.id, known)
  }
  for (const model of world.languageModels) {
    for (let n = dice.int(9, 12); n > 0; n--) {
      const known = { who: identityOf(dice), kind: dice.pick(promptKinds), model }
      prompt(traffic, known, dice, 7)
      world.knownPrompters.push(known)
    }
  }
  addStaff(traffic, world.estate, dice.fork('staff'), 7, [])
  return traffic
}

/** Honest customers of these models beside what a file is about: known ones and new ones. */
export function addBackground(
  world: World,
  traffic: Traffic,
  victims: readonly Victim[],
  dice: Dice,
  count: number,
): void {
  const returning = new Map(victims.map((victim) => [victim.id, dice.shuffled(world.known.get(victim.id)!)]))
  for (let n = 0; n < count; n++) {
    const victim = victims[n % victims.length]!
    const known = n < count / 2 ? returning.get(victim.id)!.pop() : undefined
    const kind = known?.kind ?? kindFor(victim, dice, 0.25)
    honestCustomer(kind, sceneOf(traffic, victim, dice, dice.int(2, 4), known?.who))
  }
}

/** Honest users of the language models, known and new; each kind at least once where there are enough. */
export function addPromptBackground(world: World, traffic: Traffic, dice: Dice, count: number): void {
  const returning = dice.sample(world.knownPrompters, Math.floor(count / 2))
  for (const known of returning) prompt(traffic, known, dice, dice.int(2, 4))
  for (const [n, kind] of dice
    .shuffled(promptKinds)
    .slice(0, count - returning.length)
    .entries()) {
    const model = world.languageModels[n % world.languageModels.length]!
    prompt(traffic, { who: identityOf(dice), kind, model }, dice, dice.int(2, 4))
  }
}

function prompt(traffic: Traffic, { who, kind, model }: KnownPrompter, dice: Dice, days: number): void {
  traffic.honest(who.principal, `prompts: ${kind.name}`)
  kind.run({ traffic, model, dice, who, days })
}
