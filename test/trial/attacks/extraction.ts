/**
 * Extraction by query. Each attack follows the paper that it is named after; the thief trains its own copy as it goes.
 *
 * Papernot et al. 2017 (JBDA), Juuti et al. 2019 (T-RND), Orekondy et al. 2019 (Knockoff), Tramèr et al. 2016 (equation
 * solving), (and path finding through trees), Lowd and Meek 2005 (line search), Pal et al. 2020 (active learning, by
 * margin and by k-center).
 */
import type { Dice } from '../dice.ts'
import { logistic, network, type Differentiable } from '../victims/learners.ts'
import { argmax, between, distance, margin, type Input } from '../victims/numbers.ts'
import type { Attack } from './oracle.ts'

export type Extraction = (attack: Attack) => void

interface Got {
  readonly xs: Input[]
  readonly probs: number[][]
}

/** Asks, and keeps what was answered. */
function ask({ oracle, fit }: Attack, x: Input, got: Got): number[] {
  const sent = fit(x)
  const { probs } = oracle.ask(sent)
  got.xs.push(sent)
  got.probs.push(probs)
  return probs
}

function copyOf(got: Got, dice: Dice, deep: boolean): Differentiable {
  const recent = Math.max(0, got.xs.length - 800)
  const [xs, probs] = [got.xs.slice(recent), got.probs.slice(recent)]
  return deep ? network(xs, probs, dice, { hidden: 16, passes: 10 }) : logistic(xs, probs, dice, 10)
}

/** Widths of the columns, which steps are measured in. */
function widths({ victim }: Attack): number[] {
  return victim.shape.columns.map(({ low, high }) => Math.min(high - low, 4))
}

export const uniform: Extraction = (attack) => {
  const { columns } = attack.victim.shape
  const got: Got = { xs: [], probs: [] }
  for (;;)
    ask(
      attack,
      columns.map(({ low, high }) => attack.dice.between(low, high)),
      got,
    )
}

export const otherDomain: Extraction = (attack) => {
  const got: Got = { xs: [], probs: [] }
  for (;;) ask(attack, attack.victim.shape.foreign(attack.dice), got)
}

/** Jacobian-based data set augmentation: from a few natural inputs, each step across the copy's own slope. */
export const jbda: Extraction = (attack) => {
  const { dice } = attack
  const [step, deep, wide] = [dice.between(0.06, 0.2), dice.chance(0.5), widths(attack)]
  const got: Got = { xs: [], probs: [] }
  const seeds = dice.int(3, 8) * attack.victim.shape.classes
  for (let n = 0; n < seeds; n++) ask(attack, attack.own(), got)
  for (;;) {
    const copy = copyOf(got, dice, deep)
    // Reservoir sampling keeps a round's growth bounded, as the paper's later rounds do.
    for (const n of dice.sample([...got.xs.keys()], 200)) {
      const slope = copy.gradient(got.xs[n]!, argmax(got.probs[n]!))
      ask(
        attack,
        got.xs[n]!.map((value, i) => value + step * wide[i]! * Math.sign(slope[i]!)),
        got,
      )
    }
  }
}

/** Several small steps toward a class drawn for each sample. */
export const targetedRandom: Extraction = (attack) => {
  const { dice, victim } = attack
  const [size, deep, wide] = [dice.between(0.1, 0.25), dice.chance(0.5), widths(attack)]
  const got: Got = { xs: [], probs: [] }
  const seeds = dice.int(4, 10) * victim.shape.classes
  for (let n = 0; n < seeds; n++) ask(attack, attack.own(), got)
  for (;;) {
    const copy = copyOf(got, dice, deep)
    for (const n of dice.sample([...got.xs.keys()], 150)) {
      const target = dice.int(0, victim.shape.classes - 1)
      let x: number[] = [...got.xs[n]!]
      for (let k = 0; k < 5; k++) {
        const slope = copy.gradient(x, target)
        x = victim.clipped(x.map((value, i) => value + (size / 5) * wide[i]! * Math.sign(slope[i]!)))
      }
      ask(attack, x, got)
    }
  }
}

/** A transfer set that overlaps the model's domain a little, in random order. */
export const knockoffRandom: Extraction = (attack) => {
  const { dice, victim } = attack
  const overlap = dice.between(0.05, 0.25)
  const got: Got = { xs: [], probs: [] }
  for (;;) ask(attack, dice.chance(overlap) ? attack.own() : victim.shape.foreign(dice), got)
}

/** The same set in groups; a bandit learns which groups are worth asking about. */
export const knockoffAdaptive: Extraction = (attack) => {
  const { dice, victim } = attack
  const groups = Array.from({ length: 10 }, (_, n) => {
    return Array.from({ length: 60 }, () =>
      n < 2 ? attack.own() : between(victim.shape.foreign(dice), attack.own(), n % 3 === 0 ? 0.3 : 0),
    )
  })
  const worth = groups.map(() => 0)
  const counts = Array.from({ length: victim.shape.classes }, () => 1)
  const got: Got = { xs: [], probs: [] }
  let base = 0
  for (;;) {
    const most = Math.max(...worth)
    const chosen = dice.weighted(worth.map((value) => Math.exp(2 * (value - most))))
    const probs = ask(attack, dice.pick(groups[chosen]!), got)
    const label = argmax(probs)
    counts[label]!++
    // Certain answers, and answers of classes that were seldom so far.
    const reward = margin(probs) + 1 - counts[label]! / got.xs.length
    base += 0.1 * (reward - base)
    worth[chosen]! += 0.3 * (reward - base)
  }
}

/** From a pool of mixed natural inputs, always those that the copy is least sure of. */
export const activeMargin: Extraction = (attack) => {
  const { dice } = attack
  const pool = Array.from({ length: 900 }, () =>
    dice.chance(0.5) ? attack.own() : between(attack.own(), attack.own(), dice.between(0.2, 0.5)),
  )
  const got: Got = { xs: [], probs: [] }
  for (let n = 0; n < 20; n++) ask(attack, pool.pop()!, got)
  for (;;) {
    const copy = copyOf(got, dice, true)
    const ranked = pool.map((x, n) => ({ n, sure: margin(copy.probs(x)) })).sort((a, b) => a.sure - b.sure)
    const chosen = new Set(ranked.slice(0, 25).map(({ n }) => n))
    for (const n of chosen) ask(attack, pool[n]!, got)
    for (const n of chosen)
      pool[n] = dice.chance(0.5) ? attack.own() : between(attack.own(), attack.own(), dice.between(0.2, 0.5))
  }
}

/** From a pool of natural inputs, always the one that is farthest from all that were asked. */
export const activeCenters: Extraction = (attack) => {
  const got: Got = { xs: [], probs: [] }
  const pool = Array.from({ length: 700 }, () => ({ x: attack.own(), away: Infinity }))
  for (let next = pool[0]!; ;) {
    if (next.away === 0) for (const each of pool) Object.assign(each, { x: attack.own(), away: Infinity })
    ask(attack, next.x, got)
    for (const each of pool) each.away = Math.min(each.away, distance(each.x, next.x))
    next = pool.reduce((a, b) => (b.away > a.away ? b : a))
  }
}

/** Where a tree's thresholds lie: from a natural input, each column halved toward one end until the answer stays the same. */
export const pathFinding: Extraction = (attack) => {
  const got: Got = { xs: [], probs: [] }
  for (;;) {
    const from = attack.own()
    const answer = String(ask(attack, from, got))
    for (const [column, { low, high }] of attack.victim.shape.columns.entries()) {
      const at = (value: number): number[] => from.map((own, i) => (i === column ? value : own))
      let [near, far] = [from[column]!, attack.dice.chance(0.5) ? low : high]
      if (String(ask(attack, at(far), got)) === answer) continue
      for (let n = 0; n < 7; n++) {
        const middle = (near + far) / 2
        if (String(ask(attack, at(middle), got)) === answer) near = middle
        else far = middle
      }
    }
  }
}

/** Where along a line the label changes: between natural inputs, then along each coordinate. */
export const lineSearch: Extraction = (attack) => {
  const { dice, victim } = attack
  const got: Got = { xs: [], probs: [] }
  const labelOf = (x: Input): number => argmax(ask(attack, x, got))
  const bisect = (from: Input, to: Input, label: number): number[] => {
    let [near, far] = [from as number[], to as number[]]
    for (let n = 0; n < 9; n++) {
      const middle = between(near, far, 0.5)
      if (labelOf(middle) === label) near = middle
      else far = middle
    }
    return near
  }
  for (;;) {
    const [from, to] = [attack.own(), attack.own()]
    const label = labelOf(from)
    if (labelOf(to) === label) continue
    const edge = bisect(from, to, label)
    for (const column of dice.sample([...edge.keys()], 4)) {
      const { low, high } = victim.shape.columns[column]!
      const end = edge.map((value, i) => (i === column ? (value > (low + high) / 2 ? low : high) : value))
      if (labelOf(end) !== label) bisect(edge, end, label)
    }
  }
}

/** As many random inputs as there are unknowns, then some to confirm. */
export const equationSolving: Extraction = (attack) => {
  const { dice, victim } = attack
  const middles = victim.shape.columns.map(({ low, high }) => (low + high) / 2)
  const got: Got = { xs: [], probs: [] }
  for (;;) {
    ask(
      attack,
      victim.shape.columns.map(({ low, high }, i) => middles[i]! + dice.normal(0, 0.2) * Math.min(high - low, 4)),
      got,
    )
  }
}

/** The thief's own natural data, once each. */
export const harvest: Extraction = (attack) => {
  const got: Got = { xs: [], probs: [] }
  for (;;) ask(attack, attack.own(), got)
}

/** Natural data chosen so that every part of the domain is asked about alike. */
export const evenCoverage: Extraction = (attack) => {
  const { dice, victim } = attack
  const got: Got = { xs: [], probs: [] }
  for (let n = 0; ; n++) {
    ask(
      attack,
      dice.chance(0.5) ? victim.shape.shifted(dice, 1) : victim.shape.natural(dice, n % victim.shape.classes).input,
      got,
    )
  }
}
