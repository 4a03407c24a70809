/**
 * docs/bad-input.md, row by row: in by a file or a request through collect, and straight from the bus.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEmbedded, temporary } from '../../adapters/embedded/open.ts'
import type { DeadLetter } from '../../core/dead-letter.ts'
import { Event } from '../../core/event.ts'
import type { Bus, BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers, topics, topicSpecs } from '../../core/topics.ts'
import { compileSources } from '../../engine/sources/compile.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { defaultConfig } from '../../runtime/config/config.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import type { ContentReader } from '../../runtime/content/content-reader.ts'
import { createHttpHost, type HttpHost } from '../../runtime/http/http.ts'
import { silentLog } from '../../runtime/log.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import { runStage, type StageRun } from '../../runtime/stage/stage-runner.ts'
import { silentTelemetry } from '../../runtime/telemetry.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { collectFile } from '../collect/file.ts'
import { createCollectService } from '../collect/service.ts'
import { NormalizeLogic } from './logic.ts'
import { normalizeStage } from './service.ts'

const home = new URL('../../', import.meta.url)
const files = readdirSync(new URL('sources/', home)).map((name) => ({
  path: `sources/${name}`,
  text: readFileSync(new URL(`sources/${name}`, home), 'utf8'),
}))
const { sources } = compileSources(files)
const bundle = bundleOf('sources', files)
const hmacKey = new Uint8Array(32).fill(1)
const arrivedMs = Date.parse('2026-06-01T00:00:00Z')

interface Row {
  readonly input: string
  readonly collected: string
  readonly bus: string
}

const rows: readonly Row[] = readFileSync(new URL('docs/bad-input.md', home), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| input'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, input = '', collected = '', bus = '']) => ({ input, collected, bus }))

const base = {
  id: 'r-1',
  type: 'audit',
  source: 'git',
  action: 'push',
  tenant: 't',
  principal: 'u',
  ts: '2026-03-02T00:00:00Z',
}
const json = (change: object): string => JSON.stringify({ ...base, ...change })
const spelled = (more: string): string => json({}).replace(/}$/, `,${more}}`)
const call = { id: 'r-1', type: 'inference', tenant: 't', principal: 'u', ts: '2026-03-02T00:00:00Z', model: 'm' }

interface Sample {
  readonly bytes: string | Buffer
  readonly source?: string | undefined
  /** What the event must look like, where it is kept. */
  readonly event?: (event: Event & Record<string, unknown>) => void
  readonly request?: { readonly source?: string; readonly encoding?: string; readonly body?: Buffer }
}

const principalOf = (event: Event): string => event.warden.principal
const kept = (event: Record<string, unknown>): Record<string, unknown> => event['audit'] as Record<string, unknown>
const unreadable = (event: Event): unknown =>
  (event.warden['mapping'] as { unreadable?: unknown } | undefined)?.unreadable
const truncated = (event: Event): unknown => (event.warden['mapping'] as { truncated?: unknown } | undefined)?.truncated

const samples: Readonly<Record<string, Sample>> = {
  'truncated JSON': { bytes: json({}).slice(0, -9) },
  'invalid UTF-8': { bytes: Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]) },
  'UTF-16': { bytes: Buffer.from(`\ufeff${json({ user: 'ä' })}`, 'utf16le') },
  'a record of 10 MB': { bytes: json({ note: 'x'.repeat(10_000_000) }) },
  'nesting 1,000 deep': { bytes: spelled(`"deep":${'['.repeat(1_000)}${']'.repeat(1_000)}`) },
  'keys `__proto__` and `constructor`': {
    bytes: spelled('"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}'),
    event: (event) => {
      expect(kept(event)).toMatchObject({ _proto_: { polluted: 1 }, constructor: { prototype: { polluted: 1 } } })
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    },
  },
  'empty keys': { bytes: json({ '': 1 }), event: (event) => expect(kept(event)).toMatchObject({ _: 1 }) },
  'duplicate JSON keys': {
    bytes: spelled('"apiKey":"first-secret","action":"pull","apiKey":"second-secret"'),
    event: (event) => expect(event.event.action).toBe('pull'),
  },
  'a scalar': { bytes: '42' },
  'an array in an array': { bytes: `[[${json({})}]]` },
  'an empty array': { bytes: '[]' },
  'empty lines': { bytes: '\n \r\n\n' },
  'numbers past 2^53': {
    bytes: json({ big: 0 }).replace('"big":0', '"big":9007199254740993'),
    event: (event) => expect(kept(event)['big']).toBe('9007199254740993'),
  },
  'numbers past all bounds': {
    bytes: spelled('"bytes":1e999'),
    event: (event) => expect(unreadable(event)).toEqual(['warden.bytes']),
  },
  'numbers past 1e100': {
    bytes: spelled('"bytes":1e101'),
    event: (event) => expect(unreadable(event)).toEqual(['warden.bytes']),
  },
  'no date': { bytes: json({ ts: undefined }) },
  'a date that is none': { bytes: json({ ts: '2026-02-30T00:00:00Z' }) },
  'a date in 1601': { bytes: json({ ts: '1601-01-01T00:00:00Z' }) },
  'a date in 9999': { bytes: json({ ts: '9999-12-31T23:59:59Z' }) },
  'a duplicate id': { bytes: json({}) },
  'no id': { bytes: json({ id: null }) },
  'no tenant': { bytes: JSON.stringify({ ...call, tenant: undefined }), source: 'gateway' },
  'an unknown source': { bytes: json({}), source: 'nowhere', request: { source: 'nowhere' } },
  'no source, but a record that one recognizes': { bytes: json({}), source: undefined },
  'no source, and nobody recognizes it': { bytes: '{"a":1}', source: undefined },
  'wrong compression': {
    bytes: gzipSync(json({})).subarray(0, 30),
    request: { encoding: 'gzip', body: Buffer.from(json({})) },
  },
  'an unknown compression': { bytes: gzipSync(json({})).reverse(), request: { encoding: 'lzma' } },
  'a compression bomb': { bytes: '', request: { encoding: 'gzip', body: gzipSync(Buffer.alloc(80_000_000, 0x20)) } },
  'more than 100,000 records in a request': {
    bytes: '',
    request: { body: Buffer.from(`[${'1,'.repeat(100_000)}1]`) },
  },
  'a byte order mark': { bytes: `\ufeff${json({})}` },
  'NUL and control characters in text': {
    bytes: json({ note: 'a\u0000\u001b[31mb' }),
    event: (event) => expect(kept(event)['note']).toBe('a\u0000\u001b[31mb'),
  },
  'control characters in a principal': {
    bytes: json({ principal: 'u\u0000\n' }),
    event: (event) => expect(principalOf(event)).toMatch(/^t\/u\ufffd\ufffd~[0-9a-f]{16}$/),
  },
  'unescaped control characters': { bytes: json({}).replace('push', 'pu\u0001sh') },
  'lone surrogates': {
    bytes: json({ action: 'a\ud800b' }),
    event: (event) => expect(event.event.action).toBe('a\ufffdb'),
  },
  'text past its limit': {
    bytes: json({ reason: 'x'.repeat(20_000) }),
    event: (event) => {
      expect(event.event.reason).toHaveLength(8_192)
      expect(truncated(event)).toBe(2)
    },
  },
  'a vector past its limit': {
    bytes: JSON.stringify({ ...call, features: Array<number>(5_000).fill(1) }),
    source: 'gateway',
    event: (event) => expect(event.warden.input?.features).toHaveLength(4_096),
  },
  'a vector with something else in it': {
    bytes: JSON.stringify({ ...call, features: [1, 'x'] }),
    source: 'gateway',
    event: (event) => expect(unreadable(event)).toEqual(['warden.input.features']),
  },
  'a value of the wrong type': {
    bytes: json({ bytes: ['many'] }),
    event: (event) => expect(unreadable(event)).toEqual(['warden.bytes']),
  },
  'an address with leading zeros': {
    bytes: json({ ip: '010.0.0.1' }),
    event: (event) => expect(unreadable(event)).toEqual(['source.ip']),
  },
  'a credential in the clear': {
    bytes: json({ apiKey: 'first-secret', detail: { Authorization: 'Bearer first-secret' } }),
    event: (event) => {
      expect(event.warden.credential?.id).toMatch(/^hmac-/)
      expect(kept(event)['detail']).toEqual({ Authorization: event.warden.credential?.id })
    },
  },
  'a credential spelled like a digest': {
    bytes: json({ apiKey: `hmac-${'0'.repeat(32)}` }),
    event: (event) => expect(event.warden.credential?.id).not.toBe(`hmac-${'0'.repeat(32)}`),
  },
  'two objects on one line of many': { bytes: `${json({})}${json({})}` },
  'a tombstone': { bytes: '' },
}

const sourceOf = (sample: Sample): string | undefined => ('source' in sample ? sample.source : 'audit')

/** Puts one raw record through normalize; what became of it, as the table says it. */
function normalize(record: Pick<OutgoingRecord, 'value' | 'headers'>): { outcome: string; events: Event[] } {
  const task = { at: { topic: topics.audit, partition: 0 }, state: new MemoryState() }
  const logic = new NormalizeLogic(hmacKey, () => ({ sources, mistakes: [] }), task)
  logic.content('sources', bundle, files)
  const out = new CollectedOutcome()
  const value = Buffer.from(record.value ?? '')
  const at = { topic: topics.audit, partition: 0, offset: 5, key: undefined, appendedMs: arrivedMs, arrivedMs }
  logic.record({ ...at, value, headers: record.headers ?? {} }, out)
  const events = out.emitted.filter((output) => output.topic === topics.events).map((output) => output.value as Event)
  const [letter] = out.deadLetters
  if (letter !== undefined) return { outcome: `dead letter ${letter.code}`, events }
  return { outcome: events.length > 0 ? 'kept' : 'dropped', events }
}

/** Through a file and collect, among good lines. */
async function throughFile(sample: Sample): Promise<{ outcome: string; events: Event[]; onBus: string }> {
  const good = [json({ id: 'before' }), json({ id: 'after' })]
  const path = join(await temporaryFolder(), 'input')
  const bytes = Buffer.from(sample.bytes as string)
  await writeFile(path, Buffer.concat([Buffer.from(`${good[0]!}\n`), bytes, Buffer.from(`\n${good[1]!}\n`)]))
  const records: OutgoingRecord[] = []
  const source = sources.get(sourceOf(sample) ?? 'audit')!
  await collectFile({
    path,
    sources,
    source,
    hmacKey,
    nowMs: () => arrivedMs,
    sink: async (some) => void records.push(...some),
  })
  const letters = records.filter((record) => record.topic === topics.deadLetters)
  const raw = records.filter((record) => record.topic !== topics.deadLetters)
  const results = raw.map(normalize)
  // What came before and after is there, whatever stood between.
  expect(raw.some((record) => String(record.value).includes('"before"'))).toBe(true)
  expect(raw.some((record) => String(record.value).includes('"after"'))).toBe(true)
  const middle = results.filter((_, index) => !/"(before|after)"/.test(String(raw[index]!.value)))
  const codes = letters.map((letter) => `dead letter ${(JSON.parse(letter.value as string) as DeadLetter).code}`)
  expect(codes.length + middle.length).toBeLessThanOrEqual(1)
  return {
    outcome: codes[0] ?? middle[0]?.outcome ?? 'dropped',
    events: middle.flatMap((result) => result.events),
    onBus:
      raw.map((record) => String(record.value)).join('\n') + letters.map((letter) => String(letter.value)).join('\n'),
  }
}

describe('the table of bad input', () => {
  test('has a test for every row, and a row for every test', () => {
    expect(rows.map((row) => row.input).sort()).toEqual(Object.keys(samples).sort())
  })

  const onBus = rows.filter((row) => row.bus !== '' && row.input !== 'a tombstone')
  test.each(onBus.map((row) => [row.input, row] as const))('on the bus: %s', (_name, row) => {
    const sample = samples[row.input]!
    const source = sourceOf(sample)
    const result = normalize({
      value: Buffer.from(sample.bytes as string),
      headers: source === undefined ? {} : { [headers.source]: source },
    })
    expect(result.outcome).toBe(row.bus)
    for (const event of result.events) {
      expect(Event.safeParse(event).error?.issues).toBeUndefined()
      sample.event?.(event)
      expect(JSON.stringify(event)).not.toMatch(/first-secret|second-secret/)
    }
  })

  const inFiles = rows.filter((row) => row.collected !== '' && !row.collected.startsWith('refused'))
  test.each(inFiles.map((row) => [row.input, row] as const))('in a file: %s', async (_name, row) => {
    const sample = samples[row.input]!
    const result = await throughFile(sample)
    expect(result.outcome).toBe(row.collected)
    expect(result.onBus).not.toMatch(/first-secret|second-secret/)
    for (const event of result.events) sample.event?.(event)
  })
})

describe('bad input on a running pipeline', () => {
  let bus: Bus
  let stage: StageRun
  let http: HttpHost
  let url: string
  let close: () => Promise<void>
  const content: ContentReader = {
    current: () => bundle.digest,
    bundle: async () => ({ bundle, files }),
    waitForCurrent: async () => bundle.digest,
    reportMistakes: () => undefined,
    mistakes: () => [],
  }

  beforeAll(async () => {
    const embedded = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
    bus = embedded.bus
    close = () => embedded.close()
    await bus.createTopics(topicSpecs(1))
    const context = {
      bus,
      content,
      clock: systemClock,
      log: silentLog,
      telemetry: silentTelemetry,
      ticking: () => false,
    }
    stage = runStage(normalizeStage(hmacKey), context, { checkpointIntervalMs: 100 })
    await stage.start()
    const { registry, telemetry } = createMetrics({ processMetrics: false })
    http = await createHttpHost({
      http: { ...defaultConfig().http, listen: '127.0.0.1:0' },
      tokens: [{ name: 'shipper', token: 'shipper-token-0123456789', roles: ['collector'] }],
      shutdownGraceMs: 300,
      log: silentLog,
      telemetry,
      registry,
      health: () => ({}),
      bus,
    })
    createCollectService({ ...context, config: defaultConfig(), hmacKey }).routes?.(http.app)
    url = await http.start()
  })
  afterAll(async () => {
    await http.stop()
    await stage.stop()
    await close()
  })

  const post = (source: string, body: Buffer, encoding: string | undefined): Promise<Response> =>
    fetch(`${url}/v1/events/${source}`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: {
        authorization: 'Bearer shipper-token-0123456789',
        ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      },
    })

  const refused = rows.filter((row) => row.collected.startsWith('refused'))
  test.each(refused.map((row) => [row.input, row] as const))('in a request: %s', async (_name, row) => {
    const sample = samples[row.input]!
    const body = sample.request?.body ?? Buffer.from(sample.bytes as string)
    const answer = await post(sample.request?.source ?? 'audit', body, sample.request?.encoding)
    const told = (await answer.json()) as { error: { code: string } }
    expect(`refused ${answer.status} ${told.error.code}`).toBe(row.collected)
  })

  test('no row of the table stops the partition: the record behind all of them becomes an event', async () => {
    const bad = Object.values(samples).map((sample): OutgoingRecord => {
      const source = sourceOf(sample)
      const value = Buffer.from(sample.bytes as string).subarray(0, 900_000)
      return { topic: topics.audit, value, headers: source === undefined ? {} : { [headers.source]: source } }
    })
    await bus.publish([...bad, { topic: topics.audit, value: null }])
    const last = {
      topic: topics.audit,
      value: json({ id: 'last', action: 'the-last-one' }),
      headers: { source: 'audit' },
    }
    await bus.publish([last])
    const found = async (): Promise<boolean> => {
      const all: BusRecord[] = []
      await bus.read({ topic: topics.events, partition: 0 }, 'start', (batch) => void all.push(...batch))
      return all.some((record) => record.value?.includes('the-last-one') === true)
    }
    await expect.poll(found, { timeout: 8_000 }).toBe(true)
    expect(stage.health().state).toBe('ready')
  })
})
