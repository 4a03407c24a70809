/**
 * Searches for an input that the model takes for something else.
 *
 * Chen et al. 2020 (HopSkipJump), Andriushchenko et al. 2020 (Square), Ilyas et al. 2018 (NES), Brendel et al. 2018 (boundary attack).
 * The first and the last look at labels alone.
 */
import { between, distance, norm, plus, scaledTo, type Input } from '../victims/numbers.ts'
import type { Attack } from './oracle.ts'

/** A natural input and its label, and another that the model takes for another class. */
function pairOf({ oracle, own, fit }: Attack): { from: number[]; label: number; other: number[] } {
  const from = fit(own())
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
  const { oracle, dice, fit } = attack
  const { from, label, other } = pairOf(attack)
  let at = toEdge(attack, from, label, other, 8)
  for (let round = 1; round <= 8; round++) {
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
