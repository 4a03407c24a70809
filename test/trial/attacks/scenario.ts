/** A scenario: attacks of one kind in a file of their own, over several models, beside honest customers. */
import { ownDataOf } from '../customers/customer.ts'
import { identityOf, type Identity } from '../customers/identity.ts'
import { dayMs, hourMs, paced, workdays } from '../customers/rhythm.ts'
import type { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import type { World } from '../files/world.ts'
import type { Victim } from '../victims/victim.ts'
import { oracleOf, spend, type Attack } from './oracle.ts'

export interface Stage {
  readonly world: World
  readonly traffic: Traffic
  readonly dice: Dice
  readonly scenario: string
}

export interface Scenario {
  readonly name: string
  /** Writes attacks into the file; answers which models' customers belong beside them. */
  make(stage: Stage): readonly Victim[]
}

export interface RunOptions {
  readonly victim: Victim
  readonly attack: (attack: Attack) => void
  readonly accepted: readonly string[]
  readonly queries: readonly [number, number]
  readonly accounts?: readonly Identity[]
  /** Which of the accounts asks the n-th query. */
  readonly deal?: (n: number) => number
  readonly among?: number
  readonly startMs?: number
}

export const vectorVictims = ({ shape }: Victim): boolean => shape.kind !== 'embedding'

/** So many models that fit, different ones as long as there are. */
export function victimsFor(stage: Stage, count: number, fits: (victim: Victim) => boolean = () => true): Victim[] {
  const fitting = stage.dice.shuffled(stage.world.victims.filter(fits))
  return Array.from({ length: count }, (_, n) => fitting[n % fitting.length]!)
}

/** An API that takes whole numbers, or pictures of 8 bits: half of the attackers send what it takes. */
function steppedInputs({ shape: { kind, columns } }: Victim): boolean {
  return kind === 'table' || (kind === 'image' && columns[0]!.step < 0.01)
}

/** When a run's queries are asked: in a rush, at a pace, or over working days. */
export function attackTimes(dice: Dice, startMs: number, count: number): number[] {
  const from = startMs + dice.between(2, 30) * hourMs
  const style = dice.weighted([3, 3, 2, 2])
  if (style === 3) return workdays(dice, startMs, 4, count)
  const gaps = [
    [60, 400],
    [800, 5_000],
    [8_000, 60_000],
  ][style]!
  return paced(dice, from, Math.min(dice.between(gaps[0]!, gaps[1]!), (4 * dayMs) / count), count)
}

export function addRun(stage: Stage, options: RunOptions): void {
  const { traffic, dice } = stage
  const { victim, attack, accepted, among = 0 } = options
  const accounts = options.accounts ?? [identityOf(dice)]
  const run = traffic.runId(stage.scenario)
  traffic.run({
    scenario: stage.scenario,
    id: run,
    model: victim.id,
    accounts: [...new Set(accounts.map(({ principal }) => principal))],
    accepted,
  })
  const count = dice.int(...options.queries) * (1 + among)
  const own = ownDataOf(victim, dice, run)
  const careful = steppedInputs(victim) && dice.chance(0.5)
  const oracle = oracleOf({
    traffic,
    victim,
    run,
    account: (n) => accounts[options.deal?.(n) ?? 0]!,
    times: attackTimes(dice, options.startMs ?? traffic.startMs, count),
    ...(among > 0 ? { camouflage: { among, own } } : {}),
  })
  spend(() => attack({ victim, dice, oracle, own, fit: careful ? victim.snapped : victim.clipped }))
}
