import { afterEach, expect, test } from 'vitest'
import { IndexRefusedError, IndexUnavailableError } from '../../core/errors.ts'
import type { PutDocument } from '../../core/ports/search-index.ts'
import { silentLog } from '../../runtime/log.ts'
import { startHttpReceiver, type Answer, type ReceivedRequest } from '../../test/support/http-receiver.ts'
import { createElasticsearchIndex } from './search-index.ts'

/**
 * What a real server can't be brought to on command (turning away one document of three, ILM, a proxy before it) is
 * played back here, as its documentation has it. Everything else is tested on the real one: test/contract/search-index.
 */
const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

const now = Date.parse('2026-03-10T12:00:00Z')
const clock = { nowMs: () => now, monotonicMs: () => performance.now() }

interface Played {
  readonly index: ReturnType<typeof createElasticsearchIndex>
  readonly requests: ReceivedRequest[]
}

async function play(answer: (request: ReceivedRequest) => Answer | undefined, kept = 90): Promise<Played> {
  const requests: ReceivedRequest[] = []
  const receiver = await startHttpReceiver((request) => {
    requests.push(request)
    const { status, headers, body } = answer(request) ?? shardsAt(request) ?? { status: 200, body: {} }
    return { status, body, headers: { 'x-elastic-product': 'Elasticsearch', ...headers } }
  })
  const options = { nodes: [receiver.url], eventsKeptDays: kept, deliveryTimeoutMs: 2_000 }
  const index = createElasticsearchIndex(options, { clock, log: silentLog })
  ended.push(
    () => index.close(),
    () => receiver.close(),
  )
  return { index, requests }
}

const event = (id: string, timeMs = now, document: object = { n: id }): PutDocument => ({
  collection: 'events',
  id,
  timeMs,
  document: { ...document },
})
const bulks = (requests: readonly ReceivedRequest[]): readonly string[] =>
  requests.filter(({ path }) => path.startsWith('/_bulk')).map(({ body }) => body)
const idsOf = (bulk: string): readonly string[] => [...bulk.matchAll(/"_id":"([^"]+)"/g)].map((match) => match[1]!)
const busy = { create: { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } } }
const created = { create: { status: 201, _primary_term: 1, _seq_no: 7 } }

/** What a server says of one-shard indices, whichever it is asked for. */
function shardsAt({ path }: ReceivedRequest, checkpoint = 7, term = 1): Answer | undefined {
  const of = (answer: object) => Object.fromEntries(indicesOf(path).map((index) => [index, answer]))
  const shards = { 0: [{ routing: { primary: true }, seq_no: { global_checkpoint: checkpoint } }] }
  if (path.includes('/_stats/translog')) return { status: 200, body: { indices: of({ shards }) } }
  const metadata = { indices: of({ primary_terms: { 0: term } }) }
  return path.startsWith('/_cluster/state/') ? { status: 200, body: { metadata } } : undefined
}
const indicesOf = (path: string): readonly string[] =>
  (/^\/(?:_cluster\/state\/metadata\/)?([^/?]+)/.exec(decodeURIComponent(path))?.[1] ?? '').split(',')

const conflict = { create: { status: 409, error: { type: 'version_conflict_engine_exception' } } }
const flushed = { status: 200, body: { _shards: { total: 1, successful: 1, failed: 0 } } }
const writeOf = (seqNo: number | undefined) =>
  seqNo === undefined ? { found: false } : { found: true, _seq_no: seqNo, _primary_term: 1 }

test('only the documents that a busy server turned away are sent again; the results of the others stand', async () => {
  let turn = 0
  const { index, requests } = await play(({ path }) => {
    if (path.startsWith('/_mget')) return { status: 200, body: { docs: [writeOf(4)] } }
    if (path.includes('/_flush')) return flushed
    if (!path.startsWith('/_bulk')) return undefined
    turn += 1
    const first = [created, busy, conflict]
    return { status: 200, body: { items: turn === 1 ? first : [created] } }
  })
  const results = await index.put([event('a'), event('b'), event('c')])
  expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['a', 'stored'],
    ['b', 'stored'],
    ['c', 'duplicate'],
  ])
  expect(bulks(requests).map(idsOf)).toEqual([['a', 'b', 'c'], ['b']])
})

test('a document that was there but not on the disk yet, and is forgotten, is sent again', async () => {
  let seen = 0
  let turn = 0
  const { index, requests } = await play(({ path }) => {
    if (path.startsWith('/_mget')) return { status: 200, body: { docs: [writeOf([7, undefined][seen++])] } }
    if (path.includes('/_flush')) return flushed
    if (!path.startsWith('/_bulk')) return undefined
    turn += 1
    return { status: 200, body: { items: [turn === 1 ? conflict : created] } }
  })
  expect(await index.put([event('a')])).toEqual([{ id: 'a', outcome: 'stored' }])
  expect(bulks(requests).map(idsOf)).toEqual([['a'], ['a']])
})

test('a document that came back by another write, or whose flush failed, is not taken for stored', async () => {
  const seen = [7, 8, 8, 8, 8]
  const flushes = [flushed, { status: 200, body: { _shards: { total: 1, successful: 0, failed: 1 } } }, flushed]
  const { index, requests } = await play(({ path }) => {
    if (path.startsWith('/_mget')) return { status: 200, body: { docs: [writeOf(seen.shift())] } }
    if (path.includes('/_flush')) return flushes.shift()
    return path.startsWith('/_bulk') ? { status: 200, body: { items: [conflict] } } : undefined
  })
  expect(await index.put([event('a')])).toEqual([{ id: 'a', outcome: 'duplicate' }])
  expect(bulks(requests)).toHaveLength(3)
})

test.each([
  ['by a shard that has started anew since', (request: ReceivedRequest) => shardsAt(request, 7, 2)],
  ['by a shard that has not written it to its log on the disk', (request: ReceivedRequest) => shardsAt(request, 6)],
  [
    'by a shard that is nowhere now',
    ({ path }: ReceivedRequest) => (path.includes('/_stats/translog') ? { status: 200, body: {} } : undefined),
  ],
])('a document answered as created %s, and gone after a flush, is sent again', async (_, answer) => {
  let turn = 0
  const { index, requests } = await play((request) => {
    if (request.path.startsWith('/_mget')) return { status: 200, body: { docs: [writeOf(7), writeOf(undefined)] } }
    if (request.path.includes('/_flush')) return flushed
    if (!request.path.startsWith('/_bulk')) return turn === 1 ? answer(request) : undefined
    turn += 1
    return { status: 200, body: { items: idsOf(request.body).map(() => created) } }
  })
  const results = await index.put([event('a'), event('b')])
  expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
  expect(bulks(requests).map(idsOf)).toEqual([['a', 'b'], ['b']])
})

test('a document that waits for others to be written is stored once the checkpoint has passed it, without a flush', async () => {
  let asked = 0
  const { index, requests } = await play((request) => {
    if (request.path.startsWith('/_bulk')) return { status: 200, body: { items: [created] } }
    return request.path.includes('/_stats/') ? shardsAt(request, 5 + asked++) : undefined
  })
  expect(await index.put([event('a')])).toEqual([{ id: 'a', outcome: 'stored' }])
  expect(asked).toBe(3)
  expect(requests.some(({ path }) => path.includes('/_flush'))).toBe(false)
})

test('a disk that is nearly full blames no document: what its block turned away is sent again', async () => {
  let turn = 0
  const error = { type: 'cluster_block_exception', reason: 'index has read-only-allow-delete block' }
  const { index } = await play(({ path }) => {
    if (!path.startsWith('/_bulk')) return undefined
    turn += 1
    return { status: 200, body: { items: [turn < 3 ? { create: { status: 403, error } } : created] } }
  })
  expect(await index.put([event('a')])).toEqual([{ id: 'a', outcome: 'stored' }])
})

test('a server that stays busy makes the call fail as a whole, so that its caller tries again', async () => {
  const { index, requests } = await play(({ path }) =>
    path.startsWith('/_bulk') ? { status: 200, body: { items: [busy] } } : undefined,
  )
  await expect(index.put([event('a')])).rejects.toThrow(IndexUnavailableError)
  expect(bulks(requests).length).toBeGreaterThan(3)
})

test('a request that is too large is halved; a single document that is too large is refused alone', async () => {
  const { index, requests } = await play(({ path, body }) => {
    if (!path.startsWith('/_bulk')) return undefined
    if (body.includes('huge') || idsOf(body).length > 2) return { status: 413, body: {} }
    return { status: 200, body: { items: idsOf(body).map(() => created) } }
  })
  const results = await index.put([event('a'), event('b'), event('c', now, { text: 'huge' }), event('d')])
  expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'refused', 'stored'])
  expect(results[2]!.reason).toContain('http.max_content_length')
  expect(bulks(requests).map((bulk) => idsOf(bulk).length)).toEqual([4, 2, 2, 1, 1])
})

test('why a document was refused is told without the value that was refused', async () => {
  const error = {
    type: 'document_parsing_exception',
    reason: "[1:9] failed to parse field [x] of type [long]. Preview of field's value: 'secret'",
    caused_by: { type: 'illegal_argument_exception', reason: 'For input string: "secret"' },
  }
  const { index } = await play(({ path }) =>
    path.startsWith('/_bulk') ? { status: 200, body: { items: [{ create: { status: 400, error } }] } } : undefined,
  )
  const [result] = await index.put([event('a')])
  expect(result).toMatchObject({ outcome: 'refused' })
  expect(result!.reason).toContain('failed to parse field [x]')
  expect(result!.reason).not.toContain('secret')
})

test('where the server manages lifecycles, days go by their date, and expire leaves them to it', async () => {
  const { index, requests } = await play(({ path, body }) => {
    if (path === '/_ilm/status') return { status: 200, body: { operation_mode: 'RUNNING' } }
    if (path.startsWith('/_bulk')) return { status: 200, body: { items: idsOf(body).map(() => created) } }
    if (path.includes('_delete_by_query')) return { status: 200, body: { deleted: 3 } }
    return undefined
  }, 30)
  await index.prepare()
  const policy = requests.find(({ path }) => path === '/_ilm/policy/modelwarden-events')
  expect(JSON.parse(policy!.body)).toEqual({
    policy: { phases: { delete: { min_age: '31d', actions: { delete: {} } } } },
  })
  await index.put([event('a', Date.parse('2026-03-09T23:00:00Z'))])
  const day = requests.find(({ method, path }) => method === 'PUT' && path === '/modelwarden-events-2026.03.09')
  expect(JSON.parse(day!.body)).toEqual({
    settings: {
      'index.lifecycle.name': 'modelwarden-events',
      'index.lifecycle.origination_date': Date.parse('2026-03-09'),
    },
  })
  expect(await index.expire('events', now - 30 * 86_400_000)).toBe(3)
  expect(requests.filter(({ method }) => method === 'DELETE')).toEqual([])
})

test('without lifecycles on the server, expire removes the days that are over as a whole', async () => {
  const names = ['2026.02.07', '2026.02.08', '2026.02.09', 'late', 'of-somebody-else'].map((each) => ({
    name: `modelwarden-events-${each}`,
  }))
  const { index, requests } = await play(({ path }) => {
    if (path === '/_ilm/status') return { status: 405, body: { error: 'Incorrect HTTP method' } }
    if (path.startsWith('/_resolve/index/')) return { status: 200, body: { indices: names } }
    if (path.endsWith('/_count')) return { status: 200, body: { count: 10 } }
    if (path.includes('_delete_by_query')) return { status: 200, body: { deleted: 3 } }
    return undefined
  }, 30)
  // 30 days before noon of the 10th of March: noon of the 8th of February.
  expect(await index.expire('events', now - 30 * 86_400_000)).toBe(13)
  expect(requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path)).toEqual([
    '/modelwarden-events-2026.02.07',
  ])
})

test('events older than what is kept go to the one late index', async () => {
  const { index, requests } = await play(
    ({ path, body }) =>
      path.startsWith('/_bulk') ? { status: 200, body: { items: idsOf(body).map(() => created) } } : undefined,
    30,
  )
  await index.put([event('old', Date.parse('2001-01-01')), event('edge', now - 30 * 86_400_000), event('new')])
  expect([...bulks(requests)[0]!.matchAll(/"_index":"([^"]+)"/g)].map((match) => match[1])).toEqual([
    'modelwarden-events-late',
    'modelwarden-events-2026.02.08',
    'modelwarden-events-2026.03.10',
  ])
})

test('an index that can not be made holds the documents back; none of them is blamed', async () => {
  const full = { type: 'validation_exception', reason: 'this cluster currently has [1000]/[1000] maximum shards open' }
  const { index, requests } = await play(({ method, path }) =>
    method === 'PUT' && path.startsWith('/modelwarden-events-') ? { status: 400, body: { error: full } } : undefined,
  )
  await expect(index.put([event('a')])).rejects.toThrow(IndexUnavailableError)
  expect(bulks(requests)).toEqual([])
})

test('what is not Elasticsearch is told from a server that is down', async () => {
  const { index } = await play(() => ({ status: 200, headers: { 'x-elastic-product': 'Other' }, body: {} }))
  await expect(index.count('events')).rejects.toThrow(IndexRefusedError)
  const gone = createElasticsearchIndex({ nodes: ['http://127.0.0.1:9'] }, { clock, log: silentLog })
  await expect(gone.count('events')).rejects.toThrow(IndexUnavailableError)
  await gone.close()
})

test('a view that the server has closed does not end a walk through pages', async () => {
  const hit = (i: number) => ({ _id: `d${i}`, _version: 1, _source: { i }, sort: [i, `d${i}`] })
  let lost = false
  const { index, requests } = await play(({ path, body }) => {
    if (path.includes('/_pit')) return { status: 200, body: { id: 'the-view' } }
    const { pit, search_after } = JSON.parse(body) as { pit?: unknown; search_after?: readonly [number, string] }
    if (pit !== undefined && lost) return { status: 404, body: { error: { type: 'search_context_missing_exception' } } }
    const from = search_after === undefined ? 0 : search_after[0] + 1
    return { status: 200, body: { pit_id: 'the-view', hits: { hits: [hit(from), hit(from + 1)] } } }
  })
  const ids: string[] = []
  let after: string | undefined
  for (let page = 0; page < 4; page++) {
    lost = page === 2
    const found = await index.search({ collection: 'events', size: 1, ...(after === undefined ? {} : { after }) })
    ids.push(...found.hits.map(({ id }) => id))
    after = found.after
  }
  expect(ids).toEqual(['d0', 'd1', 'd2', 'd3'])
  // The first page alone needs no view; after a loss the walk goes on without.
  expect(requests.map(({ path }) => path.split('?')[0])).toEqual(
    [
      '/modelwarden-events-*/_search',
      '/modelwarden-events-*/_pit',
      '/_search',
      '/_search',
      '/modelwarden-events-*/_search',
      '/modelwarden-events-*/_pit',
      '/_search',
      '/_pit',
    ].slice(0, requests.length),
  )
})
