/**
 * kill -9 of every service, and of respond in the middle of effects: the small fault harness, in some minutes. The long one,
 * with dying servers, zombies, full disks and wrong clocks, is `npm run test:faults`.
 *
 * KILL_SEED repeats a run's moments.
 */
import { expect, test } from 'vitest'
import { elasticsearchDistribution } from '../servers/elasticsearch/distribution.ts'
import { kafkaJars } from '../servers/kafka/jars.ts'
import { describeOwnElasticsearch } from '../support/elasticsearch.ts'
import { describeOwnKafka } from '../support/kafka.ts'
import { faults } from './harness/faults.ts'

const seed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 1e6))

await describeOwnElasticsearch('kill -9 of any service at any moment', () => {
  describeOwnKafka('on a broker', () => {
    test(`loses nothing, does nothing twice, and finds the same (seed ${seed})`, { timeout: 1_200_000 }, async () => {
      const [jars, distribution] = [await kafkaJars(), await elasticsearchDistribution()]
      if ('missing' in jars || 'missing' in distribution) throw new Error('the servers were there a moment ago')
      const said: string[] = []
      // Shown as it happens: of a run that doesn't end, nothing else would be left.
      const say = (line: string): void => {
        said.push(line)
        process.stderr.write(`${line}\n`)
      }
      const judgements = await faults({
        classPath: jars.classPath,
        home: distribution.home,
        records: 2_000,
        thieves: 12,
        decoys: 4,
        copies: 1,
        chaos: { kills: 10, effectKills: 1, everything: false },
        recordsPerSecond: 150,
        calmRecordsPerSecond: 1_000,
        quietMs: 8_000,
        withinMs: 400_000,
        seed,
        say,
      })
      const broken = judgements.filter(({ kept }) => !kept)
      expect(broken, said.join('\n')).toEqual([])
    })
  })
})
