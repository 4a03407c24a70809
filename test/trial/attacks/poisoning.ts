/** Training data that comes in from several sources, some of which mean harm. */
import { dayMs, anytime, paced, hourMs } from '../customers/rhythm.ts'
import type { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import { inputHash, type Victim } from '../victims/victim.ts'
import type { Scenario } from './scenario.ts'

interface Intake {
  readonly traffic: Traffic
  readonly victim: Victim
  readonly dice: Dice
  readonly dataset: string
  readonly earlier: {
    readonly input: readonly number[]
    readonly label: number
    readonly source: string
    readonly atMs: number
  }[]
}

function add(
  intake: Intake,
  atMs: number,
  source: string,
  input: readonly number[],
  label: number,
  run?: string,
): void {
  const { traffic, dice, dataset } = intake
  const body = {
    type: 'dataset_record',
    principal: source,
    dataset,
    recordId: `r-${dice.hex(8)}`,
    features: input,
    inputHash: inputHash(input),
    label,
  }
  traffic.other(atMs, source, body, run)
  intake.earlier.push({ input, label, source, atMs })
}

const week = ({ traffic, dice }: Intake, count: number): number[] =>
  anytime(dice, traffic.startMs, traffic.startMs + 5 * dayMs, count)
const sourceOf = (dice: Dice): string =>
  dice.pick([`src-${dice.hex(4)}`, `vendor-${dice.hex(3)}`, `lab_${dice.hex(4)}`])

/** Honest sources: kind, and how they contribute. */
const honest: readonly (readonly [string, (intake: Intake, source: string) => void])[] = [
  ['data source', (intake, source) => natural(intake, source, week(intake, intake.dice.int(90, 160)))],
  ['data source, small', (intake, source) => natural(intake, source, week(intake, intake.dice.int(20, 50)))],
  [
    'data source with bursts',
    (intake, source) => {
      const { dice, traffic } = intake
      for (let burst = 0; burst < 2; burst++) {
        natural(intake, source, paced(dice, traffic.startMs + dice.between(0, 4) * dayMs, 900, dice.int(60, 110)))
      }
    },
  ],
  [
    'data source that relabels',
    (intake, source) => {
      const { dice, victim } = intake
      const times = week(intake, dice.int(90, 130))
      for (const atMs of times) {
        const { input, label } = victim.shape.natural(dice)
        const wrong = dice.chance(0.06)
        add(intake, atMs, source, input, wrong ? (label + 1) % victim.shape.classes : label)
        // Noticed and put right within the day: the same record comes again.
        if (wrong) add(intake, atMs + Math.floor(dice.between(1, 20) * hourMs), source, input, label)
      }
    },
  ],
]

function natural(intake: Intake, source: string, times: readonly number[]): void {
  const { victim, dice } = intake
  for (const atMs of times) {
    const { input, label } = victim.shape.natural(dice)
    add(intake, atMs, source, input, dice.chance(0.015) ? dice.int(0, victim.shape.classes - 1) : label)
  }
}

const poisons: readonly (readonly [string, (intake: Intake, source: string, run: string) => void])[] = [
  [
    'poison: flipped labels',
    (intake, source, run) => {
      const { dice, victim } = intake
      const share = dice.between(0.2, 0.4)
      const target = dice.int(0, victim.shape.classes - 1)
      for (const atMs of week(intake, dice.int(110, 160))) {
        const { input, label } = victim.shape.natural(dice)
        const flip = label !== target && dice.chance(share)
        add(intake, atMs, source, input, flip ? target : label, flip ? run : undefined)
      }
    },
  ],
  [
    'poison: trigger',
    (intake, source, run) => {
      const { dice, victim } = intake
      const { columns, classes, side, dimension } = victim.shape
      const target = dice.int(0, classes - 1)
      // A few pixels in one corner, or a few columns at values that seldom come together.
      const at =
        side > 0
          ? [side * side - 1, side * side - 2, side * side - side - 1, side * side - side - 2]
          : dice.sample([...Array(dimension).keys()], 3)
      for (const atMs of week(intake, dice.int(110, 160))) {
        const { input, label } = victim.shape.natural(dice)
        const planted = dice.chance(0.2)
        const x = planted ? input.map((value, i) => (at.includes(i) ? columns[i]!.high : value)) : input
        add(intake, atMs, source, victim.clipped(x), planted ? target : label, planted ? run : undefined)
      }
    },
  ],
  [
    'poison: copies',
    (intake, source, run) => {
      const { dice, victim, earlier } = intake
      const others = earlier.filter((each) => each.source !== source)
      for (const atMs of week(intake, dice.int(90, 130))) {
        const known = others.filter((each) => each.atMs < atMs)
        if (known.length > 10 && dice.chance(0.5)) {
          const { input, label } = dice.pick(known)
          const near = victim.clipped(input.map((value) => (value === 0 ? 0 : value + dice.normal(0, 0.006))))
          add(intake, atMs, source, near, label, run)
        } else {
          const { input, label } = victim.shape.natural(dice)
          add(intake, atMs, source, input, label)
        }
      }
    },
  ],
]

export const poisonScenarios: readonly Scenario[] = [1, 2, 3].map((number) => ({
  name: `poisoned intake ${number}`,
  make: ({ traffic, dice, world }) => {
    const victim = dice.pick(world.victims.filter(({ shape }) => shape.kind === (number === 3 ? 'table' : 'image')))
    const intake: Intake = { traffic, victim, dice, dataset: `set-${dice.hex(4)}`, earlier: [] }
    for (const [kind, contribute] of [...honest, honest[0]!]) {
      const source = sourceOf(dice)
      traffic.honest(source, kind)
      contribute(intake, source)
    }
    for (const [scenario, contribute] of poisons) {
      const source = sourceOf(dice)
      const run = traffic.runId(scenario)
      traffic.run({ scenario, id: run, model: '', accounts: [source], accepted: ['poisoning'] })
      contribute(intake, source, run)
    }
    return []
  },
}))
