/**
 * What the model tells of its training data.
 *
 * Inversion: an input that the model is surest of, class by class (Fredrikson et al. 2015, without the model's own slopes).
 * Membership: whether a record was trained on, by its confidence (Yeom et al. 2018) or by its changes (Choquette-Choo et al. 2021).
 */
import { nesSlope } from './evasion.ts'
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
