/** What customers ask, ordinary ones and those who are easily taken for thieves. */
import { between, clipped, type Input, type World } from './world.ts'

export type Habit = (world: World) => Generator<Input, never>

const ordinary: Habit = function* (world) {
  for (;;) yield world.honest()
}

/** A backfill of one region: one class alone. */
const backfill: Habit = function* (world) {
  for (;;) yield world.honest(0)
}

/** Everything is asked again when the answer was slow. */
const retries: Habit = function* (world) {
  for (;;) {
    const x = world.honest()
    for (let n = 0; n < 3; n++) yield x
  }
}

const healthCheck: Habit = function* (world) {
  const x = world.honest()
  for (;;) yield x
}

/** A test suite of some inputs, the greatest and the least among them, run again and again. */
const suite: Habit = function* (world) {
  const cases = [...Array.from({ length: 40 }, () => world.honest()), world.honest().map(() => 1)]
  for (;;) yield* cases
}

/** A load test: a few inputs at random, many times. */
const loadTest: Habit = function* (world) {
  const inputs = Array.from({ length: 60 }, () => world.honest())
  for (;;) yield inputs[Math.floor(world.random() * inputs.length)]!
}

/** A camera whose light changes while it looks at one thing: step by step away from what it saw first. */
const changingLight: Habit = function* (world) {
  for (;;) {
    const x = world.honest()
    for (let n = 0; n < 70; n++) {
      const light = 1 + 0.25 * Math.sin(n / 12)
      yield x.map((value) => (value === 0 ? 0 : clipped(value * light + 0.015 * world.normal())))
    }
  }
}

/** A camera that looks at one thing at a time: almost the same input, over and over. */
const nearDuplicates: Habit = function* (world) {
  for (;;) {
    const x = world.honest()
    for (let n = 0; n < 70; n++) yield x.map((value) => (value === 0 ? 0 : clipped(value + 0.01 * world.normal())))
  }
}

/** Test-time augmentation: each input in a few variants. */
const augmented: Habit = function* (world) {
  for (;;) {
    const x = world.honest()
    for (let n = 0; n < 5; n++) {
      const bright = 1 + 0.05 * world.normal()
      yield x.map((value) => (value === 0 ? 0 : clipped(value * bright + 0.01 * world.normal())))
    }
  }
}

/** Another camera, a little less sharp: each input is pulled towards a second one. */
const blurred: Habit = function* (world) {
  for (;;) yield between(world.honest(2 % world.classes), world.honest(2 % world.classes), 0.25)
}

/**
 * An adviser: what would be if one value were another? Fields in turn, each at five places between its least and its
 * greatest.
 */
const whatIf: Habit = function* (world) {
  const usual = Array.from({ length: 30 }, () => world.honest())
  for (;;) {
    const base = world.honest()
    yield base
    for (let tried = 0; tried < 4; tried++) {
      const field = Math.floor(world.random() * world.dimension)
      const seen = usual.map((x) => x[field]!)
      const [least, most] = [Math.min(...seen), Math.max(...seen)]
      for (let n = 0; n < 5; n++) {
        const value = clipped(least + ((most - least) * n) / 4)
        yield base.map((was, i) => (i === field ? value : was))
      }
    }
  }
}

/** The same by steps: of each field a little more and a little less, as a sensitivity chart has it. */
const sensitivity: Habit = function* (world) {
  for (;;) {
    const base = world.honest()
    yield base
    for (let field = 0; field < world.dimension; field++) {
      for (const by of [-0.1, 0.1]) yield base.map((was, i) => (i === field ? clipped(was * (1 + by)) : was))
    }
  }
}

/** Now and then a broken record. */
const broken: Habit = function* (world) {
  for (;;) yield world.random() < 0.04 ? world.honest().map(() => 1) : world.honest()
}

export const habits: Readonly<Record<string, Habit>> = {
  ordinary, backfill, retries, healthCheck, suite, loadTest, nearDuplicates, changingLight, augmented, blurred, broken,
  whatIf, sensitivity,
} // prettier-ignore
