/**
 * Elastic's own distribution from a container, where a Docker engine answers. Serves tests that don't crash their server.
 */
import { GenericContainer, Wait } from 'testcontainers'

const image = 'docker.elastic.co/elasticsearch/elasticsearch:8.19.13'
const startMsMax = 5 * 60_000

export interface ElasticsearchContainer {
  readonly url: string
  stop(): Promise<void>
}

export async function startElasticsearchContainer(): Promise<ElasticsearchContainer> {
  const container = await new GenericContainer(image)
    .withExposedPorts(9200)
    .withEnvironment({
      'discovery.type': 'single-node',
      'xpack.security.enabled': 'false',
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      ES_JAVA_OPTS: '-Xms512m -Xmx512m',
    })
    .withWaitStrategy(Wait.forHttp('/_cluster/health?wait_for_status=yellow', 9200))
    .withStartupTimeout(startMsMax)
    .start()
  return {
    url: `http://${container.getHost()}:${container.getMappedPort(9200)}`,
    stop: async () => {
      await container.stop()
    },
  }
}
