/**
 * `npm run test:faults`: everything that goes wrong in operation, at once, on real servers; then what came of it beside an
 * undisturbed run. Exit code 1 where a promise was broken.
 *
 *   FAULT_RECORDS   records fed, 200,000 by default
 *   FAULT_KILLS     kills -9 over all services, 26 by default; beside them each channel's effects are cut off twice by one
 *   FAULT_RATE      records a second in the disturbed run, 500 by default: the time over which disturbances are spread
 *   FAULT_KEEP      `1`: leaves the files of both runs, the logs of all services among them
 *   FAULT_SEED      decides the moments; a random one by default, printed
 */
import { elasticsearchDistribution } from '../servers/elasticsearch/distribution.ts'
import { kafkaJars } from '../servers/kafka/jars.ts'
import { faults } from './harness/faults.ts'

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)

const [jars, distribution] = [await kafkaJars(), await elasticsearchDistribution()]
if ('missing' in jars || 'missing' in distribution) {
  console.error(`The fault harness needs servers of its own: ${'missing' in jars ? jars.missing : ''} ${'missing' in distribution ? distribution.missing : ''}`) // prettier-ignore
  process.exit(1)
}
const judgements = await faults({
  classPath: jars.classPath,
  home: distribution.home,
  records: number('FAULT_RECORDS', 200_000),
  thieves: 60,
  decoys: 20,
  copies: 2,
  chaos: { kills: number('FAULT_KILLS', 26), effectKills: 2, everything: true },
  recordsPerSecond: number('FAULT_RATE', 500),
  calmRecordsPerSecond: 4_000,
  quietMs: 12_000,
  withinMs: 15 * 60_000,
  seed: number('FAULT_SEED', Math.floor(Math.random() * 1e6)),
  keep: process.env['FAULT_KEEP'] === '1',
  say: (line) => {
    console.log(line)
  },
})
for (const { promise, kept, found } of judgements) console.log(`${kept ? 'kept  ' : 'BROKEN'} ${promise}: ${found}`)
if (judgements.some(({ kept }) => !kept)) process.exitCode = 1
