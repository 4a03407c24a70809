/**
 * `npm run bench [NAME…] [-- OPTION…]`: measures, and prints each figure beside its own baseline from the same run.
 *
 * Exit code 0 also where a target is missed: machines differ; the table says which are met.
 */
import Table from 'cli-table3'
import { tuneGarbageCollector } from '../../runtime/garbage-collector.ts'
import { authorizeBench } from './authorize.ts'
import { elasticsearchBench } from './elasticsearch.ts'
import { type Bench, type Figure, outcomeOf, ratioOf, WrongOptionError } from './figures.ts'
import { detectorsBench } from './detectors.ts'
import { inProcessBench } from './in-process.ts'
import { kafkaHopsBench } from './kafka-hops.ts'
import { overKafkaBench } from './over-kafka.ts'
import { reactionBench } from './reaction.ts'
import { restoreBench } from './restore.ts'
import { trialBench } from './trial.ts'

// As the program does.
tuneGarbageCollector()

const benches: readonly Bench[] = [
  inProcessBench,
  detectorsBench,
  overKafkaBench,
  reactionBench,
  authorizeBench,
  kafkaHopsBench,
  elasticsearchBench,
  restoreBench,
  trialBench,
]

const args = process.argv.slice(2)
const firstOption = args.findIndex((arg) => arg.startsWith('-'))
const [wanted, options] = firstOption < 0 ? [args, []] : [args.slice(0, firstOption), args.slice(firstOption)]
const chosen = wanted.length === 0 ? benches : benches.filter((bench) => wanted.includes(bench.name))
if (chosen.length === 0) {
  console.error(`No bench of that name. There are: ${benches.map((bench) => bench.name).join(', ')}`)
  process.exit(2)
}

if (options.includes('--help') || options.includes('-h')) {
  console.log('npm run bench [NAME…] [-- OPTION…]\n')
  for (const { name, help } of chosen) console.log(help === undefined ? name : `${name}\n${help}`)
  process.exit(0)
}

const table = new Table({
  head: ['figure', 'value', 'baseline', 'ratio', 'target', ''],
  style: { head: [], border: [] },
})
for (const bench of chosen) {
  console.error(`${bench.name} …`)
  const found = await bench.run(options).catch(refused)
  if ('skipped' in found) table.push([bench.name, `skipped: ${found.skipped}`, '', '', '', ''])
  else for (const figure of found) table.push(row(figure))
}
// Whoever asked for JSON has it already.
if (!options.includes('--json')) console.log(table.toString())

/** An option or a value that a bench doesn't take is told in one line. */
function refused(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!(error instanceof WrongOptionError) && !code.startsWith('ERR_PARSE_ARGS')) throw error
  console.error(`${error instanceof Error ? error.message : ''} (--help tells the options)`)
  process.exit(2)
}

function row(figure: Figure): string[] {
  const { target, unit } = figure
  const format = (value: number): string => `${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}`
  const baseline = `${format(figure.baseline.value)} (${figure.baseline.name})`
  const cells = [figure.name, format(figure.value), baseline, ratioOf(figure).toFixed(2)]
  if (target === undefined) return [...cells, '', '']
  const aim = 'least' in target ? `>= ${target.least}` : `<= ${target.most}`
  return [...cells, aim, outcomeOf({ ...figure, target })]
}
