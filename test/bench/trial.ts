/**
 * `npm run bench trial -- --seed N [--only SCENARIO,…] [--json] [--keep FOLDER]`: how many attacks on models that
 * nobody has seen are found, and how many honest customers are accused (docs/trial.md).
 */
import { parseArgs } from 'node:util'
import { tablesOf } from '../trial/judge/table.ts'
import { trial } from '../trial/trial.ts'
import { type Bench, type Figure, WrongOptionError } from './figures.ts'

export const trialBench: Bench = {
  name: 'trial',
  help: [
    '  --seed N          what the traffic is made from (1)',
    '  --only NAME,…     these scenarios alone; a name that there is not prints all',
    '  --json            the whole verdict',
    '  --keep FOLDER     leaves the traffic, the alerts and the truth there',
    "  e.g. npm run bench trial -- --seed 7 --only 'jbda,shared key'",
  ].join('\n'),
  async run(options) {
    const { values } = parseArgs({
      args: [...options],
      options: {
        seed: { type: 'string', default: '1' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        keep: { type: 'string' },
      },
    })
    const seed = Number(values.seed)
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new WrongOptionError(`--seed takes a whole number, not ${values.seed}`)
    const result = await trial({
      seed,
      ...(values.only === undefined ? {} : { only: values.only.split(',').map((name) => name.trim()) }),
      ...(values.keep === undefined ? {} : { keep: values.keep }),
      onProgress: (text) => console.error(text),
    })
    console.log(values.json ? JSON.stringify(result, undefined, 2) : tablesOf(result))
    const { scenarios, honest } = result.verdict
    const sum = (of: (each: (typeof scenarios)[number]) => number): number =>
      scenarios.reduce((total, each) => total + of(each), 0)
    const figures: Figure[] = [
      {
        name: `runs found, seed ${result.seed}`,
        value: sum(({ runsFound }) => runsFound),
        unit: 'runs',
        baseline: { name: 'all', value: sum(({ runs }) => runs) },
        target: { least: 0.9 },
      },
      {
        name: 'honest accounts alerted',
        value: honest.alerted,
        unit: 'accounts',
        baseline: { name: 'all', value: honest.accounts },
        target: { most: 0.01 },
      },
    ]
    return figures
  },
}
