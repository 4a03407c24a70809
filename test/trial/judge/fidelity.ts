/**
 * Whether a leak account's interval holds the truth: copies of the model are trained on what the account was answered,
 * and tried on natural inputs that nobody asked about.
 */
import { Dice } from '../dice.ts'
import type { WrittenFile } from '../files/traffic.ts'
import type { Victim } from '../victims/victim.ts'
import { bestCopy } from './copies.ts'

/** A line of `evaluate --leaks`. */
export interface LeakLine {
  readonly file: string
  readonly account: string
  readonly model: string
  readonly queries: number
  readonly fidelity?: number
  readonly lo90?: number
  readonly hi90?: number
}

export interface FidelityVerdict {
  /** Accounts that called in that file and whose interval was told. */
  readonly told: number
  /** Of these, as many as were tried. */
  readonly tried: number
  /** The most faithful of four copies lies in the interval. */
  readonly inside: number
  /** It is less faithful than the interval says. */
  readonly below: number
  /** It is more faithful than the interval says. */
  readonly above: number
  readonly widthMean: number
  /** Of |told - true|, the middle of the interval left aside. */
  readonly errorMean: number
}

const triedMost = 60

export function judgeFidelity(
  seed: number,
  victims: readonly Victim[],
  history: WrittenFile,
  files: readonly WrittenFile[],
  lines: readonly LeakLine[],
): FidelityVerdict {
  const dice = new Dice(`fidelity ${seed}`)
  const active = new Set(
    files.flatMap(({ truth: { file, events } }) => events.map((each) => `${file} ${each.account} ${each.model}`)),
  )
  const told = lines.filter(
    (line) => line.fidelity !== undefined && active.has(`${line.file} ${line.account} ${line.model}`),
  )
  const sums = { tried: 0, inside: 0, below: 0, above: 0, width: 0, error: 0 }
  for (const { file, account, model, fidelity, lo90, hi90 } of dice.sample(told, triedMost)) {
    const victim = victims.find(({ id }) => id === model)
    const made = [history, files.find(({ truth }) => truth.file === file)!].flatMap((each) => each.made)
    const asked = made
      .filter((each) => each.account === account && each.model === model)
      .flatMap(({ asked: each }) => each ?? [])
    if (victim === undefined || asked.length === 0) continue
    const truth = bestCopy(victim, asked, dice.fork(`${file} ${account}`))
    sums.tried++
    sums.width += hi90! - lo90!
    sums.error += Math.abs(fidelity! - truth)
    if (truth < lo90!) sums.below++
    else if (truth > hi90!) sums.above++
    else sums.inside++
  }
  const { tried, width, error, ...counts } = sums
  return {
    told: told.length,
    tried,
    ...counts,
    widthMean: tried === 0 ? 0 : width / tried,
    errorMean: tried === 0 ? 0 : error / tried,
  }
}
