/**
 * The search index contract on a real Elasticsearch: with each event in its day's index, and with all of them older than
 * what is kept, in the late one.
 */
import { createElasticsearchIndex } from '../../../adapters/elasticsearch/search-index.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { silentLog } from '../../../runtime/log.ts'
import { describeElasticsearch } from '../../support/elasticsearch.ts'
import { uniqueName } from '../../support/kafka.ts'
import { searchIndexContract } from './suite.ts'

await describeElasticsearch('on Elasticsearch', (elasticsearch) => {
  for (const [name, eventsKeptDays] of [
    ['Elasticsearch, an index a day', 36_500],
    ['Elasticsearch, the late index', 1],
  ] as const) {
    searchIndexContract(name, async () => {
      const options = { nodes: [elasticsearch.url], prefix: uniqueName('contract'), eventsKeptDays }
      const index = createElasticsearchIndex(options, { clock: systemClock, log: silentLog })
      return { index, close: () => index.close() }
    })
  }
})
