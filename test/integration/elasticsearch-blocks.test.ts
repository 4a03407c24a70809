/**
 * The indexer on a real Elasticsearch that turns documents away for a reason that is none of theirs: a block by which a full
 * disk or an operator makes indices read-only, a queue or a memory that is full.
 */
import { expect, test } from 'vitest'
import { createElasticsearchIndex } from '../../adapters/elasticsearch/search-index.ts'
import { IndexUnavailableError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import type { SearchIndex } from '../../core/ports/search-index.ts'
import { topics } from '../../core/topics.ts'
import { buildDeadLetter } from '../../runtime/dead-letters.ts'
import { silentLog, type Log } from '../../runtime/log.ts'
import { createIndexerService } from '../../services/indexer/service.ts'
import type { ElasticsearchNode } from '../servers/elasticsearch/node.ts'
import { describeOwnElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import { eventOf, eventually, openIndexed, publish, signalOf, type Indexed } from '../support/indexed.ts'

/** How a server is told to take nothing more, and to take it again. */
const blocks = [
  ['a nearly full disk', 'index', 'index.blocks.read_only_allow_delete'],
  ['an index made read-only', 'index', 'index.blocks.read_only'],
  ['an index closed to writers', 'index', 'index.blocks.write'],
  ['a cluster made read-only', 'cluster', 'cluster.blocks.read_only'],
  ['a cluster that only deletes', 'cluster', 'cluster.blocks.read_only_allow_delete'],
] as const

async function setBlock({ url }: ElasticsearchNode, of: 'index' | 'cluster', name: string, on: boolean): Promise<void> {
  const value = { [name]: on ? true : null }
  const [path, body] =
    of === 'index' ? ['/modelwarden-*/_settings', value] : ['/_cluster/settings', { persistent: value }]
  const answer = await fetch(url + path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect({ status: answer.status, said: await answer.text() }).toMatchObject({ status: 200 })
}

/** Publishes and counts: an event, a signal and a dead letter at a time, each with an id of its own. */
class Writer {
  readonly #indexed: Indexed
  #count = 0

  constructor(indexed: Indexed) {
    this.#indexed = indexed
  }

  async write(count: number): Promise<void> {
    const { bus } = this.#indexed
    for (const end = this.#count + count; this.#count < end; this.#count += 1) {
      await publish(bus, topics.events, eventOf(`event-${this.#count}`))
      await publish(bus, topics.signals, signalOf(`signal-${this.#count}`))
      await bus.publish([letter(this.#count)])
    }
  }

  /** Until the index holds each of them; it can't hold one twice without another missing. */
  async stored(index: SearchIndex): Promise<void> {
    for (const collection of ['events', 'signals', 'dead-letters'] as const) {
      await eventually(async () => {
        try {
          await index.refresh()
          return (await index.count(collection)) === this.#count
        } catch (error) {
          // The first event makes its day's index, and the index its shard.
          if (error instanceof IndexUnavailableError) return false
          throw error
        }
      })
    }
  }
}

function letter(offset: number) {
  const value = Buffer.from(`{"truncated ${offset}`)
  const refused = { topic: topics.audit, partition: 0, offset, value, headers: {}, atMs: Date.now() }
  return buildDeadLetter({ ...refused, stage: 'normalize', code: 'NOT_JSON', message: 'It ends too early.' })
}

await describeOwnElasticsearch('an Elasticsearch that takes nothing', () => {
  test('loses no document, dead letters among them, whichever block it was and whoever lifts it', async () => {
    const node = await startElasticsearch()
    const indexed = await openIndexed()
    const index = createElasticsearchIndex(
      { nodes: [node.url], deliveryTimeoutMs: 300 },
      { clock: systemClock, log: silentLog },
    )
    const errors: string[] = []
    const log: Log = { ...silentLog, error: (message) => void errors.push(message), with: () => log }
    const indexer = createIndexerService({ ...indexed.context, log, index })
    const writer = new Writer(indexed)
    try {
      await indexer.start()
      await writer.write(3)
      await writer.stored(index)
      for (const [what, of, name] of blocks) {
        await setBlock(node, of, name, true)
        await writer.write(3)
        await eventually(async () => indexer.health().state === 'degraded')
        expect(indexer.health().summary, what).toContain('cluster_block_exception')
        await setBlock(node, of, name, false)
        await writer.stored(index)
        await eventually(async () => indexer.health().state === 'ready')
      }
      expect(errors).toEqual([])
    } finally {
      await indexer.stop()
      await index.close()
      await indexed.close()
      await node.stop()
    }
  }, 300_000)
})
