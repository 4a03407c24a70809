import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { openEmbedded, temporary } from '../../adapters/embedded/open.ts'
import { BusUnavailableError } from '../../core/errors.ts'
import { credentialId } from '../../core/ids.ts'
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers, topics, topicSpecs } from '../../core/topics.ts'
import { defaultConfig } from '../../runtime/config/config.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import type { ContentReader } from '../../runtime/content/content-reader.ts'
import { createHttpHost } from '../../runtime/http/http.ts'
import { silentLog, type Log } from '../../runtime/log.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import { silentTelemetry } from '../../runtime/telemetry.ts'
import { createCollectService } from './service.ts'

const folder = new URL('../../sources/', import.meta.url)
const files = readdirSync(folder).map((name) => ({ path: name, text: readFileSync(new URL(name, folder), 'utf8') }))
const bundle = bundleOf('sources', files)
const content: ContentReader = {
  current: () => bundle.digest,
  bundle: async () => ({ bundle, files }),
  waitForCurrent: async () => bundle.digest,
  reportMistakes: () => undefined,
  mistakes: () => [],
}
const hmacKey = new Uint8Array(32).fill(1)
const token = 'shipper-token-0123456789'
const boundToken = 'bound-token-0123456789'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(
  options: {
    readonly publish?: Bus['publish']
    readonly collect?: object
    readonly monotonicMs?: () => number
    readonly log?: Log
  } = {},
) {
  const embedded = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
  await embedded.bus.createTopics(topicSpecs(2))
  const { registry, telemetry } = createMetrics({ processMetrics: false })
  const host = await createHttpHost({
    http: { ...defaultConfig().http, listen: '127.0.0.1:0' },
    tokens: [
      { name: 'shipper', token, roles: ['collector'] },
      { name: 'bound', token: boundToken, roles: ['collector'], tenant: 'mine' },
      { name: 'reader', token: 'reader-token-0123456789', roles: ['viewer'] },
    ],
    shutdownGraceMs: 300,
    log: options.log ?? silentLog,
    telemetry,
    registry,
    health: () => ({}),
    bus: embedded.bus,
  })
  const bus: Bus =
    options.publish === undefined
      ? embedded.bus
      : new Proxy(embedded.bus, {
          get: (target, key) => {
            if (key === 'publish') return options.publish
            const value: unknown = Reflect.get(target, key)
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          },
        })
  const defaults = defaultConfig()
  const config = { ...defaults, collect: { ...defaults.collect, ...options.collect } }
  const service = createCollectService({
    bus,
    content,
    config,
    hmacKey,
    clock: { ...systemClock, ...(options.monotonicMs === undefined ? {} : { monotonicMs: options.monotonicMs }) },
    log: silentLog,
    telemetry: silentTelemetry,
  })
  service.routes?.(host.app)
  await service.start()
  const url = await host.start()
  closing.push(
    () => embedded.close(),
    () => host.stop(),
  )
  const post = async (body: string | Buffer, more: Record<string, string> = {}, source = 'gateway') => {
    const answer = await fetch(`${url}/v1/events/${source}`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body as string)),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more },
    })
    return {
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      body: (await answer.json()) as Answer,
    }
  }
  return { post, url, service, read: (topic: string) => readAll(embedded.bus, topic) }
}

interface Answer {
  readonly accepted: number
  readonly rejectedCount: number
  readonly rejected: readonly { readonly index: number; readonly line: number; readonly code: string }[]
  readonly error?: { readonly code: string; readonly hint?: string }
}

async function readAll(bus: Bus, topic: string): Promise<BusRecord[]> {
  const found: BusRecord[] = []
  for (const { partition } of await bus.offsets(topic)) {
    await bus.read({ topic, partition }, 'start', (batch) => void found.push(...batch))
  }
  return found
}

const call = (id: number, more: object = {}): string =>
  JSON.stringify({
    id: `c-${id}`,
    type: 'inference',
    ts: '2026-03-02T00:00:00Z',
    tenant: 't',
    principal: 'u',
    model: 'm',
    ...more,
  })

describe('records by HTTP', () => {
  test.each<[string, string, number]>([
    ['one object', call(1), 1],
    ['an array', `[${call(1)},${call(2)}]`, 2],
    ['lines', `${call(1)}\n${call(2)}\n\n${call(3)}`, 3],
    ['objects one after the other', `${call(1)}${call(2)}`, 2],
    ['an object over lines', JSON.stringify(JSON.parse(call(1)), null, 2), 1],
  ])('%s are on the bus when the answer comes', async (_name, body, count) => {
    const { post, read } = await start()
    expect(await post(body)).toMatchObject({ status: 202, body: { accepted: count, rejectedCount: 0, rejected: [] } })
    const records = await read(topics.inference)
    expect(records).toHaveLength(count)
    expect(records[0]?.headers).toMatchObject({ [headers.source]: 'gateway', [headers.masked]: '1' })
  })

  test('a record goes on byte for byte, but for its credential', async () => {
    const { post, read } = await start()
    const odd = `{ "z":1.0, "id":"x", "n":9007199254740993, "apiKey" : "key-one","e":1E5, "3":1, "1":2,"ts":"2026-03-02T00:00:00Z"}`
    await post(`\n${odd}\n`)
    const digest = credentialId('key-one', hmacKey)
    expect((await read(topics.inference))[0]?.value?.toString()).toBe(odd.replace('key-one', digest))
  })

  test('each source’s records go to its topic, those of one principal to one partition', async () => {
    const { post, read } = await start()
    const audit = (id: number, user: string): string =>
      `{"id":"a-${id}","type":"audit","principal":"${user}","ts":"2026-03-02T00:00:00Z"}`
    await post(Array.from({ length: 20 }, (_, n) => audit(n, `u-${n % 4}`)).join('\n'), {}, 'gateway')
    const records = await read(topics.audit)
    expect(records).toHaveLength(20)
    expect(records[0]?.headers[headers.source]).toBe('audit')
    const partitionsOf = Map.groupBy(records, (record) => record.key)
    for (const some of partitionsOf.values()) expect(new Set(some.map((record) => record.partition)).size).toBe(1)
    expect(new Set(records.map((record) => record.partition)).size).toBe(2)
  })

  test.each<[string, (body: string) => Buffer, string]>([
    ['gzip', (body) => gzipSync(body), 'gzip'],
    ['zstd', (body) => zstdCompressSync(body), 'zstd'],
  ])('%s is undone', async (_name, compress, encoding) => {
    const { post } = await start()
    expect((await post(compress(call(1)), { 'content-encoding': encoding })).body.accepted).toBe(1)
  })

  test('what is wrong is told by index, line and code, is a dead letter, and does not hold the rest back', async () => {
    const { post, read } = await start()
    const answer = await post(`${call(1)}\n{"broken":\n7\n${call(2)}`, { 'content-type': 'application/x-ndjson' })
    expect(answer).toMatchObject({
      status: 202,
      body: {
        accepted: 2,
        rejectedCount: 2,
        rejected: [
          { index: 1, line: 2, code: 'NOT_JSON' },
          { index: 2, line: 3, code: 'NOT_AN_OBJECT' },
        ],
      },
    })
    expect(await read(topics.deadLetters)).toHaveLength(2)
  })

  test('a request of which nothing was taken is no success', async () => {
    const { post } = await start()
    expect(await post('{"broken":')).toMatchObject({ status: 400, body: { accepted: 0, error: { code: 'NOT_JSON' } } })
    expect(await post('')).toMatchObject({ status: 400, body: { error: { code: 'EMPTY' } } })
    expect(await post('[]')).toMatchObject({ status: 400, body: { error: { code: 'EMPTY' } } })
  })

  test('a body over the limit is refused with the limit, before it is sent where its length is announced', async () => {
    const { post, url } = await start({ collect: { bodyBytesMax: 100 } })
    const refused = { error: { code: 'BODY_TOO_LARGE', message: expect.stringContaining('100 bytes') as string } }
    expect(await post('x'.repeat(200))).toMatchObject({ status: 413, body: refused })
    const streamed = await fetch(`${url}/v1/events/gateway`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: ReadableStream.from([Buffer.from('x'.repeat(200))]),
      duplex: 'half',
    })
    expect([streamed.status, await streamed.json()]).toMatchObject([413, refused])
  })

  test('a request of more records than it may have is refused whole, before what is made of them fills the memory', async () => {
    const { post, read } = await start()
    const many = Array(100_001).fill('1').join(',')
    const refused = { status: 413, body: { error: { code: 'TOO_MANY_RECORDS' } } }
    expect(await post(`[${many}]`)).toMatchObject(refused)
    const event = '{"specversion":"1.0","id":"1","source":"/gw","type":"c"},'
    const batch = { 'content-type': 'application/cloudevents-batch+json' }
    expect(await post(`[${event.repeat(100_001)}0]`, batch)).toMatchObject(refused)
    expect(await read(topics.deadLetters)).toEqual([])
    // Of an envelope within a line it is that envelope's own mistake.
    expect(await post(`${call(1)}\n[${many}]`, { 'content-type': 'application/x-ndjson' })).toMatchObject({
      status: 202,
      body: { accepted: 1, rejected: [{ line: 2, code: 'TOO_LARGE' }] },
    })
  })

  test('many records on one line let other requests have their turns between them, in order and with none lost', async () => {
    let [nowMs, turns] = [0, 0]
    const worked = new Set<number>()
    // Each look at the clock finds that a turn has been long.
    const monotonicMs = (): number => {
      worked.add(turns)
      return (nowMs += 1_000)
    }
    const { post, read } = await start({ monotonicMs })
    const others = { going: true }
    const next = (): void => {
      turns++
      if (others.going) setImmediate(next)
    }
    setImmediate(next)
    const line = `[${Array.from({ length: 2_000 }, (_, n) => call(n)).join(',')},5]\n`
    const { body } = await post(line, { 'content-type': 'application/x-ndjson' })
    others.going = false
    expect(body).toMatchObject({ accepted: 2_000, rejected: [{ index: 2_000, line: 1, code: 'NOT_AN_OBJECT' }] })
    expect(worked.size).toBeGreaterThan(2_000)
    const ids = (await read(topics.inference)).map(({ value }) => (JSON.parse(String(value)) as { id: string }).id)
    expect(ids).toEqual(Array.from({ length: 2_000 }, (_, n) => `c-${n}`))
  })

  test('a sender that goes away in the middle of its body is no failure of ours', async () => {
    const errors: string[] = []
    const { url } = await start({ log: { ...silentLog, error: (message) => void errors.push(message) } })
    const { hostname, port } = new URL(url)
    const half = connect(Number(port), hostname)
    half.write(`POST /v1/events/gateway HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\n`)
    half.write('content-type: application/json\r\ncontent-length: 590\r\n\r\n{')
    await new Promise((resolve) => setTimeout(resolve, 50))
    half.destroy()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(errors).toEqual([])
  })

  test('secrets of a record that is rejected do not reach the dead letters', async () => {
    const { post, read } = await start()
    await post('{"apiKey":"sk-live-0123456789abcdefgh","authorization":"Bearer abcdefghijkl", oops')
    const [letter] = await read(topics.deadLetters)
    expect(letter?.value?.toString()).not.toMatch(/0123456789abcdefgh|abcdefghijkl/)
  })

  test('an envelope’s records are taken one by one, also several envelopes by line', async () => {
    const { post, read } = await start()
    const record = (id: string): string =>
      `{"eventID":"${id}","eventTime":"2026-03-02T00:00:00Z","userIdentity":{"arn":"a"}}`
    await post(`{"Records":[${record('a')},${record('b')}]}`, {}, 'aws.cloudtrail')
    await post(`{"Records":[${record('c')}]}\n{"Records":[${record('d')}, 5]}\n`, {}, 'aws.cloudtrail')
    const ids = (await read(topics.audit)).map((one) => (JSON.parse(String(one.value)) as { eventID: string }).eventID)
    expect(ids.sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('a sender bound to a tenant is marked so, whatever its records say', async () => {
    const { post, read } = await start()
    await post(call(1, { tenant: 'victim' }), { authorization: `Bearer ${boundToken}` })
    const [record] = await read(topics.inference)
    expect(record?.headers[headers.tenant]).toBe('mine')
    expect(record?.key).toBe('mine/u')
  })

  test('without the role, the right source or a known token nothing is taken', async () => {
    const { post } = await start()
    expect((await post(call(1), { authorization: 'Bearer reader-token-0123456789' })).status).toBe(403)
    expect((await post(call(1), { authorization: 'Bearer nobody-token-0123456789' })).status).toBe(401)
    const unknown = await post(call(1), {}, 'gatewy')
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'SOURCE_UNKNOWN' } } })
    expect(unknown.body.error?.hint).toContain('gateway')
  })
})

describe('CloudEvents', () => {
  const event = (id: string, data: string): string =>
    `{"specversion":"1.0","id":"${id}","source":"/gw","type":"call","data":${data}}`

  test('a batch of many events is handed to the bus at once, not event by event', async () => {
    const sizes: number[] = []
    const { post } = await start({
      publish: async (records) => {
        sizes.push(records.length)
      },
    })
    const events = Array.from({ length: 500 }, (_, at) => event(String(at), '{"n":1}'))
    await post(`[${events.join(',')}]`, { 'content-type': 'application/cloudevents-batch+json' })
    expect(sizes).toEqual([500])
  })

  test('structured, batched and binary carry the record byte for byte, and give it their identity', async () => {
    const { post, read } = await start()
    const data = `{"n":9007199254740993,"id":1.0}`
    await post(event('1', data), { 'content-type': 'application/cloudevents+json; charset=utf-8' })
    await post(`[${event('2', data)},${event('3', data)}]`, { 'content-type': 'application/cloudevents-batch+json' })
    await post(data, { 'ce-specversion': '1.0', 'ce-id': '4', 'ce-source': '/gw', 'ce-type': 'call' })
    const encoded = Buffer.from(data).toString('base64')
    await post(`{"specversion":"1.0","id":"5","source":"/gw","type":"c","data_base64":"${encoded}"}`, {
      'content-type': 'application/cloudevents+json',
    })
    const records = await read(topics.inference)
    expect(records.map((record) => record.value?.toString())).toEqual(Array(5).fill(data))
    const origins = records.map((record) => record.headers[headers.origin]?.match(/\/gw\/(\d)/)?.[1])
    expect(origins.sort()).toEqual(['1', '2', '3', '4', '5'])
  })

  test.each([
    ['{"specversion":"0.3","id":"1","source":"a","data":{}}'],
    ['{"specversion":"1.0","source":"a","data":{}}'],
    ['{"specversion":'],
    ['[]'],
  ])('%s is refused', async (body) => {
    const { post } = await start()
    const answer = await post(body, { 'content-type': 'application/cloudevents+json' })
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'CLOUDEVENT_INVALID' } } })
  })
})

describe('a bus that does not answer', () => {
  test('makes the sender come again: nothing is acknowledged that is not on it', async () => {
    let nowMs = 0
    const { post, service } = await start({
      publish: () => Promise.reject(new BusUnavailableError('down')),
      monotonicMs: () => nowMs,
    })
    expect(await post(call(1))).toMatchObject({ status: 503, retryAfter: '2', body: { error: { code: 'BUSY' } } })
    expect(service.health()).toMatchObject({ state: 'degraded', unready: expect.any(String) as string })
    // Whoever sends nothing to what is not ready would not learn when it is over.
    nowMs = 60_000
    expect(service.health()).toMatchObject({ state: 'ready' })
  })

  test('holds a sender no longer than it must', async () => {
    const { post } = await start({ publish: () => new Promise(() => undefined), collect: { publishTimeoutMs: 100 } })
    expect(await post(call(1))).toMatchObject({ status: 503, body: { error: { code: 'BUSY' } } })
  })

  test('lets no more wait than the limit says, and takes more when those have gone', async () => {
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { post } = await start({ publish: () => held, collect: { inFlightBytesMax: 1_400 } })
    const first = post(call(1))
    await expect.poll(async () => (await post(call(2, { note: 'x'.repeat(300) }))).status).toBe(503)
    release?.()
    expect((await first).status).toBe(202)
    expect((await post(call(3))).status).toBe(202)
  })

  test('still has what a sender was told to send again, until it has taken or refused it', async () => {
    const bus = Promise.withResolvers<undefined>()
    const publish = (): Promise<void> => bus.promise
    const { post } = await start({ publish, collect: { inFlightBytesMax: 2_000, publishTimeoutMs: 50 } })
    const first = await post(call(1))
    expect(first).toMatchObject({ status: 503, body: { error: { message: 'The bus has not acknowledged in time.' } } })
    const second = await post(call(2))
    expect(second).toMatchObject({ status: 503, body: { error: { message: 'Too much is waiting for the bus.' } } })
    bus.resolve(undefined)
    expect((await post(call(3))).status).toBe(202)
  })

  test('lets no more wait than the limit says once it is decompressed, either', async () => {
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    let isHeld = false
    const publish = (): Promise<void> => ((isHeld = true), held)
    const { post } = await start({ publish, collect: { inFlightBytesMax: 5_000 } })
    const packed = { 'content-encoding': 'gzip' }
    const first = post(gzipSync(call(1, { note: 'x'.repeat(2_000) })), packed)
    await expect.poll(() => isHeld).toBe(true)
    await expect
      .poll(async () => (await post(gzipSync(call(2, { note: 'x'.repeat(2_000) })), packed)).body.error?.code)
      .toBe('BUSY')
    release?.()
    expect((await first).status).toBe(202)
  })

  test('counts what a sender has not sent to its end, and forgets it when that sender is gone', async () => {
    const { post, url } = await start({ collect: { inFlightBytesMax: 1_600 } })
    const { hostname, port } = new URL(url)
    const half = connect(Number(port), hostname)
    half.write(`POST /v1/events/gateway HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\n`)
    half.write(`content-type: application/json\r\ncontent-length: 1590\r\n\r\n${' '.repeat(1_580)}`)
    await expect.poll(async () => (await post(call(1))).status).toBe(503)
    half.destroy()
    await expect.poll(async () => (await post(call(1))).status).toBe(202)
  })
})
