/**
 * Searches for an input that the model takes for something else.
 *
 * Chen et al. 2020 (HopSkipJump), Andriushchenko et al. 2020 (Square), Ilyas et al. 2018 (NES), Brendel et al. 2018
 * (boundary attack), Chen et al. 2017 (ZOO), Guo et al. 2019 (SimBA). HopSkipJump and the boundary attack look at
 * labels alone.
 */
import { between, distance, norm, plus, scaledTo, type Input } from '../victims/numbers.ts'
import type { Attack } from './oracle.ts'

export interface Pair {
  readonly from: number[]
  readonly label: number
  /** What the model takes for another class. */
  readonly other: number[]
}

/** An input and its label, natural unless one is given, and another that is natural. */
export function pairOf({ oracle, own, fit }: Attack, given?: Input): Pair {
  const from = fit(given ?? own())
  const { label } = oracle.ask(from)
  for (;;) {
    const other = fit(own())
    if (oracle.ask(other).label !== label) return { from, label, other }
  }
}

/** The last point before the label is the old one again. */
function toEdge({ oracle, fit }: Attack, from: Input, label: number, far: Input, steps: number): number[] {
  let [near, away] = [0, 1]
  for (let n = 0; n < steps; n++) {
    const middle = (near + away) / 2
    if (oracle.ask(fit(between(from, far, middle))).label === label) near = middle
    else away = middle
  }
  return between(from, far, away)
}

export function hopSkipJump(attack: Attack): void {
  hopSkipJumpFrom(attack, pairOf(attack), 8)
}

/** Toward the nearest input of another class, over so many rounds. */
export function hopSkipJumpFrom(attack: Attack, { from, label, other }: Pair, rounds: number): void {
  const { oracle, dice, fit } = attack
  let at = toEdge(attack, from, label, other, 8)
  for (let round = 1; round <= rounds; round++) {
    const size = Math.max(0.01, distance(at, from)) / Math.sqrt(from.length)
    const samples = Math.round(dice.between(12, 20) * Math.sqrt(round))
    const found = Array.from({ length: samples }, () => {
      const way = scaledTo(dice.normals(from.length), size * Math.sqrt(from.length) * 0.5)
      return { way, sign: oracle.ask(fit(plus(at, way))).label === label ? -1 : 1 }
    })
    const mean = found.reduce((sum, { sign }) => sum + sign, 0) / samples
    const slope = found.reduce(
      (sum, { way, sign }) => plus(sum, way, sign - mean),
      from.map(() => 0),
    )
    let step = distance(at, from) / Math.sqrt(round)
    let next = plus(at, scaledTo(slope, step))
    while (oracle.ask(fit(next)).label === label && step > 0.01) {
      step /= 2
      next = plus(at, scaledTo(slope, step))
    }
    at = toEdge(attack, from, label, next, 6)
  }
}

export function boundaryAttack(attack: Attack): void {
  const { oracle, dice, fit } = attack
  const { from, label, other } = pairOf(attack)
  let at = toEdge(attack, from, label, other, 5)
  let [side, forward] = [0.2, 0.1]
  for (let n = 0; n < 150; n++) {
    const away = distance(at, from)
    const moved = plus(at, scaledTo(dice.normals(from.length), side * away))
    const onSphere = plus(from, scaledTo(plus(moved, from, -1), away))
    const closer = between(onSphere, from, forward)
    if (oracle.ask(fit(closer)).label !== label) {
      at = closer
      forward = Math.min(0.3, forward * 1.2)
    } else {
      forward *= 0.85
      side = Math.max(0.02, side * 0.97)
    }
  }
}

/** Random patches of the largest change that is allowed, kept where the confidence falls. */
export function square(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  const { side, dimension, columns } = victim.shape
  const size = dice.between(0.1, 0.3)
  const from = fit(attack.own())
  const { label } = oracle.ask(from)
  let best = from.map(
    (value, i) => value + (dice.chance(0.5) ? size : -size) * Math.min(4, columns[i]!.high - columns[i]!.low),
  )
  let lowest = oracle.ask(fit(best)).probs[label]!
  for (let n = 0; n < 120; n++) {
    const patch = patchOf(
      dice.int(0, dimension - 1),
      side,
      Math.max(1, Math.round((side || 4) * (0.5 - n / 300))),
      dimension,
    )
    const sign = dice.chance(0.5) ? size : -size
    const next = best.map((value, i) =>
      patch.has(i) ? from[i]! + sign * Math.min(4, columns[i]!.high - columns[i]!.low) : value,
    )
    const answer = oracle.ask(fit(next))
    if (answer.label !== label) return
    if (answer.probs[label]! < lowest) [best, lowest] = [next, answer.probs[label]!]
  }
}

/** A square of pixels, or some neighboring columns of a table. */
function patchOf(at: number, side: number, width: number, dimension: number): Set<number> {
  if (side === 0) return new Set(Array.from({ length: width }, (_, n) => (at + n) % dimension))
  const [left, top] = [Math.min(at % side, side - width), Math.min(Math.floor(at / side), side - width)]
  return new Set(
    Array.from({ length: width * width }, (_, n) => (top + Math.floor(n / width)) * side + left + (n % width)),
  )
}

/** The slope from pairs of opposite small changes. */
export function nesSlope(attack: Attack, at: Input, label: number, pairs: number, size: number): number[] {
  const { oracle, dice, fit } = attack
  let slope = at.map(() => 0)
  for (let n = 0; n < pairs; n++) {
    const way = dice.normals(at.length)
    const up = oracle.ask(fit(plus(at, way, size))).probs[label]!
    const down = oracle.ask(fit(plus(at, way, -size))).probs[label]!
    slope = plus(slope, way, up - down)
  }
  return slope
}

export function nesEvasion(attack: Attack): void {
  const { oracle, dice, fit } = attack
  const from = fit(attack.own())
  const { label } = oracle.ask(from)
  const [pairs, size] = [dice.int(8, 15), dice.between(0.01, 0.05)]
  let at: number[] = from
  for (let round = 0; round < 12; round++) {
    const slope = nesSlope(attack, at, label, pairs, size)
    if (norm(slope) === 0) return
    at = fit(at.map((value, i) => value - 0.04 * Math.sign(slope[i]!)))
    if (oracle.ask(at).label !== label) return
  }
}

/** The slope from some coordinates at a time, each a little up and a little down, then a step along them. */
export function zoo(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  const from = fit(attack.own())
  const { label } = oracle.ask(from)
  const wide = victim.shape.columns.map(({ low, high }) => Math.min(4, high - low))
  const [size, step] = [dice.between(0.005, 0.03), dice.between(0.05, 0.2)]
  /** How far the label is ahead of the next one. */
  const lead = (x: Input): number => {
    const { probs } = oracle.ask(fit(x))
    const logs = probs.map((share) => Math.log(share + 1e-6))
    return logs[label]! - Math.max(...logs.filter((_, n) => n !== label))
  }
  let at: number[] = from
  for (let round = 0; round < 40; round++) {
    const next = [...at]
    for (const i of dice.sample([...at.keys()], 8)) {
      const [up, down] = [1, -1].map((sign) =>
        lead(at.map((value, n) => (n === i ? value + sign * size * wide[i]! : value))),
      )
      next[i]! -= step * wide[i]! * Math.sign(up! - down!)
    }
    at = fit(next)
    if (oracle.ask(at).label !== label) return
  }
}

/** One coordinate at a time, up or else down, kept where the confidence falls. */
export function simba(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  let at: number[] = fit(attack.own())
  const first = oracle.ask(at)
  const size = dice.between(0.1, 0.3)
  let lowest = first.confidence
  for (const i of dice.shuffled([...at.keys()])) {
    const { low, high } = victim.shape.columns[i]!
    for (const sign of [1, -1]) {
      const next = fit(at.map((value, n) => (n === i ? value + sign * size * Math.min(4, high - low) : value)))
      const { label, probs } = oracle.ask(next)
      if (label !== first.label) return
      if (probs[label]! >= lowest) continue
      ;[at, lowest] = [next, probs[label]!]
      break
    }
  }
}
