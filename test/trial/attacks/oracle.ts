/**
 * The API as an attack has it: it asks, and gets an answer; accounts, pace and camouflage are somebody else's concern.
 *
 * Attacks go on for ever; the oracle ends them when the queries of the run are spent.
 */
import type { Identity } from '../customers/identity.ts'
import type { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import type { Answer, Victim } from '../victims/victim.ts'
import type { Input } from '../victims/numbers.ts'

/** The run has no query left. */
class SpentError extends Error {}

export interface Oracle {
  ask(x: Input): Answer
}

export interface Attack {
  readonly victim: Victim
  readonly dice: Dice
  readonly oracle: Oracle
  /** As the attacker sends inputs: in range, and whole numbers where the API wants them. */
  readonly fit: (x: Input) => number[]
  /** What the attacker has of natural data. */
  readonly own: () => number[]
}

export interface Camouflage {
  /** Natural queries of the same account for each query of the attack. */
  readonly among: number
  readonly own: () => number[]
}

export interface OracleOptions {
  readonly traffic: Traffic
  readonly victim: Victim
  readonly run: string
  /** Which account asks the n-th query. */
  readonly account: (n: number) => Identity
  /** One for each query, camouflage included. */
  readonly times: readonly number[]
  readonly camouflage?: Camouflage
}

export function oracleOf({ traffic, victim, run, account, times, camouflage }: OracleOptions): Oracle {
  let n = 0
  const call = (x: Input, mark: string | undefined): Answer => {
    const atMs = times[n]
    if (atMs === undefined) throw new SpentError()
    return traffic.call(atMs, account(n++), victim, x, mark)
  }
  return {
    ask: (x) => {
      for (let hidden = 0; hidden < (camouflage?.among ?? 0); hidden++) call(camouflage!.own(), undefined)
      return call(x, run)
    },
  }
}

/** Runs an attack until its queries are spent. */
export function spend(attack: () => void): void {
  try {
    for (;;) attack()
  } catch (error) {
    if (!(error instanceof SpentError)) throw error
  }
}
