/**
 * A real Elasticsearch for tests; each file that asks gets a server of its own, which dies with it.
 *
 * Where it comes from, first that works: the address in TEST_ELASTICSEARCH, Maven and Java, Docker. Where none does, the
 * tests are skipped and the closing report says so. TEST_ELASTICSEARCH=required makes that a failure instead,
 * TEST_ELASTICSEARCH=off asks for nothing.
 */
import { afterAll, beforeAll, describe, type TaskMeta } from 'vitest'
import { startElasticsearchContainer } from '../servers/elasticsearch/container.ts'
import { elasticsearchDistribution, type Distribution } from '../servers/elasticsearch/distribution.ts'
import { ElasticsearchNode, type ElasticsearchNodeOptions } from '../servers/elasticsearch/node.ts'
import { dockerMissing } from '../servers/kafka/container.ts'
import { temporaryFolder } from './tmp.ts'

const startMsMax = 6 * 60_000

export interface ElasticsearchForTests {
  /** Where it listens, once the suite's tests run. */
  readonly url: string
}

type Way =
  { readonly start: () => Promise<{ readonly url: string; stop(): Promise<void> }> } | { readonly missing: string }

/** A suite against a server that is started before its first test. To be awaited: it looks for a server first. */
export async function describeElasticsearch(
  name: string,
  tests: (elasticsearch: ElasticsearchForTests) => void,
): Promise<void> {
  const way = await wayToServer()
  const server = { url: '' }
  if ('missing' in way) {
    const meta: Partial<TaskMeta> = { serverMissing: `Elasticsearch: ${way.missing}` }
    describe.skip(name, { meta }, () => {
      tests(server)
    })
    return
  }
  describe(name, () => {
    let started: Awaited<ReturnType<typeof way.start>> | undefined
    beforeAll(async () => {
      started = await way.start()
      server.url = started.url
    }, startMsMax)
    afterAll(() => started?.stop(), 60_000)
    tests(server)
  })
}

/** A suite that starts nodes of its own with `startElasticsearch`, to crash or configure them. To be awaited. */
export async function describeOwnElasticsearch(name: string, tests: () => void): Promise<void> {
  const distribution = await ownDistribution()
  if ('home' in distribution) {
    describe(name, tests)
    return
  }
  const missing = `Elasticsearch: a node that tests may crash: ${distribution.missing}`
  describe.skip(name, { meta: { serverMissing: missing } }, tests)
}

/** Starts a node that belongs to one test. End it with `stop` or `kill9`; it dies with the test process at the latest. */
export async function startElasticsearch(
  options: Partial<Omit<ElasticsearchNodeOptions, 'home'>> = {},
): Promise<ElasticsearchNode> {
  const distribution = await ownDistribution()
  if ('missing' in distribution) throw new Error(`no Elasticsearch of its own for this test: ${distribution.missing}`)
  const dir = options.dir ?? (await temporaryFolder('elasticsearch'))
  return await ElasticsearchNode.start({ ...options, dir, home: distribution.home })
}

async function ownDistribution(): Promise<Distribution> {
  const wanted = process.env['TEST_ELASTICSEARCH'] ?? ''
  if (wanted === 'off') return { missing: 'TEST_ELASTICSEARCH=off' }
  return await elasticsearchDistribution()
}

async function wayToServer(): Promise<Way> {
  const wanted = process.env['TEST_ELASTICSEARCH'] ?? ''
  if (wanted === 'off') return { missing: 'TEST_ELASTICSEARCH=off' }
  if (wanted !== '' && wanted !== 'required') {
    return { start: async () => ({ url: wanted, stop: async () => undefined }) }
  }
  const distribution = await elasticsearchDistribution()
  if ('home' in distribution) return { start: async () => await startElasticsearch() }
  const noDocker = await dockerMissing()
  if (noDocker === undefined) return { start: startElasticsearchContainer }
  const missing = `${distribution.missing}; ${noDocker}`
  if (wanted === 'required') throw new Error(`TEST_ELASTICSEARCH=required, but there is none: ${missing}`)
  return { missing }
}
