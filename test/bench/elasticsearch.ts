/**
 * Documents a second through our adapter's `put`, beside the client's own bulk helper: the same documents (events in ECS, by
 * `create` with their ids), the same mapping, the same server, in turns in one run.
 */
import { Client } from '@elastic/elasticsearch'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElasticsearchIndex } from '../../adapters/elasticsearch/search-index.ts'
import { mappingsOf } from '../../adapters/elasticsearch/templates.ts'
import { systemClock } from '../../core/ports/clock.ts'
import type { Event } from '../../core/event.ts'
import { silentLog } from '../../runtime/log.ts'
import { elasticsearchDistribution } from '../servers/elasticsearch/distribution.ts'
import { ElasticsearchNode } from '../servers/elasticsearch/node.ts'
import { median, type Bench, type Figure } from './figures.ts'
import { seededRandom } from './records.ts'

const count = Number(process.env['BENCH_INDEX_DOCUMENTS'] ?? 30_000)
const rounds = 5
/** As the indexer puts them: a batch of a partition, several partitions at a time. */
const batch = 2_000
const partitions = 4

export const elasticsearchBench: Bench = {
  name: 'index',
  run: () =>
    withNode(async (url) => {
      const ours: number[] = []
      const helpers: number[] = []
      for (let round = 0; round <= rounds; round++) {
        const documents = eventsOf(count, round)
        // Whoever goes second finds a warmer server: turns alternate, and the first round only warms it up.
        const put = async (): Promise<void> => {
          const rate = await throughPut(url, documents, round)
          if (round > 0) ours.push(rate)
        }
        const help = async (): Promise<void> => {
          const rate = await throughHelper(url, documents, round)
          if (round > 0) helpers.push(rate)
        }
        for (const turn of round % 2 === 0 ? [put, help] : [help, put]) await turn()
      }
      const figure: Figure = {
        name: 'events into Elasticsearch',
        value: median(ours),
        unit: 'documents/s',
        baseline: { name: 'the client’s bulk helper', value: median(helpers) },
        target: { least: 0.8 },
      }
      return [figure]
    }),
}

async function throughPut(url: string, documents: readonly Event[], round: number): Promise<number> {
  const tools = { clock: systemClock, log: silentLog }
  const index = createElasticsearchIndex({ nodes: [url], prefix: `put${round}`, eventsKeptDays: 36_500 }, tools)
  await index.prepare()
  const [first] = documents
  if (first !== undefined) await index.put([putOf(first)])
  const startedMs = performance.now()
  let next = 1
  const lane = async (): Promise<void> => {
    while (next < documents.length) {
      const from = next
      next += batch
      await index.put(documents.slice(from, from + batch).map(putOf))
    }
  }
  await Promise.all(Array.from({ length: partitions }, lane))
  const seconds = (performance.now() - startedMs) / 1_000
  await index.refresh()
  const stored = await index.count('events')
  if (stored !== documents.length) throw new Error(`${stored} of ${documents.length} events are in the index`)
  await index.close()
  return (documents.length - 1) / seconds
}

const putOf = (document: Event) => ({
  collection: 'events' as const,
  id: document.event.id,
  timeMs: Date.parse(document['@timestamp']),
  document,
})

async function throughHelper(url: string, documents: readonly Event[], round: number): Promise<number> {
  const client = new Client({ node: url })
  const index = `helper${round}`
  const template = await client.indices.getIndexTemplate({ name: 'put0-events' })
  await client.indices.create({
    index,
    settings: template.index_templates[0]!.index_template.template!.settings as Record<string, unknown>,
    mappings: mappingsOf('events'),
  })
  const startedMs = performance.now()
  const { failed, successful } = await client.helpers.bulk<Event>({
    datasource: [...documents],
    onDocument: (document) => ({ create: { _index: index, _id: document.event.id } }),
    concurrency: partitions,
  })
  const seconds = (performance.now() - startedMs) / 1_000
  if (failed > 0 || successful !== documents.length) throw new Error(`the helper stored ${successful} documents`)
  await client.close()
  return documents.length / seconds
}

/** Calls of a model over one hour, as normalize makes them of a gateway's records; a few fields that the mapping has not. */
function eventsOf(howMany: number, seed: number): Event[] {
  const random = seededRandom(seed + 1)
  const startMs = Date.parse('2026-03-01T10:00:00Z')
  return Array.from({ length: howMany }, (_, i) => {
    const who = Math.floor(random() * 300)
    const tenant = `t-${who % 17}`
    const tokens = Math.floor(random() * 2_000)
    return {
      '@timestamp': new Date(startMs + i * 100).toISOString(),
      event: {
        id: hex(random, 32),
        kind: 'event',
        category: ['api'],
        type: ['access'],
        action: 'inference',
        outcome: random() < 0.97 ? 'success' : 'failure',
        dataset: 'gateway',
        created: new Date(startMs + i * 100 + 40).toISOString(),
        hash: hex(random, 64),
      },
      organization: { id: tenant },
      user: { id: `u-${who}`, name: `user-${who}` },
      source: { ip: `198.51.${who % 100}.${(who * 7) % 250}`, geo: { country_iso_code: 'DE' } },
      user_agent: { original: 'python-requests/2.32' },
      http: { response: { status_code: 200 } },
      gen_ai: {
        operation: { name: 'chat' },
        request: { model: 'llm-7b', max_tokens: 512 },
        usage: { input_tokens: tokens, output_tokens: tokens >> 1 },
      },
      warden: {
        principal: `${tenant}/u-${who}`,
        logsource: { category: 'inference', product: 'gateway' },
        position: { topic: 'inference.events', partition: who % 4, offset: i, index: 0 },
        credential: { id: `hmac-${hex(random, 32)}` },
        model: { id: 'llm-7b', version: '1.0.0' },
        bytes: Math.floor(random() * 10_000),
        input: { hash: hex(random, 64) },
        region: `zone-${who % 5}`,
      },
    }
  })
}

function hex(random: () => number, digits: number): string {
  let text = ''
  while (text.length < digits) text += Math.floor(random() * 2 ** 32).toString(16).padStart(8, '0') // prettier-ignore
  return text
}

async function withNode<T>(work: (url: string) => Promise<T>): Promise<T | { readonly skipped: string }> {
  const named = process.env['TEST_ELASTICSEARCH'] ?? ''
  if (named.startsWith('http')) return await work(named)
  const distribution = await elasticsearchDistribution()
  if ('missing' in distribution) return { skipped: distribution.missing }
  const dir = await mkdtemp(join(tmpdir(), 'modelwarden-bench-'))
  const node = await ElasticsearchNode.start({ dir, home: distribution.home, heapMb: 1_024 })
  try {
    return await work(node.url)
  } finally {
    await node.kill9()
    await rm(dir, { recursive: true, force: true })
  }
}
