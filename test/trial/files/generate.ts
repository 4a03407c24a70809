/** A seed's traffic: history first, then one file a scenario; and what a defender may know of it all. */
import type { Scenario } from '../attacks/scenario.ts'
import { inputHash } from '../victims/victim.ts'
import { Traffic, type WrittenFile } from './traffic.ts'
import { addBackground, historyOf, worldOf, type World } from './world.ts'

export interface Generated {
  readonly world: World
  readonly history: WrittenFile
  readonly files: readonly WrittenFile[]
  readonly context: Record<string, unknown>
}

const referenceRows = 200

export function generate(seed: number, scenarios: readonly Scenario[]): Generated {
  const world = worldOf(seed)
  const history = historyOf(world).written()
  const files = scenarios.map(({ name, make }) => {
    const dice = world.dice.fork(name)
    const traffic = new Traffic(`${name.replaceAll(/[^a-z0-9]+/g, '-')}.jsonl`, world.testMs, dice.fork('ids'))
    const victims = [...new Set(make({ world, traffic, dice, scenario: name }))]
    if (victims.length > 0) addBackground(world, traffic, victims, dice.fork('background'), 6)
    return traffic.written()
  })
  return { world, history, files, context: contextOf(world) }
}

function contextOf({ victims, languageModels, licenses, estate }: World): Record<string, unknown> {
  const models = victims.map(({ id, logs, shape, members }) => {
    const reference = members.slice(0, referenceRows).map(({ input }) => input)
    return [
      id,
      {
        classes: shape.classes,
        trainingHashes: members.map(({ input }) => inputHash(input)),
        // Where inputs must not travel, no input is on record either.
        ...(logs === 'similarityHash' ? {} : { dim: shape.dimension, reference }),
      },
    ] as const
  })
  return {
    models: Object.fromEntries([...models, ...languageModels.map(({ id }) => [id, {}] as const)]),
    licences: licenses,
    roster: estate.people.map(({ principal, role, ip }) => ({ principal, role, ip })),
  }
}
