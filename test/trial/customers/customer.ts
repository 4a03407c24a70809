/** What every customer of a model has: who it is, where its data comes from, and what it is for the judge. */
import { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import type { Victim } from '../victims/victim.ts'
import { identityOf, type Identity } from './identity.ts'

export interface Scene {
  readonly traffic: Traffic
  readonly victim: Victim
  readonly dice: Dice
  readonly who: Identity
  /** Of the file: its first midnight. */
  readonly startMs: number
  readonly days: number
  /** Natural inputs as this customer has them. */
  own(): number[]
}

export interface HonestKind {
  readonly name: string
  /** Whether it makes sense for this model. */
  fits?(victim: Victim): boolean
  run(scene: Scene): void
}

/** Each customer sees some classes more than others, the same ones whenever it comes. */
export function ownDataOf(victim: Victim, dice: Dice, principal: string): () => number[] {
  const habit = new Dice(`habit/${principal}`)
  const weights = Array.from({ length: victim.shape.classes }, () => 0.3 + habit.exponential(0.7))
  return () => victim.shape.natural(dice, dice.weighted(weights)).input
}

export function sceneOf(
  traffic: Traffic,
  victim: Victim,
  dice: Dice,
  days: number,
  who: Identity = identityOf(dice),
): Scene {
  return { traffic, victim, dice, who, startMs: traffic.startMs, days, own: ownDataOf(victim, dice, who.principal) }
}

/** An honest account of this kind in this file; the kind itself writes its calls. */
export function honestCustomer(kind: HonestKind, scene: Scene): Identity {
  scene.traffic.honest(scene.who.principal, kind.name)
  kind.run(scene)
  return scene.who
}

/** The calls of a list of inputs at these times. */
export function callAll(
  scene: Scene,
  times: readonly number[],
  input: (n: number) => readonly number[],
  who = scene.who,
): void {
  for (const [n, atMs] of times.entries()) scene.traffic.call(atMs, who, scene.victim, input(n))
}
