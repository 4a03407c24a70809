/**
 * An Elasticsearch whose disk is full to the last byte, again and again, while many send at a time: some of them documents that
 * an earlier request, given up by its sender, is storing too. What the adapter says to be stored is there in the end.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createElasticsearchIndex } from '../../adapters/elasticsearch/search-index.ts'
import { IndexUnavailableError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import type { PutDocument, SearchIndex } from '../../core/ports/search-index.ts'
import { silentLog } from '../../runtime/log.ts'
import type { ElasticsearchNode } from '../servers/elasticsearch/node.ts'
import { describeOwnElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import { signalOf } from '../support/indexed.ts'
import { temporaryFolder } from '../support/tmp.ts'

const forMs = 60_000
const fullMs = 800
const roomMs = 1_500
const lanes = 24
/** Those of them whose documents another request is storing too. */
const doubled = 4
const perTurn = 20
const path = '/modelwarden-signals'

/** A small disk in a file: writing through to it takes its time, as to a real one. Undefined where we may not mount any. */
function mountExt4(folder: string, image: string): { unmount(): void } | undefined {
  for (const [command, ...args] of [
    ['truncate', '-s', '220M', image],
    ['mkfs.ext4', '-q', '-F', '-m', '0', '-O', '^has_journal', image],
    ['mount', '-o', 'loop', image, folder],
  ] as const) {
    if (spawnSync(command, args).status !== 0) return undefined
  }
  return {
    unmount: () => {
      spawnSync('umount', ['-l', folder])
    },
  }
}

/** Documents of some size, so that each request has something to write. */
function documentsOf(lane: number, turn: number): readonly PutDocument[] {
  return Array.from({ length: perTurn }, (_, i) => {
    const id = `signal-${lane}-${turn}-${i}`
    const document = signalOf(id, { explanation: 'x'.repeat(1_500) })
    return { collection: 'signals', id, version: 1, timeMs: Date.now(), document }
  })
}

/** As an indexer that is killed a moment later: nobody waits for the answer. */
async function givenUp({ url }: ElasticsearchNode, documents: readonly PutDocument[]): Promise<void> {
  const lines = documents.map(({ id, document }) => {
    const head = { index: { _id: id, version: 1, version_type: 'external' } }
    return `${JSON.stringify(head)}\n${JSON.stringify(document)}\n`
  })
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${url}${path}/_bulk?timeout=20s`, { method: 'POST', headers, body: lines.join('') })
  await answer.text()
}

async function send(index: SearchIndex, node: ElasticsearchNode, lane: number, untilMs: number): Promise<string[]> {
  const sent: string[] = []
  for (let turn = 0; performance.now() < untilMs; turn += 1) {
    const documents = documentsOf(lane, turn)
    const first = lane < doubled ? givenUp(node, documents).catch(() => undefined) : undefined
    if (lane < doubled) await sleep(Math.random() * 8)
    for (;;) {
      try {
        for (const { id, outcome } of await index.put(documents)) {
          expect({ id, outcome }).toEqual({ id, outcome: expect.toBeOneOf(['stored', 'stale']) as string })
          sent.push(id)
        }
        break
      } catch (error) {
        if (!(error instanceof IndexUnavailableError)) throw error
        await sleep(100)
      }
    }
    await first
  }
  return sent
}

/** Until there is no room for more, and whatever room there comes to be is taken at once. */
async function fillAgainAndAgain(disk: string, untilMs: number): Promise<void> {
  const block = Buffer.alloc(4_096)
  const filler = join(disk, 'filler')
  while (performance.now() < untilMs) {
    await writeFile(
      filler,
      Array.from({ length: 4_096 }, () => Buffer.alloc(65_536)),
    ).catch(() => undefined)
    const file = await open(filler, 'a')
    const overMs = performance.now() + fullMs
    while (performance.now() < overMs) {
      try {
        for (;;) await file.write(block)
      } catch {
        // It is full.
      }
      await sleep(5)
    }
    await file.close()
    await rm(filler)
    await sleep(roomMs)
  }
}

await describeOwnElasticsearch('an Elasticsearch whose disk is full', () => {
  test('has every document that it was said to have, also one that another request was storing', async ({ skip }) => {
    if (process.env['FAULT_FULL_DISK'] === undefined) {
      skip('it fills a disk for a minute: it takes FAULT_FULL_DISK=1')
      return
    }
    const dir = await temporaryFolder('elasticsearch-full')
    const data = join(dir, 'data')
    await mkdir(data)
    const disk = mountExt4(data, join(dir, 'disk.img'))
    if (disk === undefined) {
      skip('a small disk takes the right to mount one')
      return
    }
    const extra = { 'cluster.routing.allocation.disk.threshold_enabled': false }
    const node = await startElasticsearch({ dir, extra })
    // Each has four requests under way at most.
    const copies = Array.from({ length: lanes / 4 }, () =>
      createElasticsearchIndex({ nodes: [node.url] }, { clock: systemClock, log: silentLog }),
    )
    const index = copies[0]!
    try {
      await index.prepare()
      // Nothing is written but the log: its end is what there is no room for.
      const settings = JSON.stringify({ 'index.allocation.max_retries': 1_000, 'index.refresh_interval': -1 })
      await fetch(`${node.url}${path}/_settings`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: settings,
      })
      const untilMs = performance.now() + forMs
      const sending = Array.from({ length: lanes }, (_, lane) =>
        send(copies[lane % copies.length]!, node, lane, untilMs),
      )
      await fillAgainAndAgain(data, untilMs - roomMs)
      const sent = (await Promise.all(sending)).flat()
      expect(sent.length).toBeGreaterThan(100)
      const missing: string[] = []
      for (const id of sent) if ((await index.get('signals', id)) === undefined) missing.push(id)
      expect(missing).toEqual([])
    } finally {
      for (const copy of copies) await copy.close()
      await node.kill9()
      disk.unmount()
    }
  }, 300_000)
})
