/** Whether what is told of an account's leak is true: copies are really trained on its answers, and tried on inputs held back. */
import { expect, test } from 'vitest'
import { inventoryOfContext } from '../../cli/evaluate-context.ts'
import { EvaluateRun, type Alert, type HeldAtEnd } from '../../cli/evaluate-run.ts'
import * as attacks from '../support/traffic/attacks.ts'
import { habits } from '../support/traffic/honest.ts'
import { contentOf } from '../support/traffic/content.ts'
import { recordsOf, type Account } from '../support/traffic/records.ts'
import { trainedCopies } from '../support/traffic/copies.ts'
import { worldOf, type Input, type World } from '../support/traffic/world.ts'

const dayMs = 86_400_000
const mondayMs = Date.parse('2026-02-23T00:00:00.000Z')
const model = 'm'

const sources = contentOf('sources', /\.yml$/)
const rules = contentOf('rules', /inference\/(model-queries|leak-account)\.yml$/)

/** A world whose model has been in use for a week; each account's leak after that. */
function deploymentOf(world: World, registered: boolean, copyFidelityMax?: number) {
  const reference = registered ? Array.from({ length: 120 }, () => world.honest()) : []
  const context = { models: { [model]: { dim: world.dimension, classes: world.classes, reference } } }
  const terms = { id: 'narrow', tenant: 't-u', principal: 't-u/u', models: [model], form: 'api', copyFidelityMax }
  const licenses = {
    path: 'license.json',
    text: JSON.stringify({ licenses: copyFidelityMax === undefined ? [] : [terms] }),
  }
  const inventory = [...inventoryOfContext(JSON.stringify(context), 'context.json'), licenses]
  const run = new EvaluateRun({ sources, rules, inventory })
  const feed = (file: string, accounts: readonly Account[]): void => {
    run.begin(file)
    const records = recordsOf(file, model, world, accounts)
    run.take(records.map((record) => ({ topic: 'inference.events', value: JSON.stringify(record), headers: {} })))
  }
  const customers = Array.from({ length: 8 }, (_, n) => {
    const at = { startMs: mondayMs + n * 60_000, everyMs: (7 * dayMs) / 100 }
    return { name: `h${n}`, stream: habits['ordinary']!(world), queries: 100, ...at }
  })
  feed('history', customers)
  run.finish(mondayMs + 7 * dayMs)
  run.takeLeaks()
  const learned = run.snapshot()
  return (inputs: readonly Input[]): { readonly leak: HeldAtEnd; readonly alerts: readonly Alert[] } => {
    run.restore(learned)
    const at = { startMs: mondayMs + 8 * dayMs, everyMs: 1_000 }
    feed('after', [{ name: 'u', stream: inputs.values() as Iterator<Input>, queries: inputs.length, ...at }])
    const alerts = run.finish(Infinity)
    const leaks = run.takeLeaks()
    return { leak: leaks.find(({ account }) => account === 'u')!, alerts }
  }
}

function taken(stream: Iterator<Input>, count: number): Input[] {
  return Array.from({ length: count }, () => stream.next().value as Input)
}

const shapes = [
  { seed: 21, dimension: 20, classes: 5, blank: 0.2 },
  { seed: 22, dimension: 13, classes: 3, apart: 2 },
  { seed: 23, dimension: 30, classes: 2, apart: 1.5 },
]

test('at least nine of ten intervals hold how faithful the copies are that were really trained on the answers', () => {
  const wrong: string[] = []
  let count = 0
  for (const [n, shape] of shapes.entries()) {
    const world = worldOf(shape)
    const leakOf = deploymentOf(world, n !== 1)
    const other = worldOf({ ...shape, seed: shape.seed + 500 })
    const streams = {
      harvest: habits['ordinary']!(world), backfill: habits['backfill']!(world), augmented: habits['augmented']!(world),
      jacobian: attacks.jacobian(40)(world), active: attacks.active(world), uniform: attacks.uniform(world),
      knockoff: attacks.knockoff(other)(world), blended: attacks.blended(attacks.jacobian(30), 0.3)(world),
    } // prettier-ignore
    const heldBack = Array.from({ length: 500 }, () => world.honest())
    for (const [name, stream] of Object.entries(streams)) {
      for (const inputs of [taken(stream, 60), taken(stream, 340)]) {
        const { leak } = leakOf(inputs)
        for (const [copy, fidelity] of trainedCopies(world, inputs, heldBack)) {
          count++
          if (fidelity < leak.lo90! || fidelity > leak.hi90!) {
            wrong.push(`${n}/${name}/${inputs.length}/${copy}: ${fidelity} is not in ${leak.lo90} to ${leak.hi90}`)
          }
        }
      }
    }
  }
  expect(wrong.length / count, wrong.join('\n')).toBeLessThanOrEqual(0.1)
}, 240_000)

test('what a harvest holds grows, and customers who ask much are not accused', () => {
  const world = worldOf(shapes[0]!)
  const leakOf = deploymentOf(world, true)
  const inputs = taken(habits['ordinary']!(world), 1_500)
  const [few, many] = [leakOf(inputs.slice(0, 60)), leakOf(inputs)]
  expect(many.leak.fidelity!).toBeGreaterThanOrEqual(few.leak.fidelity!)
  expect(many.leak.lo90!).toBeGreaterThan(few.leak.lo90!)
  expect(many.leak.coverage!).toBeGreaterThan(few.leak.coverage!)
  expect(many.leak.lo90!).toBeGreaterThan(0.7)
  expect(many.leak.distinct).toBeGreaterThan(1_300)
  expect([...few.alerts, ...many.alerts]).toEqual([])
  // Somebody who asks the same again and again holds next to nothing.
  const same = leakOf(taken(habits['healthCheck']!(world), 1_500))
  expect(same.leak).toBeUndefined()
}, 120_000)

test('an account is named once a copy is, for sure, more faithful than its license allows', () => {
  const world = worldOf(shapes[0]!)
  const inputs = taken(habits['ordinary']!(world), 400)
  const { leak, alerts } = deploymentOf(world, true, 0.6)(inputs)
  expect(leak.lo90!).toBeGreaterThan(0.6)
  expect(alerts).toMatchObject([{ principal: 'u', threat: 'extraction' }])
  expect(deploymentOf(world, true, 0.99)(inputs).alerts).toEqual([])
}, 120_000)
