/**
 * No endpoint tells a tenant anything of another, or of the operator: all of them, as the OpenAPI document lists them, are
 * asked in every way that it describes, by every role of one tenant.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics } from '../../../core/topics.ts'
import { apiTokens, markerOf, type Api } from '../../support/api.ts'
import { incidentOf } from '../../support/incident.ts'
import { publish, signalOf } from '../../support/indexed.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: { readonly enum?: readonly string[]; readonly items?: { readonly enum?: readonly string[] } }
}
interface Operation {
  readonly parameters: readonly Parameter[]
  readonly responses: Readonly<Record<string, unknown>>
}

const mine = 'north'
const foreign = ['south', 'operator'] as const
const tenantNames = apiTokens.flatMap((token) => ('tenant' in token ? [token.name] : []))
/** Those that hold nothing of any tenant, and so have nothing to show to the operator either. */
const withoutDocuments = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/v1/status',
  '/v1/live',
  '/v1/content',
  '/v1/rules/status',
]
const kinds = [
  'incident',
  'event',
  'signal',
  'action',
  'decision',
  'deed',
  'license',
  'credential',
  'usage',
  'letter',
  'leak',
]

/** Ways to ask for what is another's, for each parameter that there may be. */
function valuesOf({ name, schema }: Parameter, owner: string): readonly string[] {
  const known = schema.enum ?? schema.items?.enum
  if (known !== undefined) return known
  const marker = markerOf(owner)
  const byName: Readonly<Record<string, readonly string[]>> = {
    q: [marker, '*', `tenant: ${owner} or organization.id: ${owner} or scope: ${owner}`, `not tenant: ${mine}`],
    where: [`tenant:${owner}`, `organization.id:${owner}`, `scope:${owner}`, `user.name:${marker}`],
    limit: ['1', '1000'],
    size: ['100'],
    sort: ['tenant:asc', 'title:desc', 'user.name:asc', 'time:asc'],
    from: ['2000-01-01'],
    to: ['2100-01-01'],
    interval: ['1d'],
    split: [
      'tenant',
      'title',
      'user.name',
      'summary',
      'explanation',
      'text',
      'target',
      'message',
      'license.models',
      'credential.label',
      'model',
    ],
    fields: [
      'tenant,title',
      'user.name,organization.id',
      'scope,explanation',
      'text,message,summary,target',
      'license.models,credential.label',
      'model',
    ],
    path: ['aws-cloudtrail.yml'],
    after: [],
  }
  return byName[name] ?? [owner, marker, `${owner}/${marker}`, ...kinds.map((kind) => `${kind}-${owner}`)]
}

/** URLs that ask one operation for an owner's documents, parameter by parameter. */
function urlsOf(path: string, { parameters }: Operation, owner: string): string[] {
  const ids = path.includes('{') ? kinds.map((kind) => `${kind}-${owner}`) : ['']
  const paths = ids.map((id) => path.replace(/\{\w+\}/g, id))
  const queries = parameters.filter((each) => each.in === 'query')
  const required = queries.filter((each) => each.required).map((each) => [each.name, valuesOf(each, owner)[0] ?? ''])
  const variants = queries.flatMap((each) => valuesOf(each, owner).map((value) => [[each.name, value]]))
  return paths.flatMap((at) =>
    [[], ...variants].map(
      (variant) => `${at}?${new URLSearchParams([...required, ...variant] as [string, string][]).toString()}`,
    ),
  )
}

/** Several at a time: each waits for a disk or a server. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

/** Whatever bus and index the API stands on; `names`: whose eyes are tried. */
export function tellsNothingOfOthers(start: () => Promise<Api>, names: readonly string[] = tenantNames): void {
  let api: Api
  let operations: { readonly path: string; readonly method: string; readonly operation: Operation }[]

  beforeAll(async () => {
    api = await start()
    const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
    }
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
  }, 120_000)
  afterAll(() => api.close(), 60_000)

  describe('no endpoint tells a tenant anything of another tenant or of the operator', () => {
    test('none that reads, whatever is asked for, with whatever role; and the operator is shown it by each', async () => {
      const reading = operations.filter(
        ({ method, path }) => method === 'get' && path !== '/v1/live' && !path.startsWith('/v1/ext-authz'),
      )
      expect(reading.length).toBeGreaterThan(40)
      for (const { path, operation } of reading) {
        let shownToOperator = false
        for (const owner of foreign) {
          await eachOf(urlsOf(path, operation, owner), async (url) => {
            for (const name of names) {
              const answer = await api.fetchAs(name, url)
              const text = await answer.text()
              const told = foreign.filter((each) => text.includes(markerOf(each)) || text.includes(`"${each}"`))
              // What was asked for may be named in the refusal of it.
              if (answer.status === 200) expect({ name, url, told }).toEqual({ name, url, told: [] })
              expect({ url, status: answer.status }).toEqual({
                url,
                status: expect.toBeOneOf([200, 400, 403, 404]) as number,
              })
            }
            if (shownToOperator) return
            const shown = await (await api.fetchAs('root', url)).text()
            shownToOperator ||= shown.includes(markerOf(owner))
          })
        }
        const silent = withoutDocuments.some((each) => path === each || path.startsWith(`${each}/`))
        // Histograms are numbers alone, but by a field they name its values.
        expect({ path, shownToOperator }).toEqual({ path, shownToOperator: !silent })
      }
    }, 300_000)

    test('none that pages, also with the cursor of a page that another was given', async () => {
      for (const { path, operation } of operations) {
        if (!operation.parameters.some(({ name }) => name === 'after') || path === '/v1/live') continue
        for (const sort of ['time:desc', 'time:asc', 'tenant:desc', 'organization.id:desc']) {
          const first = await api.fetchAs('root', `${path}?limit=1&sort=${sort}`)
          const { next } = (await first.json()) as { next?: string }
          if (next === undefined) continue
          for (const name of names) {
            const page = await api.fetchAs(name, `${path}?limit=1000&sort=${sort}&after=${encodeURIComponent(next)}`)
            const text = await page.text()
            expect({ path, name, told: foreign.filter((owner) => text.includes(markerOf(owner))) }).toMatchObject({
              told: [],
            })
          }
        }
      }
    }, 120_000)

    test('a tenant sees its own where the operator sees all, so that seeing nothing proves something', async () => {
      for (const path of [
        'incidents',
        'events',
        'signals',
        'actions',
        'decisions',
        'licenses',
        'credentials',
        'deeds',
        'usage',
        'totals/usage',
      ]) {
        const text = await (await api.fetchAs('north-admin', `/v1/${path}`)).text()
        expect({ path, own: text.includes(markerOf(mine)) }).toEqual({ path, own: true })
      }
      for (const path of [
        '/v1/incidents/incident-north',
        '/v1/incidents/incident-north/history',
        '/v1/incidents/incident-north/timeline',
        '/v1/actions/action-north/history',
      ]) {
        expect(await (await api.fetchAs('north-viewer', path)).text()).toContain(markerOf(mine))
      }
    })

    test('none that changes something does so for another tenant, and none says that there is such a thing', async () => {
      const put = (body: unknown) => ({
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const post = (body: unknown) => ({ ...put(body), method: 'POST' })
      for (const owner of foreign) {
        const note = { kind: 'note', incidentId: `incident-${owner}`, text: 'x' }
        const undo = { kind: 'undo', incidentId: `incident-${owner}`, actionId: `action-${owner}` }
        const own = { kind: 'undo', incidentId: 'incident-north', actionId: `action-${owner}` }
        const asked: readonly (readonly [string, RequestInit, number])[] = [
          ['/v1/decisions', post(note), 404],
          ['/v1/decisions', post(undo), 404],
          ['/v1/decisions', post(own), 404],
          ['/v1/decisions', post({ kind: 'global-stop', stopped: true }), 403],
          ['/v1/dead-letters/replay', post({ ids: [`letter-${owner}`] }), 403],
          [`/v1/licenses/license-${owner}`, put({ tenant: owner, models: ['*'] }), 403],
          [
            '/v1/credentials',
            put({ tenant: owner, principal: `${owner}/x`, credentialId: `credential-${owner}` }),
            403,
          ],
          ['/v1/credentials/check', post({ credentialId: `credential-${owner}` }), 200],
          ['/v1/authorize', post({ credentialId: `credential-${owner}`, model: markerOf(owner) }), 200],
        ]
        for (const [path, init, status] of asked) {
          const answer = await api.fetchAs('north-admin', path, init)
          const text = await answer.text()
          expect({ path, status: answer.status, told: text.includes(markerOf(owner)) }).toEqual({
            path,
            status,
            told: false,
          })
          if (status === 200) expect(text).toMatch(/"state":"unknown"|CREDENTIAL_UNKNOWN/)
        }
      }
      const changing = operations
        .filter(({ method }) => method !== 'get')
        .map(({ path, method }) => `${method} ${path}`)
      const tried = [
        'post /v1/decisions',
        'post /v1/dead-letters/replay',
        'put /v1/licenses/{id}',
        'put /v1/credentials',
      ]
      const machines = ['post /v1/events/{id}', 'post /v1/authorize', 'post /v1/usage', 'post /v1/credentials/check']
      // A new one is to be added to this test.
      expect(changing.filter((each) => !each.includes('/v1/ext-authz')).toSorted()).toEqual(
        [...tried, ...machines].toSorted(),
      )
    })

    test('the live stream sends a tenant what is its own', async () => {
      const aborted = new AbortController()
      const streams = await Promise.all(
        ['north-viewer', 'root'].map((name) => api.fetchAs(name, '/v1/live', { signal: aborted.signal })),
      )
      const texts = streams.map(() => '')
      const reading = streams.map(async (stream, i) => {
        try {
          for await (const chunk of stream.body!)
            texts[i] = `${texts[i] ?? ''}${Buffer.from(chunk as Uint8Array).toString()}`
        } catch {
          // The end of the test.
        }
      })
      for (const owner of [...foreign, mine]) {
        await publish(
          api.bus,
          topics.incidents,
          incidentOf({ id: `live-${owner}`, tenant: owner, title: markerOf(owner) }),
        )
        await publish(
          api.bus,
          topics.signals,
          signalOf(`live-${owner}`, { scope: owner, explanation: markerOf(owner) }),
        )
      }
      await expect
        .poll(() => texts.every((text) => text.split(markerOf(mine)).length === 3), { timeout: 20_000 })
        .toBe(true)
      await expect.poll(() => texts[1]!.includes(markerOf('south')), { timeout: 20_000 }).toBe(true)
      expect(texts[0]).toContain('event: hello')
      expect(foreign.filter((owner) => texts[0]!.includes(markerOf(owner)))).toEqual([])
      expect(foreign.filter((owner) => !texts[1]!.includes(markerOf(owner)))).toEqual([])
      expect((await api.fetchAs('north-viewer', '/v1/live?lists=dead-letters')).status).toBe(403)
      aborted.abort()
      await Promise.all(reading)
    })
  })
}
