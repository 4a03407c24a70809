/**
 * The indexer on a real Elasticsearch that is away, busy, or asks who calls.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@elastic/elasticsearch'
import { expect, test } from 'vitest'
import { createElasticsearchIndex } from '../../adapters/elasticsearch/search-index.ts'
import type { ElasticsearchIndexOptions } from '../../adapters/elasticsearch/config.ts'
import { IndexUnavailableError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import type { SearchIndex } from '../../core/ports/search-index.ts'
import { topics } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { createIndexerService } from '../../services/indexer/service.ts'
import { freePorts } from '../servers/free-ports.ts'
import { describeOwnElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import { eventOf, eventually, openIndexed, publish } from '../support/indexed.ts'
import { temporaryFolder } from '../support/tmp.ts'

const run = promisify(execFile)
const open = (options: ElasticsearchIndexOptions): SearchIndex =>
  createElasticsearchIndex(options, { clock: systemClock, log: silentLog })

await describeOwnElasticsearch('an Elasticsearch of our own', () => {
  test('an indexer whose Elasticsearch is away at first and is killed later holds back, and loses and doubles nothing', async () => {
    const [port] = await freePorts(1)
    const indexed = await openIndexed()
    const index = open({ nodes: [`http://127.0.0.1:${port}`] })
    const indexer = createIndexerService({ ...indexed.context, index })
    await indexer.start()
    let events = 0
    const more = async (count: number): Promise<void> => {
      await publish(indexed.bus, topics.events, ...Array.from({ length: count }, () => eventOf(`e${events++}`)))
    }
    await more(100)
    expect(indexer.health()).toMatchObject({ state: 'degraded' })
    const node = await startElasticsearch({ port })
    try {
      const stored = (): Promise<true> =>
        eventually(async () => {
          try {
            await index.refresh()
            return (await index.count('events')) === events
          } catch (error) {
            // A node that has just come back has not found its shards yet.
            if (error instanceof IndexUnavailableError) return false
            throw error
          }
        }, 90_000)
      await stored()
      expect(indexer.health().state).toBe('ready')
      await more(2_000)
      await node.kill9()
      await more(100)
      await eventually(async () => indexer.health().state === 'degraded')
      await expect(index.count('events')).rejects.toThrow(IndexUnavailableError)
      await node.restart()
      await stored()
      await eventually(async () => indexer.health().state === 'ready')
      expect((await indexed.bus.offsets(topics.deadLetters)).every(({ high }) => high === 0)).toBe(true)
    } finally {
      await indexer.stop()
      await index.close()
      await indexed.close()
      await node.stop()
    }
  }, 300_000)

  test('a server with a short queue turns much away, and in the end everything is stored once', async () => {
    const extra = { 'thread_pool.write.size': 1, 'thread_pool.write.queue_size': 1 }
    const node = await startElasticsearch({ extra })
    const index = open({ nodes: [node.url] })
    try {
      await index.prepare()
      const day = Date.now() - 86_400_000
      const puts = Array.from({ length: 12 }, (_, batch) =>
        index.put(
          Array.from({ length: 150 }, (__, i) => ({
            collection: 'events' as const,
            id: `e${batch}-${i}`,
            timeMs: day + (i % 2) * 86_400_000,
            document: eventOf(`e${batch}-${i}`),
          })),
        ),
      )
      const outcomes = (await Promise.all(puts)).flat().map(({ outcome }) => outcome)
      // A document that was sent again although it had been stored would be a duplicate.
      expect(outcomes.filter((outcome) => outcome !== 'stored')).toEqual([])
      expect(outcomes).toHaveLength(1_800)
      const stats = (await (await fetch(`${node.url}/_nodes/stats/thread_pool`)).json()) as {
        nodes: Record<string, { thread_pool: { write: { rejected: number } } }>
      }
      expect(Object.values(stats.nodes)[0]!.thread_pool.write.rejected).toBeGreaterThan(0)
    } finally {
      await index.close()
      await node.stop()
    }
  }, 300_000)

  test('a server that asks who calls takes the password, an API key and the authority it was given, and no others', async () => {
    const dir = await temporaryFolder('elasticsearch-tls')
    const ca = await certificate(dir)
    const password = 'correct-horse-battery'
    await mkdir(join(dir, 'conf'), { recursive: true })
    await copyFile(join(dir, 'node.p12'), join(dir, 'conf', 'node.p12'))
    const node = await startElasticsearch({
      dir,
      password,
      tls: { file: 'node.p12', password: storePassword, ca },
    })
    const url = node.url
    const admin = { username: 'elastic', password }
    const byPassword = open({ nodes: [url], auth: admin, tls: { ca } })
    const strangers = [
      open({ nodes: [url], auth: { ...admin, password: 'wrong' }, tls: { ca } }),
      open({ nodes: [url], tls: { ca } }),
      open({ nodes: [url], auth: admin }),
    ]
    try {
      await byPassword.prepare()
      const [result] = await byPassword.put([
        { collection: 'incidents', id: 'i1', version: 1, timeMs: Date.now(), document: { id: 'i1' } },
      ])
      expect(result!.outcome).toBe('stored')
      for (const stranger of strangers) {
        await expect(stranger.count('incidents')).rejects.toThrow(IndexUnavailableError)
        await expect(stranger.put([{ collection: 'incidents', id: 'x', timeMs: 0, document: {} }])).rejects.toThrow(
          IndexUnavailableError,
        )
      }
      const key = await apiKey(url, admin, ca)
      const byKey = open({ nodes: [url], auth: { apiKey: key }, tls: { ca } })
      expect((await byKey.get('incidents', 'i1'))?.version).toBe(1)
      await byKey.close()
      const fingerprint = (
        await run('openssl', ['x509', '-in', join(dir, 'ca.pem'), '-noout', '-fingerprint', '-sha256'])
      ).stdout
        .split('=')[1]!
        .trim()
      const byFingerprint = open({ nodes: [url], auth: admin, tls: { caFingerprint: fingerprint } })
      expect((await byFingerprint.get('incidents', 'i1'))?.version).toBe(1)
      await byFingerprint.close()
    } finally {
      for (const index of [byPassword, ...strangers]) await index.close()
      await node.stop()
      await rm(join(dir, 'conf'), { recursive: true, force: true })
    }
  }, 300_000)
})

/** An API key that may do what the docs ask for. */
async function apiKey(
  url: string,
  { username, password }: { username: string; password: string },
  ca: string,
): Promise<string> {
  const client = new Client({ node: url, auth: { username, password }, tls: { ca } })
  const { encoded } = await client.security.createApiKey({
    name: 'modelwarden',
    role_descriptors: {
      modelwarden: {
        cluster: ['monitor', 'manage_index_templates'],
        index: [{ names: ['modelwarden-*'], privileges: ['manage', 'read', 'write', 'create_index'] }],
      },
    },
  })
  await client.close()
  return encoded
}

const storePassword = 'correct-horse'

/** A self-signed certificate for loopback, in `node.p12`; it as PEM. */
async function certificate(dir: string): Promise<string> {
  const store = ['-keystore', join(dir, 'node.p12'), '-storetype', 'PKCS12', '-storepass', storePassword]
  await run('keytool', [
    ...['-genkeypair', ...store, '-alias', 'node', '-keyalg', 'RSA', '-dname', 'CN=node.test', '-validity', '2'],
    ...['-ext', 'SAN=dns:localhost,ip:127.0.0.1', '-ext', 'bc:c=ca:true'],
  ])
  await run('keytool', ['-exportcert', '-rfc', ...store, '-alias', 'node', '-file', join(dir, 'ca.pem')])
  return await readFile(join(dir, 'ca.pem'), 'utf8')
}
