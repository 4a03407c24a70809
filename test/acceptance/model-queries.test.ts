/** What was promised of one account's queries, on traffic that is generated here: unseen seeds, through the command's own run. */
import { describe, expect, test } from 'vitest'
import { inventoryOfContext } from '../../cli/evaluate-context.ts'
import { EvaluateRun } from '../../cli/evaluate-run.ts'
import * as attacks from '../support/traffic/attacks.ts'
import { habits } from '../support/traffic/honest.ts'
import { contentOf } from '../support/traffic/content.ts'
import { inputHash, recordsOf, type Account } from '../support/traffic/records.ts'
import { worldOf, type World } from '../support/traffic/world.ts'

const dayMs = 86_400_000
const mondayMs = Date.parse('2026-02-23T00:00:00.000Z')
const model = 'm'

const sources = contentOf('sources', /\.yml$/)
const rules = contentOf('rules', /inference\/model-queries\.yml$/)

/** A world whose model has been in use for a week, and what comes after it. */
class Deployment {
  readonly world: World
  readonly other: World
  readonly training: readonly number[][]
  readonly #run: EvaluateRun
  readonly #learned: ReturnType<EvaluateRun['snapshot']>

  constructor(seed: number, shape: { readonly dimension: number; readonly classes: number; readonly blank?: number }) {
    this.world = worldOf({ seed, ...shape })
    this.other = worldOf({ seed: seed + 500, ...shape })
    this.training = Array.from({ length: 300 }, () => this.world.honest())
    const context = { models: { [model]: { dim: shape.dimension, trainingHashes: this.training.map(inputHash) } } }
    const inventory = inventoryOfContext(JSON.stringify(context), 'context.json')
    this.#run = new EvaluateRun({ sources, rules, inventory })
    const customers = Array.from({ length: 10 }, (_, n) => {
      const startMs = mondayMs + n * 60_000
      return {
        name: `h${n}`,
        stream: habits['ordinary']!(this.world),
        queries: 220,
        startMs,
        everyMs: (7 * dayMs) / 225,
      }
    })
    this.#feed('history', customers)
    this.#run.finish(mondayMs + 7 * dayMs)
    this.#learned = this.#run.snapshot()
  }

  /** The number of the query at which each threat was first named. */
  after(stream: Iterator<readonly number[]>, queries: number): Readonly<Record<string, number>> {
    this.#run.restore(this.#learned)
    const account = { name: 'u', stream, queries, startMs: mondayMs + 8 * dayMs, everyMs: 1_000 }
    const ids = this.#feed('after', [account])
    const first: Record<string, number> = {}
    for (const { threat, id } of this.#run.finish(Infinity)) first[threat] ??= ids.indexOf(id) + 1
    return first
  }

  /** The numbers of all queries at which something was named. */
  namedAt(stream: Iterator<readonly number[]>, queries: number): number[] {
    this.#run.restore(this.#learned)
    const account = { name: 'u', stream, queries, startMs: mondayMs + 8 * dayMs, everyMs: 1_000 }
    const ids = this.#feed('after', [account])
    return this.#run.finish(Infinity).map(({ id }) => ids.indexOf(id) + 1)
  }

  #feed(file: string, accounts: readonly Account[]): string[] {
    this.#run.begin(file)
    const records = recordsOf(file, model, this.world, accounts)
    this.#run.take(records.map((record) => ({ topic: 'inference.events', value: JSON.stringify(record), headers: {} })))
    return records.map(({ id }) => id)
  }
}

const shapes = { image: { dimension: 64, classes: 10, blank: 0.3 }, table: { dimension: 13, classes: 3 } } as const

describe.each(Object.entries(shapes))('one account at a model of %s inputs', (_, shape) => {
  const deployment = new Deployment(7, shape)
  const { world, other, training } = deployment

  test('that asks unlike honest ones is named as extraction within 25 queries', () => {
    for (const attack of [attacks.uniform, attacks.knockoff(other), attacks.equations]) {
      expect(deployment.after(attack(world), 60)['extraction']).toBeLessThanOrEqual(25)
    }
  })

  test('is named within 300 queries of an attack that hides among natural ones, and at once after a takeover', () => {
    const hidden = deployment.after(attacks.blended(attacks.jacobian(40), 0.3)(world), 1_000)['extraction']!
    expect(hidden * 0.3).toBeLessThanOrEqual(300)
    const taken = deployment.after(attacks.afterwards(attacks.uniform, 300)(world), 340)['extraction']!
    expect(taken).toBeGreaterThan(300)
    expect(taken).toBeLessThanOrEqual(325)
  })

  test('that searches for the boundary is named within 25 queries', () => {
    for (const attack of [attacks.hopSkipJump, attacks.boundaryWalk, attacks.bisection, attacks.evasion]) {
      expect(deployment.after(attack(world), 60)['boundary-search']).toBeLessThanOrEqual(25)
    }
    expect(deployment.after(attacks.square(world), 60)['boundary-search']).toBeLessThanOrEqual(40)
  })

  test('that reconstructs a class is named as inversion, and one that asks training records as membership inference', () => {
    expect(deployment.after(attacks.climb(world), 100)['inversion']).toBeLessThanOrEqual(50)
    expect(deployment.after(attacks.inversion()(world), 100)['inversion']).toBeLessThanOrEqual(50)
    expect(deployment.after(attacks.membership(training)(world), 100)['membership-inference']).toBeLessThanOrEqual(75)
  })

  test('that searches for the boundary from training records is named as membership inference as well', () => {
    // Of its own, so that what it asks hangs on no other test: one stranger in ten thousand passes for a record.
    const deployment = new Deployment(7, shape)
    const { world, training } = deployment
    const search = function* (from: () => readonly number[]): Generator<readonly number[], never> {
      for (;;) {
        let [low, high] = [from(), world.honest()]
        const { label } = world.answer(low)
        if (world.answer(high).label === label) continue
        yield low
        for (let n = 0; n < 9; n++) {
          const middle = low.map((value, i) => (value + high[i]!) / 2)
          yield middle
          if (world.answer(middle).label === label) low = middle
          else high = middle
        }
      }
    }
    expect(
      deployment.after(
        search(() => world.honest()),
        120,
      ),
    ).not.toHaveProperty('membership-inference')
    let next = 0
    const named = deployment.after(
      search(() => (next++ % 2 === 0 ? world.honest() : training[next % training.length]!)),
      120,
    )
    expect(named['boundary-search']).toBeLessThanOrEqual(25)
    expect(named['membership-inference']).toBeLessThanOrEqual(75)
  })

  test('that searches for the boundary by patches of an image is not told of copying the model', () => {
    if (shape === shapes.image) expect(deployment.after(attacks.square(world), 400)).not.toHaveProperty('extraction')
  })

  test('that tests with training records alone is not named, and with others among them no more than once for the same', () => {
    const nights = function* (cases: readonly (readonly number[])[]) {
      for (;;) {
        yield* cases
        for (let n = 0; n < 1_500; n++) yield world.honest()
      }
    }
    const suite = training.slice(0, 60)
    const runs = (function* () {
      for (;;) yield* suite
    })()
    expect(deployment.namedAt(runs, 1_000)).toEqual([])
    // Whoever asks more of them is named by the 75th, also if nothing else is asked.
    expect(deployment.namedAt(training.values() as Iterator<readonly number[]>, 100)[0]).toBeLessThanOrEqual(75)
    // In its first run it looks like the theft, whoever runs it.
    const mixed = suite.flatMap((x, n) => (n % 3 === 0 ? [x, world.honest()] : [x]))
    const named = deployment.namedAt(nights(mixed), 4_000)
    expect(named).toHaveLength(1)
    expect(named[0]).toBeLessThanOrEqual(mixed.length)
  })

  test('that is a customer, also of the kinds that are easily taken for thieves, is not named in 2,000 queries', () => {
    const here = Object.entries(habits).filter(([name]) => name !== 'changingLight')
    const named = here.map(([name, habit]) => [name, deployment.after(habit(world), 2_000)])
    expect(named.filter(([, threats]) => Object.keys(threats as object).length > 0)).toEqual([])
  })
})

test('a camera under changing light is named in one world of six at most: a false alarm that is known', () => {
  const named = [7, 8, 9, 10, 11, 12].filter((seed) => {
    const deployment = new Deployment(seed, shapes.image)
    return Object.keys(deployment.after(habits['changingLight']!(deployment.world), 2_000)).length > 0
  })
  expect(named.length).toBeLessThanOrEqual(1)
}, 120_000)

describe('adaptive thieves who know the code', () => {
  const deployment = new Deployment(8, shapes.image)
  const { world } = deployment

  test('one who drips a query in fifty among natural ones is not named, and pays with fifty queries for each', () => {
    const named = deployment.after(attacks.blended(attacks.uniform, 0.02)(world), 3_000)['extraction']
    // 2 % are within what an honest account may show: it is not named at all, and the price is 50 queries for each.
    expect(named).toBeUndefined()
  })

  test('one who shows each kind of evidence no more often than it is allowed is not named, by construction', () => {
    expect(deployment.after(attacks.blended(attacks.active, 0.05)(world), 2_000)).toEqual({})
  })

  test('one who keeps an attack below 1 in 5 pays for it with at least 4 natural queries each', () => {
    const named = deployment.after(attacks.blended(attacks.uniform, 0.2)(world), 2_000)['extraction']!
    expect(named).toBeLessThanOrEqual(200)
  })

  test('one who rotates accounts gets fewer than 25 queries from each', () => {
    for (let account = 0; account < 4; account++) {
      expect(deployment.after(attacks.knockoff(deployment.other)(world), 40)['extraction']).toBeLessThanOrEqual(25)
    }
  })
})
