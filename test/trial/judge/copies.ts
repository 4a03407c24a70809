/** Copies of a model, trained on what somebody was answered: what a theft is worth. */
import { Dice } from '../dice.ts'
import type { WrittenFile } from '../files/traffic.ts'
import { agreement, forest, logistic, neighbors, network } from '../victims/learners.ts'
import type { Input } from '../victims/numbers.ts'
import type { Victim } from '../victims/victim.ts'
import { median } from './intervals.ts'
import type { RunOutcome } from './judge.ts'

export interface Asked {
  readonly input: Input
  readonly probs: readonly number[]
}

export interface CopyVerdict {
  readonly scenario: string
  /** Share of natural inputs on which the copy agrees with the model, at the first right alert; median over the runs found. */
  readonly whenFound: number | undefined
  /** As it would be had nobody stopped it; median over all runs. */
  readonly atEnd: number | undefined
}

const heldBackInputs = 300

/** The best agreement of four learners, on fresh natural inputs. */
export function bestCopy(victim: Victim, asked: readonly Asked[], dice: Dice): number {
  const xs = asked.map(({ input }) => input)
  const targets = asked.map(({ probs }) => probs)
  const heldBack = Array.from({ length: heldBackInputs }, () => victim.shape.natural(dice).input)
  const labels = heldBack.map((x) => victim.answer(x).label)
  const copies = [
    logistic(xs, targets, dice, 20),
    network(xs, targets, dice, { hidden: 20, passes: 25 }),
    forest(xs, targets, dice, 30),
    neighbors(xs, targets, Math.min(3, xs.length)),
  ]
  return Math.max(...copies.map((copy) => agreement(copy, heldBack, labels)))
}

/** For runs that take a model by its answers. */
export function judgeCopies(
  seed: number,
  victims: readonly Victim[],
  files: readonly WrittenFile[],
  outcomes: readonly RunOutcome[],
): CopyVerdict[] {
  const dice = new Dice(`copies ${seed}`)
  const found = outcomes
    .filter(({ run: { accepted } }) => accepted.includes('extraction') && accepted.includes('distillation'))
    .flatMap(({ file, run, foundAt }) => {
      const victim = victims.find(({ id }) => id === run.model)
      const { made } = files.find(({ truth }) => truth.file === file)!
      const onset = made.findIndex((each) => each.run === run.id)
      const answers = (until: number): Asked[] =>
        made
          .slice(onset, until + 1)
          .filter(({ account, model }) => run.accounts.includes(account) && model === run.model)
          .flatMap(({ asked }) => asked ?? [])
      if (victim === undefined) return []
      const worth = (until: number): number => bestCopy(victim, answers(until), dice.fork(`${run.id} ${until}`))
      const whenFound = foundAt === undefined ? [] : [worth(foundAt)]
      return [{ scenario: run.scenario, whenFound, atEnd: worth(made.length) }]
    })
  return [...new Set(found.map(({ scenario }) => scenario))].map((scenario) => {
    const own = found.filter((each) => each.scenario === scenario)
    return {
      scenario,
      whenFound: median(own.flatMap(({ whenFound }) => whenFound)),
      atEnd: median(own.map(({ atEnd }) => atEnd)),
    }
  })
}
