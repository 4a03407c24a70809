/** What thieves ask, each a stream of inputs; re-implemented from the papers in as few lines as their queries need. */
import { between, clipped, type Input, type World } from './world.ts'

export type Attack = (world: World) => Generator<Input, never>

function moved(x: Input, by: (i: number) => number): number[] {
  return x.map((value, i) => clipped(value + by(i)))
}

const noise = (world: World): number[] => Array.from({ length: world.dimension }, () => clipped(world.random()))

/** Tramèr et al. 2016: inputs at random. */
export const uniform: Attack = function* (world) {
  for (;;) yield noise(world)
}

/** Orekondy et al. 2019: natural inputs of another domain. */
export const knockoff = (other: World): Attack =>
  function* () {
    for (;;) yield other.honest()
  }

/** Papernot et al. 2017: seeds, then steps along the sign of the Jacobian, twice as many each round. */
export const jacobian = (seeds = 12, step = 0.1): Attack =>
  function* (world) {
    const known: Input[] = []
    for (let n = 0; n < seeds; n++) {
      known.push(world.honest())
      yield known.at(-1)!
    }
    for (;;) {
      for (const x of [...known]) {
        const slope = world.gradient(world.answer(x).label)
        const next = moved(x, (i) => step * (Math.sign(slope[i]!) || (world.random() < 0.5 ? 1 : -1)))
        known.push(next)
        yield next
      }
      if (known.length > 4_000) known.length = seeds
    }
  }

/** Pal et al. 2020: of a natural pool always what the copy is least sure of. */
export const active: Attack = function* (world) {
  for (;;) {
    const pool = Array.from({ length: 30 }, () => world.honest())
    yield pool.sort((a, b) => world.answer(a).margin - world.answer(b).margin)[0]!
  }
}

/** Lowd and Meek 2005: the boundary between two classes, halved down between ever new pairs. */
export const bisection: Attack = function* (world) {
  for (;;) {
    let [low, high] = [world.honest(), world.honest()]
    const label = world.answer(low).label
    if (world.answer(high).label === label) continue
    yield low
    yield high
    for (let n = 0; n < 8; n++) {
      const middle = between(low, high, 0.5)
      yield middle
      if (world.answer(middle).label === label) low = middle
      else high = middle
    }
  }
}

/** Tramèr et al. 2016: the equations of a linear model, one value at a time from the origin of a made-up input. */
export const equations: Attack = function* (world) {
  for (;;) {
    const base = noise(world)
    for (let i = 0; i < world.dimension; i++) yield base.map((value, n) => (n === i ? clipped(value + 0.25) : value))
  }
}

/** Chen et al. 2020, HopSkipJump: down to the boundary, then small steps around it. */
export const hopSkipJump: Attack = function* (world) {
  for (;;) {
    const target = world.honest()
    const label = world.answer(target).label
    let away: Input = noise(world)
    for (let n = 0; world.answer(away).label === label && n < 50; n++) {
      away = noise(world)
      yield away
    }
    for (let round = 0; round < 12; round++) {
      let [low, high] = [target as Input, away]
      for (let n = 0; n < 8; n++) {
        const middle = between(low, high, 0.5)
        yield middle
        if (world.answer(middle).label === label) low = middle
        else high = middle
      }
      const step = Array.from({ length: world.dimension }, () => 0)
      for (let n = 0; n < 20; n++) {
        const u = step.map(() => 0.02 * world.normal())
        const tried = moved(high, (i) => u[i]!)
        yield tried
        const sign = world.answer(tried).label === label ? -1 : 1
        for (const [i, value] of u.entries()) step[i]! += sign * value
      }
      away = moved(high, (i) => step[i]! / 4)
    }
  }
}

/** Andriushchenko et al. 2020, Square: a patch at a time. */
export const square: Attack = function* (world) {
  for (;;) {
    let best = moved(world.honest(), () => (world.random() < 0.5 ? 0.15 : -0.15))
    yield best
    const width = Math.max(1, Math.floor(world.dimension / 10))
    for (let n = 0; n < 200; n++) {
      const at = Math.floor(world.random() * (world.dimension - width + 1))
      const by = world.random() < 0.5 ? 0.3 : -0.3
      const tried = moved(best, (i) => (i >= at && i < at + width ? by : 0))
      yield tried
      if (world.answer(tried).margin < world.answer(best).margin) best = tried
    }
  }
}

/** Brendel et al. 2018: along the boundary, sideways and towards the target in turn. */
export const boundaryWalk: Attack = function* (world) {
  for (;;) {
    const target = world.honest()
    const label = world.answer(target).label
    let at: Input = noise(world)
    for (let n = 0; world.answer(at).label === label && n < 50; n++) {
      yield at
      at = noise(world)
    }
    for (let n = 0; n < 150; n++) {
      const aside = moved(at, () => 0.03 * world.normal())
      yield aside
      if (world.answer(aside).label === label) continue
      const nearer = between(aside, target, 0.1)
      yield nearer
      at = world.answer(nearer).label === label ? aside : nearer
    }
  }
}

/** Fredrikson et al. 2015 with estimated gradients (NES): pairs around a guess that drifts to ever more of one class. */
export const inversion = (batch = 1): Attack =>
  function* (world) {
    for (let label = 0; ; label = (label + 1) % world.classes) {
      let guess: Input = Array.from({ length: world.dimension }, () => 0.5)
      for (let round = 0; round < 30; round++) {
        const slope = guess.map(() => 0)
        const steps = Array.from({ length: batch }, () => guess.map(() => 0.06 * world.normal()))
        for (const sign of [1, -1]) {
          for (const step of steps) {
            const tried = moved(guess, (i) => sign * step[i]!)
            yield tried
            const gain = sign * world.answer(tried).probs[label]!
            for (const [i, value] of step.entries()) slope[i]! += gain * value
          }
        }
        guess = moved(guess, (i) => Math.sign(slope[i]!) * 0.02)
      }
    }
  }

/** Ilyas et al. 2018: away from an input's class by gradients that are estimated in pairs around it. */
export const evasion: Attack = function* (world) {
  for (;;) {
    let at: Input = world.honest()
    const { label } = world.answer(at)
    for (let round = 0; round < 12; round++) {
      const slope = at.map(() => 0)
      for (let n = 0; n < 5; n++) {
        const step = at.map(() => 0.01 * world.normal())
        for (const sign of [1, -1]) {
          const tried = moved(at, (i) => sign * step[i]!)
          yield tried
          const gain = sign * world.answer(tried).probs[label]!
          for (const [i, value] of step.entries()) slope[i]! += gain * value
        }
      }
      at = moved(at, (i) => -Math.sign(slope[i]!) * 0.02)
    }
  }
}

/** Inversion without gradients: keeps a random change that makes the class likelier. */
export const climb: Attack = function* (world) {
  for (let label = 0; ; label = (label + 1) % world.classes) {
    let guess: Input = noise(world)
    for (let n = 0; n < 200; n++) {
      const tried = moved(guess, () => 0.05 * world.normal())
      yield tried
      if (world.answer(tried).probs[label]! >= world.answer(guess).probs[label]!) guess = tried
    }
  }
}

/** Shokri et al. 2017: records that may have been trained on, among others that were not. */
export const membership = (training: readonly Input[]): Attack =>
  function* (world) {
    for (;;) yield world.random() < 0.5 ? training[Math.floor(world.random() * training.length)]! : world.honest()
  }

/** An attack hidden among natural inputs. */
export const blended = (attack: Attack, share: number): Attack =>
  function* (world) {
    const stream = attack(world)
    for (;;) yield world.random() < share ? stream.next().value : world.honest()
  }

/** An honest account that is taken over. */
export const afterwards = (attack: Attack, honest: number): Attack =>
  function* (world) {
    for (let n = 0; n < honest; n++) yield world.honest()
    const stream = attack(world)
    for (;;) yield stream.next().value
  }
