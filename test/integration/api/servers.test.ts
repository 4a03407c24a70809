/** The HTTP API over a real Kafka broker and a real Elasticsearch: what it answers, to whom, and what it sends live. */
import { afterAll, beforeAll } from 'vitest'
import type { ElasticsearchNode } from '../../servers/elasticsearch/node.ts'
import type { KafkaBroker } from '../../servers/kafka/broker.ts'
import { startApi } from '../../support/api.ts'
import { describeOwnElasticsearch, startElasticsearch } from '../../support/elasticsearch.ts'
import { openOnServers } from '../../support/indexed.ts'
import { describeOwnKafka, startKafka } from '../../support/kafka.ts'
import { tellsNothingOfOthers } from './tenants.ts'

await describeOwnElasticsearch('with an Elasticsearch', () => {
  describeOwnKafka('and a broker', () => {
    let servers: readonly [KafkaBroker, ElasticsearchNode]
    beforeAll(async () => {
      servers = await Promise.all([startKafka(), startElasticsearch()])
    }, 300_000)
    afterAll(() => Promise.all(servers.map((server) => server.kill9())), 60_000)

    // Roles are looked at before the index is asked: here it is bus and index that are tried, with the widest role.
    tellsNothingOfOthers(async () => {
      const [broker, node] = servers
      return await startApi({ on: openOnServers(broker.brokers, node.url) })
    }, ['north-admin'])
  })
})
