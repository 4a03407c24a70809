/**
 * What the model tells of its training data.
 *
 * Inversion: an input that the model is surest of, class by class (Fredrikson et al. 2015, without the model's own
 * slopes). Membership: whether a record was trained on, by its confidence (Yeom et al. 2018), by its changes or by how
 * far it is from another class (both Choquette-Choo et al. 2021).
 */
import { hopSkipJumpFrom, nesSlope, pairOf } from './evasion.ts'
import type { Attack } from './oracle.ts'

/** Starts in the middle and keeps what raises the confidence: a few columns changed at a time. */
export function gradientFreeInversion(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  const { columns, classes, dimension } = victim.shape
  const target = dice.int(0, classes - 1)
  let at = fit(columns.map(({ low, high }) => (low + high) / 2))
  let best = oracle.ask(at).probs[target]!
  let size = 0.4
  for (let n = 0; n < 220 && best < 0.999; n++) {
    const changed = new Set(dice.sample([...at.keys()], Math.max(1, Math.round(dimension * dice.between(0.05, 0.25)))))
    const next = fit(
      at.map((value, i) =>
        changed.has(i) ? value + dice.normal(0, size) * Math.min(4, columns[i]!.high - columns[i]!.low) : value,
      ),
    )
    const confidence = oracle.ask(next).probs[target]!
    if (confidence >= best) [at, best] = [next, confidence]
    else size = Math.max(0.05, size * 0.995)
  }
}

/** Follows the slope of the confidence, as far as it can be felt. */
export function guidedInversion(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  const { columns, classes } = victim.shape
  const target = dice.int(0, classes - 1)
  const [pairs, size, step] = [dice.int(8, 20), dice.between(0.03, 0.1), dice.between(0.05, 0.15)]
  let at = fit(columns.map(({ low, high }) => (low + high) / 2 + dice.normal(0, 0.02)))
  for (let round = 0; round < 14; round++) {
    const slope = nesSlope(attack, at, target, pairs, size)
    at = fit(at.map((value, i) => value + step * Math.sign(slope[i]!)))
    if (oracle.ask(at).confidence > 0.999) return
  }
}

/** Follows a slope that is felt column by column, from the middle or from what natural inputs are on average. */
export function columnwiseInversion(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  const { columns, classes } = victim.shape
  const wide = columns.map(({ low, high }) => Math.min(4, high - low))
  const target = dice.int(0, classes - 1)
  const [size, step] = [dice.between(0.02, 0.08), dice.between(0.2, 0.5)]
  const some = Array.from({ length: 20 }, () => attack.own())
  let at = fit(
    dice.chance(0.5)
      ? columns.map(({ low, high }) => (low + high) / 2)
      : columns.map((_, i) => some.reduce((sum, x) => sum + x[i]!, 0) / some.length),
  )
  const surety = (x: number[]): number => Math.log(oracle.ask(x).probs[target]! + 1e-6)
  for (let round = 0; round < 12; round++) {
    const here = surety(at)
    if (here > Math.log(0.999)) return
    const slope = at.map(
      (_, i) => surety(fit(at.map((value, n) => (n === i ? value + size * wide[i]! : value)))) - here,
    )
    const most = Math.max(1e-9, ...slope.map(Math.abs))
    at = fit(at.map((value, i) => value + (step * wide[i]! * slope[i]!) / most))
  }
}

/** Each column in turn to either end, kept where the confidence rises. */
export function coordinateInversion(attack: Attack): void {
  const { oracle, dice, fit, victim } = attack
  const { columns, classes } = victim.shape
  const target = dice.int(0, classes - 1)
  let at = fit(columns.map(({ low, high }) => (low + high) / 2))
  let best = oracle.ask(at).probs[target]!
  for (const i of dice.shuffled([...at.keys()])) {
    for (const end of [columns[i]!.low, columns[i]!.high]) {
      const next = fit(at.map((value, n) => (n === i ? end : value)))
      const confidence = oracle.ask(next).probs[target]!
      if (confidence > best) [at, best] = [next, confidence]
    }
  }
}

/** Suspected records, each once: some are members, some only look like it. */
export function recordMembership(attack: Attack): void {
  const { oracle, dice, victim } = attack
  oracle.ask(dice.chance(0.6) ? dice.pick(victim.members).input : attack.own())
}

/** Each record with small changes around it: members keep their label longer. */
export function augmentedMembership(attack: Attack): void {
  const { oracle, dice, victim } = attack
  const record = dice.chance(0.5) ? dice.pick(victim.members).input : attack.own()
  oracle.ask(record)
  const size = dice.between(0.02, 0.08)
  for (let n = dice.int(10, 20); n > 0; n--) {
    oracle.ask(
      attack.fit(
        record.map(
          (value, i) =>
            value + dice.normal(0, size) * Math.min(1, victim.shape.columns[i]!.high - victim.shape.columns[i]!.low),
        ),
      ),
    )
  }
}

/** How far it is from each record to another class: members lie deeper in their own. */
export function distantMembership(attack: Attack): void {
  const { dice, victim } = attack
  hopSkipJumpFrom(attack, pairOf(attack, dice.chance(0.5) ? dice.pick(victim.members).input : attack.own()), 2)
}
