import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Decision } from '../../core/decision.ts'
import { DeadLetter, type DeadLetterCode } from '../../core/dead-letter.ts'
import { Deed } from '../../core/deed.ts'
import { sha256Hex } from '../../core/ids.ts'
import type { BusRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'
import { buildDeadLetter } from '../../runtime/dead-letters.ts'
import { createHttpHost, type HttpHost } from '../../runtime/http/http.ts'
import { silentLog } from '../../runtime/log.ts'
import { aloneFrom, unpack } from '../../runtime/stage/packs.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import type { Service } from '../../runtime/service.ts'
import { incidentOf } from '../../test/support/incident.ts'
import {
  actionOf,
  eventOf,
  eventually,
  openIndexed,
  publish,
  signalOf,
  type Indexed,
} from '../../test/support/indexed.ts'
import { createIndexerService } from '../indexer/service.ts'
import { createConsoleService } from './service.ts'

const tokens = [
  { name: 'vic', token: 'viewer-token-0123456789', roles: ['viewer'] },
  { name: 'ana', token: 'analyst-token-0123456789', roles: ['analyst'] },
  { name: 'rex', token: 'responder-token-0123456789', roles: ['responder'] },
  { name: 'root', token: 'admin-token-0123456789', roles: ['admin'] },
  { name: 'edge', token: 'gateway-token-0123456789', roles: ['gateway'] },
  { name: 'globex', token: 'globex-token-0123456789', roles: ['viewer', 'analyst', 'responder'], tenant: 'globex' },
  { name: 'globex-root', token: 'globex-admin-token-0123456789', roles: ['admin'], tenant: 'globex' },
] as const
type Who = (typeof tokens)[number]['name']

let indexed: Indexed
let indexer: Service
let host: HttpHost
let url: string

beforeAll(async () => {
  indexed = await openIndexed()
  indexer = createIndexerService(indexed.context)
  const consoleService = createConsoleService(indexed.context, {
    health: () => ({ indexer: indexer.health() }),
    progress: () => [
      {
        stage: 'detect',
        topic: topics.events,
        partition: 0,
        nextOffset: 1,
        watermarkMs: Date.parse('2026-03-01T10:00:00Z'),
        ended: false,
        pending: 0,
        content: {},
      },
    ],
  })
  const { telemetry, registry } = createMetrics({ processMetrics: false })
  host = await createHttpHost({
    http: { ...indexed.context.config.http, listen: '127.0.0.1:0' },
    tokens,
    shutdownGraceMs: 500,
    log: silentLog,
    telemetry,
    registry,
    health: () => ({ indexer: indexer.health(), console: consoleService.health() }),
    bus: indexed.bus,
  })
  consoleService.routes!(host.app)
  url = await host.start()
  await indexer.start()
  await consoleService.start()
  await fill()
}, 60_000)

afterAll(async () => {
  await host.stop()
  await indexer.stop()
  await indexed.close()
}, 30_000)

/** Two tenants and the operator, synthetic ones among them. */
async function fill(): Promise<void> {
  const { bus, index } = indexed
  await publish(
    bus,
    topics.incidents,
    incidentOf({ id: 'i-acme', tenant: 'acme', severity: 'critical', openedAt: '2026-03-01T10:00:00.000Z' }),
    incidentOf({
      id: 'i-acme-low',
      tenant: 'acme',
      severity: 'low',
      status: 'closed',
      openedAt: '2026-03-02T10:00:00.000Z',
    }),
    incidentOf({ id: 'i-globex', tenant: 'globex', severity: 'high', openedAt: '2026-03-03T10:00:00.000Z' }),
    incidentOf({ id: 'i-operator', tenant: 'operator', openedAt: '2026-03-04T10:00:00.000Z' }),
    incidentOf({ id: 'i-synthetic', tenant: 'acme', synthetic: true }),
  )
  await publish(
    bus,
    topics.signals,
    signalOf('signal-1'),
    signalOf('signal-globex', { scope: 'globex' }),
    signalOf('signal-synthetic', { synthetic: true }),
  )
  await publish(
    bus,
    topics.events,
    ...Array.from({ length: 30 }, (_, i) =>
      eventOf(`e${i}`, {
        tenant: i % 3 === 0 ? 'globex' : 'acme',
        at: new Date(Date.parse('2026-03-01T10:00:00Z') + i * 1000).toISOString(),
      }),
    ),
    eventOf('e-synthetic', { synthetic: true }),
  )
  for (const action of [
    actionOf('a-waiting', { incidentId: 'i-acme' }),
    actionOf('a-done', { incidentId: 'i-acme', state: 'verified' }),
    actionOf('a-admin', { incidentId: 'i-acme', approval: { role: 'admin', expiresAt: '2036-01-01T00:00:00.000Z' } }),
    actionOf('a-globex', { incidentId: 'i-globex', tenant: 'globex' }),
  ]) {
    await publish(bus, topics.effects, { kind: 'action', action })
  }
  await publish(
    bus,
    topics.licenses,
    {
      kind: 'license',
      version: 1,
      updatedAt: '2026-03-01T10:00:00.000Z',
      license: { id: 'l1', tenant: 'acme', models: ['llm-7b'], form: 'api', tier: 'standard' },
    },
    {
      kind: 'credential',
      version: 2,
      updatedAt: '2026-03-01T10:00:00.000Z',
      credential: { id: 'key-a', tenant: 'acme', principal: 'acme/customer-7' },
      state: 'revoked',
    },
    {
      kind: 'credential',
      version: 1,
      updatedAt: '2026-03-01T10:00:00.000Z',
      credential: { id: 'key-g', tenant: 'globex', principal: 'globex/x' },
      state: 'active',
    },
  )
  await eventually(async () => (await index.count('licenses')) === 3 && (await index.count('events')) === 31)
  await eventually(async () => (await index.count('actions')) === 4 && (await index.count('incidents')) === 5)
  await eventually(async () => (await index.count('signals')) === 3)
}

/** What the tests look at of all the answers' forms. */
interface Item {
  readonly id: string
  readonly event: { readonly id: string }
  readonly organization: { readonly id: string }
  readonly license: { readonly id: string }
  readonly credential: { readonly id: string }
  readonly stage: string
  readonly topic: string
  readonly reason: string
}
interface Answer {
  readonly status: number
  readonly body: {
    readonly items: readonly Item[]
    readonly next?: string
    readonly incident: Item
    readonly signals: readonly Item[]
    readonly actions: readonly Item[]
    readonly decisions: readonly Item[]
    readonly complete: boolean
    readonly error: unknown
    readonly decisionId: string
    readonly replayed: readonly string[]
    readonly notReplayed: readonly Item[]
    readonly records: number
    readonly services: Readonly<Record<string, { readonly state: string }>>
    readonly bus: unknown
    readonly index: unknown
    readonly watermarks: unknown
    readonly eventsLastHour: Readonly<Record<string, number>>
    readonly openIncidents: unknown
    readonly deadLetters: unknown
    readonly content: unknown
    readonly lag: readonly Item[]
  }
}

async function call(who: Who, method: string, path: string, body?: unknown): Promise<Answer> {
  const { token } = tokens.find(({ name }) => name === who)!
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}
const get = (who: Who, path: string): Promise<Answer> => call(who, 'GET', path)
const ids = ({ body }: Answer): string[] => body.items.map((item) => item.id)

async function recordsOf(topic: string): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  for (const { partition } of await indexed.bus.offsets(topic)) {
    await indexed.bus.read({ topic, partition }, 'start', (batch) => void records.push(...batch))
  }
  return records
}

describe('looking', () => {
  test('incidents come newest first, synthetic ones only when asked for', async () => {
    expect(ids(await get('vic', '/v1/incidents'))).toEqual(['i-operator', 'i-globex', 'i-acme-low', 'i-acme'])
    expect(ids(await get('vic', '/v1/incidents?synthetic=true'))).toContain('i-synthetic')
  })

  test('filters narrow, several values of one are alternatives', async () => {
    expect(ids(await get('vic', '/v1/incidents?status=open&severity=critical&tenant=acme'))).toEqual(['i-acme'])
    expect(ids(await get('vic', '/v1/incidents?tenant=acme,globex&status=open'))).toEqual(['i-globex', 'i-acme'])
    expect(ids(await get('vic', '/v1/incidents?entity=key-a&severity=low'))).toEqual(['i-acme-low'])
    expect(ids(await get('vic', '/v1/incidents?technique=AML.T0024.002&severity=high'))).toEqual(['i-globex'])
    expect(ids(await get('vic', '/v1/incidents?from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z'))).toEqual([
      'i-acme-low',
    ])
    expect(ids(await get('vic', '/v1/incidents?q=extracted%20nobody'))).toEqual([])
    expect(ids(await get('vic', '/v1/incidents?q=EXTRACTED&severity=high'))).toEqual(['i-globex'])
    expect(ids(await get('vic', '/v1/incidents?where=primary.id:key-a&severity=high'))).toEqual(['i-globex'])
    expect(ids(await get('vic', '/v1/incidents?sort=risk:asc&severity=low'))).toEqual(['i-acme-low'])
  })

  test('a value that a field never has is refused with those that it has, since an empty list would reassure', async () => {
    for (const [asked, known] of [
      ['/v1/incidents?severity=hihg', 'critical'],
      ['/v1/incidents?status=open,clsoed', 'closed'],
      ['/v1/actions?state=waiting', 'awaiting-approval'],
      ['/v1/dead-letters?code=NOPE', 'NOT_JSON'],
    ] as const) {
      const { status, body } = await get('vic', asked)
      expect(status).toBe(400)
      expect(body.error).toMatchObject({ code: 'QUERY_INVALID', hint: expect.stringContaining(known) as string })
    }
  })

  test('pages follow each other by their cursor to the end', async () => {
    const seen: string[] = []
    let after = ''
    for (let pages = 0; pages < 10; pages++) {
      const answer = await get('vic', `/v1/events?limit=7&action=GetObject${after}`)
      seen.push(...answer.body.items.map((event) => event.event.id))
      if (answer.body.next === undefined) break
      after = `&after=${encodeURIComponent(answer.body.next)}`
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => `e${29 - i}`))
  })

  test('an incident comes with its signals, actions and decisions', async () => {
    const { status, body } = await get('vic', '/v1/incidents/i-acme')
    expect(status).toBe(200)
    expect(body.incident.id).toBe('i-acme')
    expect(body.signals.map((each) => each.id)).toEqual(['signal-1'])
    expect(body.actions.map((each) => each.id).sort()).toEqual(['a-admin', 'a-done', 'a-waiting'])
    expect(body.complete).toBe(true)
  })

  test('actions, signals, licenses and credentials have lists of their own', async () => {
    expect(ids(await get('vic', '/v1/actions?state=verified'))).toEqual(['a-done'])
    expect(ids(await get('vic', '/v1/signals?rule=weights-read-in-bulk')).sort()).toEqual(['signal-1', 'signal-globex'])
    const licenses = await get('vic', '/v1/licenses')
    expect(licenses.body.items.map((each) => each.license.id)).toEqual(['l1'])
    const credentials = await get('vic', '/v1/credentials?state=revoked')
    expect(credentials.body.items.map((each) => each.credential.id)).toEqual(['key-a'])
  })

  test.for([
    '/v1/incidents?nonsense=1',
    '/v1/incidents?limit=0',
    '/v1/incidents?limit=100000',
    '/v1/incidents?after=garbage',
    '/v1/incidents?from=yesterday-ish',
    '/v1/incidents?sort=%27;--',
    '/v1/incidents?where=novalue',
    '/v1/incidents?__proto__=1',
    '/v1/incidents?synthetic=perhaps',
  ])('a question that makes no sense is refused as the asker’s mistake: %s', async (path) => {
    const { status, body } = await get('vic', path)
    expect(status).toBe(400)
    expect(body.error).toMatchObject({ code: 'QUERY_INVALID', message: expect.any(String) })
  })

  test('what is not there is not found', async () => {
    expect(await get('vic', '/v1/incidents/none')).toMatchObject({
      status: 404,
      body: { error: { code: 'NOT_FOUND' } },
    })
    expect((await get('vic', '/v1/events/none')).status).toBe(404)
  })

  test('without a token nothing is told, and a gateway’s token looks at nothing', async () => {
    expect((await fetch(`${url}/v1/incidents`)).status).toBe(401)
    expect((await get('edge', '/v1/incidents')).status).toBe(403)
  })
})

describe('numbers', () => {
  const numbers = async (path: string): Promise<Record<string, unknown>> => {
    const { status, body } = await get('vic', path)
    expect(status).toBe(200)
    return body
  }

  test('facets count what the list would hold, and name the most frequent values', async () => {
    expect(await numbers('/v1/facets/events?fields=tenant,user.name&size=1&action=GetObject')).toEqual({
      total: 30,
      facets: [
        { field: 'tenant', distinct: 2, values: [{ value: 'acme', count: 20 }] },
        { field: 'user.name', distinct: 1, values: [{ value: 'ana', count: 30 }] },
      ],
    })
  })

  test('a histogram has as many as the list, and by a field as many for each of its values', async () => {
    expect(await numbers('/v1/histogram/events?interval=10s&split=tenant')).toEqual({
      intervalMs: 10_000,
      buckets: ['00', '10', '20'].map((second) => ({ start: `2026-03-01T10:00:${second}.000Z`, count: 10 })),
      series: [
        { value: 'acme', buckets: expect.any(Array) as unknown },
        { value: 'globex', buckets: expect.any(Array) as unknown },
      ],
    })
  })

  test('a histogram without an interval takes one that fits the time asked for', async () => {
    expect(await numbers('/v1/histogram/events')).toMatchObject({ intervalMs: 1_000 })
    expect(await numbers('/v1/histogram/events?from=2026-01-01&to=2026-04-01')).toMatchObject({
      intervalMs: 86_400_000,
    })
  })

  test('a query in KQL narrows lists and numbers alike, and a mistake in it says where it is', async () => {
    const q = encodeURIComponent('tenant: globex and @timestamp < "2026-03-01T10:00:10Z"')
    expect((await get('vic', `/v1/events?q=${q}`)).body.items).toHaveLength(4)
    expect(await numbers(`/v1/facets/events?q=${q}`)).toMatchObject({ total: 4 })
    const wrong = await get('vic', `/v1/events?q=${encodeURIComponent('tenant: (globex')}`)
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'QUERY_INVALID', column: 16 } } })
  })
})

describe('a tenant’s token', () => {
  test('shows that tenant’s own, whatever is asked', async () => {
    expect(ids(await get('globex', '/v1/incidents'))).toEqual(['i-globex'])
    expect(ids(await get('globex', '/v1/incidents?tenant=acme'))).toEqual([])
    expect(ids(await get('globex', '/v1/incidents?where=tenant:acme'))).toEqual([])
    expect(ids(await get('globex', '/v1/signals'))).toEqual(['signal-globex'])
    expect(ids(await get('globex', '/v1/actions'))).toEqual(['a-globex'])
    const events = await get('globex', '/v1/events')
    expect(new Set(events.body.items.map((each) => each.organization.id))).toEqual(new Set(['globex']))
    const credentials = await get('globex', '/v1/credentials')
    expect(credentials.body.items.map((each) => each.credential.id)).toEqual(['key-g'])
    expect((await get('globex', '/v1/licenses')).body.items).toEqual([])
  })

  test('does not tell that another’s documents exist', async () => {
    const foreign = await get('globex', '/v1/incidents/i-acme')
    expect(foreign.status).toBe(404)
    expect((await get('globex', '/v1/incidents/i-operator')).status).toBe(404)
    expect((await get('globex', '/v1/actions/a-done')).status).toBe(404)
    expect((await get('globex', '/v1/incidents/i-globex')).status).toBe(200)
  })

  test('has no say in what is not its own', async () => {
    expect((await get('globex', '/v1/dead-letters')).status).toBe(403)
    expect((await call('globex-root', 'POST', '/v1/dead-letters/replay', { code: 'NOT_JSON' })).status).toBe(403)
    expect(
      (await call('globex', 'POST', '/v1/decisions', { kind: 'note', incidentId: 'i-acme', text: 'x' })).status,
    ).toBe(404)
    expect((await call('globex', 'POST', '/v1/decisions', { kind: 'global-stop', stopped: true })).status).toBe(403)
  })
})

describe('deciding', () => {
  const decisions = async (): Promise<Decision[]> =>
    (await recordsOf(topics.decisions)).map((record) => Decision.parse(JSON.parse(record.value!.toString())))

  test('a decision goes onto the bus under the incident’s key, signed with who the token says', async () => {
    const body = { kind: 'close', incidentId: 'i-acme', verdict: 'true-positive', text: 'It was the intern.' }
    const { status, body: answer } = await call('ana', 'POST', '/v1/decisions', body)
    expect(status).toBe(202)
    const [record] = (await recordsOf(topics.decisions)).filter((each) =>
      each.value!.toString().includes(answer.decisionId),
    )
    expect(record!.key).toBe('i-acme')
    expect(Decision.parse(JSON.parse(record!.value!.toString()))).toEqual({
      ...body,
      id: answer.decisionId,
      at: expect.any(String),
      by: 'operator:ana',
      roles: ['analyst'],
      tenant: 'acme',
    })
    await eventually(async () => (await get('vic', '/v1/incidents/i-acme')).body.decisions.length > 0)
  })

  test.for([
    { kind: 'note', incidentId: 'i-acme', text: 'x', by: 'operator:root' },
    { kind: 'note', incidentId: 'i-acme', text: 'x', roles: ['admin'] },
    { kind: 'note', incidentId: 'i-acme', text: 'x', tenant: 'globex' },
    { kind: 'note', incidentId: 'i-acme', text: '' },
    { kind: 'note', incidentId: 'i-acme', text: 'x'.repeat(20_000) },
    { kind: 'close', incidentId: 'i-acme', verdict: 'guilty' },
    { kind: 'license.put', license: {} },
    { kind: 'nonsense' },
    [],
  ])('what is no decision, or says who decides, is refused', async (body) => {
    const answer = await call('ana', 'POST', '/v1/decisions', body)
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'DECISION_INVALID' } } })
  })

  test('a decision sent again with its own id is the same one, another person’s with that id is not', async () => {
    const body = { kind: 'note', incidentId: 'i-acme', text: 'once', id: 'mine-1' }
    const first = await call('ana', 'POST', '/v1/decisions', body)
    const again = await call('ana', 'POST', '/v1/decisions', body)
    const other = await call('rex', 'POST', '/v1/decisions', body)
    expect(again.body.decisionId).toBe(first.body.decisionId)
    expect(other.body.decisionId).not.toBe(first.body.decisionId)
  })

  test('what was not merged into an incident is not taken out of it, and is not told where it is another’s', async () => {
    const unmerge = (who: Who, mergedId: string) =>
      call(who, 'POST', '/v1/decisions', { kind: 'unmerge', incidentId: 'i-acme', mergedId })
    expect(await unmerge('ana', 'i-acme-low')).toMatchObject({ status: 409, body: { error: { code: 'NOT_MERGED' } } })
    expect(await unmerge('ana', 'nowhere')).toMatchObject({ status: 404 })
  })

  test('an approval takes the role that the action asks for, the digest as it is, and an action that waits', async () => {
    const approve = (who: Who, changes: object = {}): Promise<Answer> =>
      call(who, 'POST', '/v1/decisions', {
        kind: 'approval',
        incidentId: 'i-acme',
        actionId: 'a-waiting',
        digest: 'digest-1',
        approved: true,
        ...changes,
      })
    expect(await approve('vic')).toMatchObject({ status: 403 })
    expect(await approve('ana')).toMatchObject({ status: 403, body: { error: { code: 'ROLE_MISSING' } } })
    expect(await approve('rex', { digest: 'other' })).toMatchObject({
      status: 409,
      body: { error: { code: 'DIGEST_CHANGED' } },
    })
    expect(await approve('rex', { actionId: 'a-done' })).toMatchObject({
      status: 409,
      body: { error: { code: 'NOT_AWAITING_APPROVAL' } },
    })
    expect(await approve('rex', { incidentId: 'i-globex' })).toMatchObject({
      status: 409,
      body: { error: { code: 'ACTION_OF_ANOTHER' } },
    })
    expect(await approve('rex', { actionId: 'a-none' })).toMatchObject({ status: 404 })
    expect(await approve('rex', { actionId: 'a-admin' })).toMatchObject({ status: 403 })
    expect(await approve('rex')).toMatchObject({ status: 202 })
    expect(await approve('root', { actionId: 'a-admin', approved: false })).toMatchObject({ status: 202 })
    const made = (await decisions()).filter((each) => each.kind === 'approval')
    expect(made.map((each) => [each.by, each.kind === 'approval' && each.approved])).toEqual([
      ['operator:rex', true],
      ['operator:root', false],
    ])
  })

  test('undoing and the global stop take a responder', async () => {
    expect(
      (await call('ana', 'POST', '/v1/decisions', { kind: 'undo', incidentId: 'i-acme', actionId: 'a-done' })).status,
    ).toBe(403)
    expect(
      (await call('rex', 'POST', '/v1/decisions', { kind: 'undo', incidentId: 'i-acme', actionId: 'a-done' })).status,
    ).toBe(202)
    expect((await call('ana', 'POST', '/v1/decisions', { kind: 'global-stop', stopped: true })).status).toBe(403)
    expect((await call('rex', 'POST', '/v1/decisions', { kind: 'global-stop', stopped: true })).status).toBe(202)
    expect((await decisions()).find((each) => each.kind === 'global-stop')).toMatchObject({
      tenant: 'operator',
      stopped: true,
    })
  })

  test('a decision about an incident that nobody knows is not found', async () => {
    expect((await call('ana', 'POST', '/v1/decisions', { kind: 'acknowledge', incidentId: 'none' })).status).toBe(404)
  })
})

describe('dead letters', () => {
  /** Puts a raw record on the bus, and a letter about it. */
  async function refuse(
    value: string,
    options: { gone?: boolean; code?: DeadLetterCode; indexes?: number[]; topic?: string; stage?: string } = {},
    own: Readonly<Record<string, string>> = {},
  ) {
    const { bus, index } = indexed
    const topic = options.topic ?? topics.audit
    const raw = { [headers.source]: 'gateway', [headers.mark]: 'x/y/0:1.0', [headers.arrived]: '1', ...own }
    await bus.publish([{ topic, key: 'producer', partition: 1, value, headers: raw }])
    const { high } = (await bus.offsets(topic)).find(({ partition }) => partition === 1)!
    const letters = (options.indexes ?? [0]).map((at) =>
      buildDeadLetter({
        stage: options.stage ?? 'normalize',
        code: options.code ?? 'TIME_MISSING',
        message: 'no time',
        topic,
        partition: 1,
        // Past the end: as if retention had taken it.
        offset: options.gone === true ? high + 1_000 : high - 1,
        index: at,
        key: 'producer',
        value: Buffer.from(value),
        headers: raw,
        atMs: Date.parse('2026-03-01T10:00:00Z'),
      }),
    )
    await bus.publish(letters)
    const made = letters.map((letter) => DeadLetter.parse(JSON.parse(String(letter.value))))
    for (const { id } of made) await eventually(() => index.get('dead-letters', id))
    return { letters: made, offset: high - 1 }
  }
  const replay = (body: object, who: Who = 'root'): Promise<Answer> =>
    call(who, 'POST', '/v1/dead-letters/replay', body)
  const putBack = async (id: string, topic: string = topics.audit): Promise<BusRecord[]> =>
    (await recordsOf(topic)).filter((record) => record.headers[headers.replayOf] === id)

  test('they are listed, by code and source, and shown', async () => {
    const { letters } = await refuse('{"list":1}', { code: 'FIELD_INVALID' })
    const [{ id }] = letters as [DeadLetter]
    expect(ids(await get('vic', '/v1/dead-letters?code=FIELD_INVALID&source=gateway'))).toEqual([id])
    expect((await get('vic', `/v1/dead-letters/${id}`)).body).toMatchObject({
      code: 'FIELD_INVALID',
      original: '{"list":1}',
    })
  })

  test('the original goes back to its topic, partition and key, told as a replay and by its first place', async () => {
    const value = '{"put":"back","password":"hunter22hunter22"}'
    const { letters, offset } = await refuse(value)
    const [{ id }] = letters as [DeadLetter]
    expect(letters[0]!.original).not.toContain('hunter22')
    const { status, body } = await replay({ ids: [id] })
    expect(status).toBe(200)
    expect(body).toMatchObject({ replayed: [id], notReplayed: [], unknown: [], records: 1 })
    const [record] = await putBack(id)
    expect(record).toMatchObject({ key: 'producer', partition: 1 })
    expect(sha256Hex(record!.value!)).toBe(sha256Hex(value))
    expect(record!.headers).toEqual({
      source: 'gateway',
      [headers.replayOf]: id,
      [headers.origin]: `${topics.audit}/1/${offset}`,
    })
  })

  test('a letter put back says so, by whom and how often', async () => {
    const { letters } = await refuse('{"twice":1}')
    const [{ id }] = letters as [DeadLetter]
    await replay({ ids: [id] })
    const shown = async (): Promise<DeadLetter> =>
      (await get('vic', `/v1/dead-letters/${id}`)).body as unknown as DeadLetter
    await eventually(async () => (await shown()).replayed?.count === 1)
    expect((await shown()).replayed).toMatchObject({ count: 1, by: 'operator:root' })
    await replay({ ids: [id] })
    await eventually(async () => (await shown()).replayed?.count === 2)
  })

  test('what retention has taken comes from the letter, if that has it whole and unmasked', async () => {
    const whole = await refuse('{"small":"enough"}', { gone: true })
    expect((await replay({ ids: [whole.letters[0]!.id] })).body.records).toBe(1)
    expect((await putBack(whole.letters[0]!.id))[0]!.value!.toString()).toBe('{"small":"enough"}')

    const cut = await refuse(`"${'x'.repeat(70_000)}"`, { gone: true })
    const masked = await refuse('{"password":"hunter22hunter22"}', { gone: true })
    const { body } = await replay({ ids: [cut.letters[0]!.id, masked.letters[0]!.id, 'unknown-id'] })
    expect(body).toMatchObject({ replayed: [], records: 0, unknown: ['unknown-id'] })
    expect(body.notReplayed.map((each) => each.reason)).toEqual(['ORIGINAL_GONE', 'ORIGINAL_GONE'])
  })

  test('a record that caused several letters goes back once', async () => {
    const { letters } = await refuse('{"Records":[1,2,3]}', { indexes: [0, 2] })
    const { body } = await replay({ ids: letters.map(({ id }) => id) })
    expect(body).toMatchObject({ records: 1 })
    expect([...body.replayed].sort()).toEqual(letters.map(({ id }) => id).sort())
    expect(await putBack(letters[0]!.id)).toHaveLength(1)
    expect(await putBack(letters[1]!.id)).toHaveLength(0)
  })

  test('chosen by code they go back once, oldest first, so many at a time', async () => {
    for (let i = 0; i < 3; i++) await refuse(`{"n":${i}}`, { code: 'TENANT_MISSING' })
    const first = await replay({ code: 'TENANT_MISSING', limit: 2 })
    expect(first.body).toMatchObject({ records: 2, more: true })
    await eventually(async () => {
      const page = await indexed.index.search({
        collection: 'dead-letters',
        filter: {
          all: [
            { field: 'code', is: 'TENANT_MISSING' },
            { field: 'replayed.count', exists: true },
          ],
        },
      })
      return page.hits.length === 2
    })
    expect((await replay({ code: 'TENANT_MISSING', limit: 2 })).body).toMatchObject({ records: 1, more: false })
  })

  test('a record that a later stage refused loses its mark, so that the stage sees it again; for the indexer it keeps it', async () => {
    const detect = await refuse(JSON.stringify(eventOf('again-1')), {
      topic: topics.events,
      stage: 'detect',
      code: 'STEP_FAILED',
    })
    const index = await refuse(JSON.stringify(eventOf('again-2')), {
      topic: topics.events,
      stage: 'indexer',
      code: 'INDEX_REFUSED',
    })
    await replay({ ids: [detect.letters[0]!.id, index.letters[0]!.id] })
    expect((await putBack(detect.letters[0]!.id, topics.events))[0]!.headers[headers.mark]).toBeUndefined()
    expect((await putBack(index.letters[0]!.id, topics.events))[0]!.headers[headers.mark]).toBe('x/y/0:1.0')
  })

  describe('of observations, of which many travel in one record', () => {
    const observed = (n: number): object => ({ engine: 'behavior', rule: 'r', password: 'hunter22hunter22', n })
    /** The last one shares a head with others. */
    const inPack = (n: number): object => (n < 2 ? observed(n) : { head: { rule: 'r' }, of: [n, 'own'] })
    const items = [0, 1, 2].map((n) => (n < 2 ? [n, 0, 1, observed(n)] : [n, 0, 1, [n, 'own'], 0]))
    const packed = { [headers.packed]: 'detect/warden.events/1', [headers.arrived]: '1' }

    /** Puts a pack on the bus, and letters about it, each of the whole or of one. */
    async function refusePack(...letters: readonly { readonly place?: number; readonly code?: DeadLetterCode }[]) {
      const { bus, index } = indexed
      const value = Buffer.from(JSON.stringify({ heads: [{ rule: 'r' }], items }))
      await bus.publish([{ topic: topics.observations, partition: 1, value, headers: packed }])
      const { high } = (await bus.offsets(topics.observations)).find(({ partition }) => partition === 1)!
      const record: BusRecord = {
        ...{ topic: topics.observations, partition: 1, offset: high - 1, key: undefined, value, headers: packed },
        appendedMs: Date.parse('2026-03-01T10:00:00Z'),
      }
      const made = letters.map(({ place, code = 'NOT_AN_EVENT' }) => {
        const item = place === undefined ? undefined : unpack(record)!.items[place]!
        const from = item === undefined ? record : { ...aloneFrom(record, item), item: item.place }
        return buildDeadLetter({ ...from, stage: 'detect-groups', code, message: 'no', atMs: record.appendedMs })
      })
      await bus.publish(made)
      const parsed = made.map((letter) => DeadLetter.parse(JSON.parse(String(letter.value))))
      for (const { id } of parsed) await eventually(() => index.get('dead-letters', id))
      return parsed
    }

    test('those that were refused go back one by one, unmasked, without the mark that would tell them for old', async () => {
      const [one, other] = (await refusePack({ place: 0 }, { place: 2, code: 'STEP_FAILED' })) as [
        DeadLetter,
        DeadLetter,
      ]
      const { body } = await replay({ ids: [one.id, other.id] })
      expect(body).toMatchObject({ notReplayed: [], records: 2 })
      for (const [letter, n] of [[one, 0], [other, 2]] as const) {
        const [record, ...more] = await putBack(letter.id, topics.observations)
        expect(more).toEqual([])
        expect(JSON.parse(record!.value!.toString())).toEqual(inPack(n))
        expect(record).toMatchObject({ partition: 1, headers: { [headers.replayOf]: letter.id } })
        expect(Object.keys(record!.headers)).toEqual([headers.replayOf])
      } // prettier-ignore
    })

    test('a whole record, which an older program takes for none, goes back as what it holds', async () => {
      const [letter] = (await refusePack({})) as [DeadLetter]
      expect((await replay({ ids: [letter.id] })).body).toMatchObject({ replayed: [letter.id], records: 3 })
      const found = await putBack(letter.id, topics.observations)
      expect(found.map(({ value }) => JSON.parse(value!.toString()) as unknown)).toEqual([0, 1, 2].map(inPack))
      for (const { headers: told } of found) expect(Object.keys(told)).toEqual([headers.replayOf])
    })

    test('what has had its effect, or was put back before, stays where it is', async () => {
      const [large, small] = (await refusePack({ place: 1, code: 'TOO_LARGE' }, { place: 0 })) as [
        DeadLetter,
        DeadLetter,
      ]
      expect((await replay({ ids: [large.id] })).body.notReplayed).toMatchObject([{ reason: 'NOT_REPLAYABLE' }])
      await replay({ ids: [small.id] })
      await eventually(async () => {
        const again = (await replay({ ids: [small.id] })).body.notReplayed
        return again.length === 1 && again[0]?.reason === 'NOT_REPLAYABLE'
      })
    })
  })

  test('orders and states are not put back: they would take effect twice', async () => {
    const { letters } = await refuse('{"kind":"action"}', {
      topic: topics.effects,
      stage: 'respond',
      code: 'NOT_AN_EFFECT',
    })
    const { body } = await replay({ ids: [letters[0]!.id] })
    expect(body.notReplayed).toMatchObject([{ reason: 'NOT_REPLAYABLE' }])
    expect(await putBack(letters[0]!.id, topics.effects)).toEqual([])
  })

  test('what told a stage the time, or what was in force, is not put back: by now it would be untrue', async () => {
    const { letters } = await refuse(
      '{"control":"content","set":"rules","digest":"old"}',
      { topic: topics.events, stage: 'detect', code: 'STEP_FAILED' },
      { [headers.control]: 'content' },
    )
    const { body } = await replay({ ids: [letters[0]!.id] })
    expect(body.notReplayed).toMatchObject([{ reason: 'NOT_REPLAYABLE' }])
    expect(await putBack(letters[0]!.id, topics.events)).toEqual([])
  })

  test('a record refused at the door is not put back, and the answer says to send it again', async () => {
    const { letters } = await refuse('garbage', { topic: topics.audit, stage: 'collect', code: 'NOT_JSON' })
    const letter = { ...letters[0]!, id: 'at-the-door', position: { ...letters[0]!.position, topic: 'collect/http:1' } }
    await indexed.bus.publish([{ topic: topics.deadLetters, key: 'gateway', value: JSON.stringify(letter) }])
    await eventually(async () => (await get('root', '/v1/dead-letters/at-the-door')).status === 200)
    const { body } = await replay({ ids: ['at-the-door'] })
    expect(body.notReplayed).toMatchObject([{ reason: 'NOT_REPLAYABLE' }])
    expect(body.notReplayed[0]).toMatchObject({ message: expect.stringContaining('send it again') as string })
  })

  test('only an administrator puts back, and says which', async () => {
    expect((await replay({ code: 'NOT_JSON' }, 'rex')).status).toBe(403)
    expect(await replay({})).toMatchObject({ status: 400, body: { error: { code: 'REPLAY_INVALID' } } })
    expect(await replay({ code: 'NO_SUCH_CODE' })).toMatchObject({ status: 400 })
  })
})

describe('the status', () => {
  test('tells services, lag, watermarks, incidents, dead letters and content', async () => {
    const { status, body } = await get('vic', '/v1/status')
    expect(status).toBe(200)
    expect(body.services['indexer']!.state).toBe('ready')
    expect(body.bus).toEqual({ kind: 'embedded', ok: true })
    expect(body.index).toEqual({ kind: 'embedded', ok: true })
    expect(body.watermarks).toEqual([{ stage: 'detect', at: '2026-03-01T10:00:00.000Z', ended: false }])
    expect(body.openIncidents).toMatchObject({ critical: 2, high: 1 })
    expect(body.deadLetters).toEqual(expect.any(Object))
    expect(body.content).toEqual({
      inForce: { sources: null, rules: null, playbooks: null, inventory: null },
      mistakes: [],
    })
    // Nobody reads the signals here, and 3 of them wait.
    expect(body.lag.find((each) => each.stage === 'correlate')).toEqual({
      stage: 'correlate',
      topic: topics.signals,
      records: 3,
    })
    const waiting = body.lag.map(({ stage, topic }) => `${stage} of ${topic}`)
    expect(waiting).toContain(`indexer of ${topics.incidents}`)
    expect(waiting).toContain(`indexer of ${topics.usage}`)
    expect(waiting).toContain(`meter of ${topics.events}`)
    expect(waiting).toContain(`licensing-telling of ${topics.licenses}`)
  })

  test('counts what each source has sent in the last hour, and nothing older', async () => {
    expect((await get('vic', '/v1/status')).body.eventsLastHour).toEqual({})
    await publish(indexed.bus, topics.events, eventOf('e-now', { at: new Date().toISOString() }))
    const counted = async (): Promise<unknown> => {
      const { eventsLastHour } = (await get('vic', '/v1/status')).body
      return Object.keys(eventsLastHour).length > 0 && eventsLastHour
    }
    expect(await eventually(counted)).toEqual({ 'aws.cloudtrail': 1 })
  })

  test('tells a tenant nothing of others', async () => {
    const { body } = await get('globex', '/v1/status')
    expect(body.openIncidents).toEqual({ high: 1 })
    expect(body).toMatchObject({ eventsLastHour: null, deadLetters: null, lag: null, watermarks: null, content: null })
    expect(body.services['indexer']).toEqual({ state: 'ready', summary: 'ready' })
  })
})

describe('deeds', () => {
  const deeds = async (): Promise<Deed[]> =>
    (await recordsOf(topics.deeds)).map((record) => Deed.parse(JSON.parse(record.value!.toString())))
  const since = async (before: readonly Deed[]): Promise<Deed[]> => {
    const known = new Set(before.map(({ id, version }) => `${id}/${version}`))
    return (await deeds()).filter(({ id, version }) => !known.has(`${id}/${version}`))
  }

  test('one is on record before it is tried, and how it ended; its arguments as a digest alone', async () => {
    const before = await deeds()
    const body = { kind: 'note', incidentId: 'i-acme', text: 'nobody else is to read this' }
    expect((await call('ana', 'POST', '/v1/decisions', body)).status).toBe(202)
    const made = await since(before)
    const common = { by: 'operator:ana', roles: ['analyst'], tenant: 'operator', deed: 'POST /v1/decisions' }
    expect(made).toMatchObject([
      { ...common, version: 1, outcome: 'attempted', target: 'note incident:i-acme' },
      { ...common, version: 2, outcome: 'done', status: 202, target: 'note incident:i-acme' },
    ])
    expect(made[0]!.id).toBe(made[1]!.id)
    expect(JSON.stringify(made)).not.toContain('nobody else')
    await eventually(async () => (await get('root', `/v1/deeds/${made[0]!.id}`)).status === 200)
  })

  test.for([
    ['vic', { kind: 'note', incidentId: 'i-acme', text: 'x' }, 403, 'ROLE_MISSING', 1],
    ['ana', { kind: 'nonsense' }, 400, 'DECISION_INVALID', 1],
    ['globex', { kind: 'note', incidentId: 'i-acme', text: 'x' }, 404, 'NOT_FOUND', 2],
  ] as const)('one that is refused is on record with who and why: %s', async ([who, body, status, code, records]) => {
    const before = await deeds()
    expect((await call(who, 'POST', '/v1/decisions', body)).status).toBe(status)
    const made = await since(before)
    expect(made).toHaveLength(records)
    expect(made.at(-1)).toMatchObject({ by: `operator:${who}`, outcome: 'refused', status, code })
  })

  test('reading is no deed, and neither is a request that nobody is known to have made', async () => {
    const before = await deeds()
    await get('vic', '/v1/incidents')
    await fetch(`${url}/v1/decisions`, { method: 'POST', body: '{}' })
    expect(await since(before)).toEqual([])
  })

  test('refusals of one caller beyond so many a minute are counted and not written, so that none can flood the record', async () => {
    const before = await deeds()
    await Promise.all(Array.from({ length: 90 }, () => call('edge', 'POST', '/v1/decisions', {})))
    expect((await since(before)).length).toBe(60)
  })

  test('only an administrator reads them', async () => {
    expect((await get('rex', '/v1/deeds')).status).toBe(403)
    expect((await get('globex-root', '/v1/deeds')).status).toBe(200)
  })
})

describe('live updates', () => {
  async function open(who: Who, path = '/v1/live', headers: Record<string, string> = {}) {
    const { token } = tokens.find(({ name }) => name === who)!
    const aborted = new AbortController()
    const answer = await fetch(`${url}${path}`, {
      headers: { ...headers, authorization: `Bearer ${token}` },
      signal: aborted.signal,
    })
    const stream = { answer, text: '', close: () => aborted.abort() }
    void (async () => {
      try {
        for await (const chunk of answer.body!) stream.text += Buffer.from(chunk).toString()
      } catch {
        // Closed.
      }
    })()
    return stream
  }
  const lastId = (text: string): string => [...text.matchAll(/^id: (.+)$/gm)].at(-1)![1]!

  test('a document comes as it is written, and whoever comes back with the last id misses nothing', async () => {
    const stream = await open('vic', '/v1/live?lists=incidents')
    expect(stream.answer.headers.get('content-type')).toContain('text/event-stream')
    await publish(indexed.bus, topics.incidents, incidentOf({ id: 'live-1', tenant: 'acme' }))
    await publish(indexed.bus, topics.signals, signalOf('live-unwanted'))
    await eventually(async () => stream.text.includes('"live-1"'))
    expect(stream.text).toMatch(/^event: hello\n/)
    expect(stream.text).not.toContain('live-unwanted')
    stream.close()
    await publish(indexed.bus, topics.incidents, incidentOf({ id: 'live-2', tenant: 'acme' }))
    const again = await open('vic', '/v1/live?lists=incidents', { 'last-event-id': lastId(stream.text) })
    await eventually(async () => again.text.includes('"live-2"'))
    expect(again.text).toContain('{"resumed":true}')
    expect(again.text).not.toContain('live-1')
    again.close()
  })

  test('whoever comes back with an id that is not known is told to load anew', async () => {
    const stream = await open('vic', '/v1/live', { 'last-event-id': 'other.17' })
    await eventually(async () => stream.text.includes('event: reset'))
    stream.close()
  })

  test('so many streams of one caller, and no more', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => open('rex')))
    expect((await open('rex')).answer.status).toBe(429)
    for (const stream of streams) stream.close()
    await eventually(async () => {
      const stream = await open('rex')
      stream.close()
      return stream.answer.status === 200
    })
  })
})
