import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PutDocument } from '../../core/ports/search-index.ts'
import type { UsageRecord } from '../../core/usage.ts'
import { createHttpHost, type HttpHost } from '../../runtime/http/http.ts'
import { silentLog } from '../../runtime/log.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import { openIndexed, type Indexed } from '../../test/support/indexed.ts'
import { usageOf } from '../../test/support/usage.ts'
import { createConsoleService } from './service.ts'
import type { UsageTotals } from './usage-sums.ts'

const tokens = [
  { name: 'vic', token: 'viewer-token-0123456789', roles: ['viewer'] },
  { name: 'edge', token: 'gateway-token-0123456789', roles: ['gateway'] },
  { name: 'globex', token: 'globex-token-0123456789', roles: ['viewer'], tenant: 'globex' },
] as const
type Who = (typeof tokens)[number]['name']

let indexed: Indexed
let host: HttpHost
let url: string

const day = (date: string) => {
  const start = `${date}T00:00:00.000Z`
  return { start, end: new Date(Date.parse(start) + 86_400_000).toISOString() }
}

beforeAll(async () => {
  indexed = await openIndexed()
  const service = createConsoleService(indexed.context)
  const { telemetry, registry } = createMetrics({ processMetrics: false })
  host = await createHttpHost({
    ...{ http: { ...indexed.context.config.http, listen: '127.0.0.1:0' }, tokens, shutdownGraceMs: 500 },
    ...{ log: silentLog, telemetry, registry, health: () => ({}), bus: indexed.bus },
  })
  service.routes!(host.app)
  url = await host.start()
  const records: UsageRecord[] = [
    usageOf('acme', { id: 'a1', ...day('2026-03-01') }),
    usageOf('acme', { id: 'a2', ...day('2026-03-02'), model: 'llm-70b' }),
    usageOf('acme', { id: 'a2c', ...day('2026-03-02'), model: 'llm-70b', kind: 'correction', unchecked: 2 }),
    usageOf('acme', { id: 'a3', ...day('2026-04-01'), state: 'open' }),
    usageOf('acme', { id: 'hour', period: 'hour', end: '2026-03-01T01:00:00.000Z' }),
    usageOf('globex', { id: 'g1', ...day('2026-03-02'), coarse: true }),
    // More than one page of them.
    ...Array.from({ length: 1_200 }, (_, n) => usageOf('big', { id: `b${n}`, principal: `big/${n}`, ...day('2026-02-01') })),
  ] // prettier-ignore
  const puts = records.map((record): PutDocument => ({
    collection: 'usage',
    id: record.id,
    version: record.version,
    timeMs: Date.parse(record.start),
    document: record,
  }))
  await indexed.index.put(puts)
  await indexed.index.refresh()
}, 60_000)

afterAll(async () => {
  await host.stop()
  await indexed.close()
}, 30_000)

async function ask(who: Who, query: string): Promise<{ status: number; body: UsageTotals & { error?: unknown } }> {
  const { token } = tokens.find(({ name }) => name === who)!
  const answer = await fetch(`${url}/v1/totals/usage?${query}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, body: (await answer.json()) as UsageTotals }
}

describe('what was used', () => {
  test('is added up by month, corrections included, and says of each line how settled it is', async () => {
    const { body } = await ask('vic', 'by=month&tenant=acme&per=tenant,license')
    expect(body.items).toMatchObject([
      {
        ...{ start: '2026-03-01T00:00:00.000Z', tenant: 'acme', license: 'acme-api', state: 'corrected' },
        ...{ success: { calls: 30, inputTokens: 3_000, outputTokens: 1_500 }, failure: { calls: 3 } },
        ...{ corrections: { records: 1, calls: 11 }, unchecked: 2 },
      },
      { start: '2026-04-01T00:00:00.000Z', state: 'open', success: { calls: 10 } },
    ])
    expect(body.total).toMatchObject({ success: { calls: 40 }, state: 'open' })
  })

  test('is added up by day and model, or by hour', async () => {
    const { body } = await ask('vic', 'by=day&tenant=acme&from=2026-03-01&to=2026-03-03')
    expect(body.items.map(({ start, model, success }) => [start.slice(0, 10), model, success.calls])).toEqual([
      ['2026-03-01', 'llm-7b', 10],
      ['2026-03-02', 'llm-70b', 20],
    ])
    const hours = await ask('vic', 'by=hour&per=tenant')
    expect(hours.body.items).toMatchObject([{ tenant: 'acme', success: { calls: 10 } }])
  })

  test('is whole also where it is more than a page', async () => {
    const { body } = await ask('vic', 'tenant=big&per=tenant')
    expect(body.items).toMatchObject([{ success: { calls: 12_000 } }])
    expect((await ask('vic', 'tenant=big&per=principal')).body.items).toHaveLength(1_200)
  })

  test('of a tenant is all that its token sees, whatever it asks for', async () => {
    for (const query of ['by=month', 'by=month&tenant=globex', 'by=month&q=model:*']) {
      expect((await ask('globex', query)).body.items).toMatchObject([{ tenant: 'globex', coarse: 1 }])
    }
    expect((await ask('globex', 'tenant=acme')).body.items).toEqual([])
    expect((await ask('edge', '')).status).toBe(403)
  })

  test('is not told for a period that is cut in two, nor by what leaves a part of it out', async () => {
    for (const query of ['by=month&from=2026-03-02', 'by=day&to=2026-03-02T12:00:00Z', 'kind=total', 'state=settled']) {
      const { status, body } = await ask('vic', query)
      expect([query, status]).toEqual([query, 400])
      expect(body.error).toMatchObject({ code: 'QUERY_INVALID' })
    }
  })
})
