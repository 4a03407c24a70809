import { createHash } from 'node:crypto'
import { request as rawRequest } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { defaultConfig, type Config } from '../config/config.ts'
import { HttpError } from './http-error.ts'
import { createHttpHost, type HttpHost } from './http.ts'
import { silentLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import type { Health } from '../service.ts'

const admin = { name: 'root', token: 'admin-token-0123456789', roles: ['admin'] } as const
const gateway = { name: 'edge', token: 'gateway-token-0123456789', roles: ['gateway'] } as const
const hosts: HttpHost[] = []

async function host(http: Partial<Config['http']> = {}, health: Record<string, Health> = {}) {
  const { registry, telemetry } = createMetrics({ processMetrics: false })
  const made = await createHttpHost({
    http: { ...defaultConfig().http, listen: '127.0.0.1:0', ...http },
    tokens: [admin, gateway],
    shutdownGraceMs: 300,
    log: silentLog,
    telemetry,
    registry,
    health: () => health,
    bus: { publish: () => Promise.resolve() },
  })
  made.app.get('/gate', { config: { roles: ['gateway'] } }, (request) => ({ caller: request.caller.name }))
  made.app.get('/analyst', { config: { roles: ['analyst'] } }, () => ({}))
  made.app.post('/echo', { config: { roles: ['gateway'] } }, (request) => request.body)
  made.app.get('/bug', { config: { public: true } }, () => {
    throw new Error('the password is hunter2')
  })
  made.app.get('/gone', { config: { public: true } }, () => {
    throw new HttpError(404, 'INCIDENT_UNKNOWN', 'There is no such incident.', { hint: 'List them.' })
  })
  made.app.get('/slow', { config: { public: true } }, () => new Promise(() => undefined))
  hosts.push(made)
  return { url: await made.start(), made }
}

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((each) => each.stop()))
})

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

function withHost(url: string, hostHeader: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = rawRequest(url, { headers: { host: hostHeader } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject).end()
  })
}

describe('the HTTP host', () => {
  it('tells a caller of this machine without a token that a token would let it do more', async () => {
    const { url } = await host({ loopbackRoles: ['gateway'] })
    expect((await fetch(`${url}/gate`)).status).toBe(200)
    const refused = await fetch(`${url}/analyst`)
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({
      error: { code: 'ROLE_MISSING', hint: expect.stringContaining('Bearer') as string },
    })
  })

  it('whose address is taken says so in one sentence and names the setting', async () => {
    const { url } = await host()
    const second = host({ listen: new URL(url).host })
    await expect(second).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('another process listens there') as string,
      hint: expect.stringContaining('MODELWARDEN_HTTP__LISTEN') as string,
    })
  })

  it('lets a caller through where a role fits, and says what is missing where none does', async () => {
    const { url } = await host()
    expect(await (await fetch(`${url}/gate`, bearer(gateway.token))).json()).toEqual({ caller: 'edge' })
    expect((await fetch(`${url}/analyst`, bearer(admin.token))).status).toBe(200)
    const refused = await fetch(`${url}/analyst`, bearer(gateway.token))
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: { code: 'ROLE_MISSING' } })
    const anonymous = await fetch(`${url}/gate`)
    expect(anonymous.status).toBe(401)
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer')
    expect(await anonymous.json()).toMatchObject({ error: { code: 'TOKEN_MISSING', hint: expect.any(String) } })
  })

  it('takes a token by its digest, and refuses one whose time is over, saying so', async () => {
    const { registry, telemetry } = createMetrics({ processMetrics: false })
    const digest = (text: string) => createHash('sha256').update(text).digest('hex')
    const made = await createHttpHost({
      http: { ...defaultConfig().http, listen: '127.0.0.1:0' },
      tokens: [
        {
          name: 'kept',
          sha256: digest('kept-token-0123456789'),
          roles: ['gateway'],
          expiresAt: '2999-01-01T00:00:00Z',
        },
        {
          name: 'over',
          sha256: digest('over-token-0123456789'),
          roles: ['gateway'],
          expiresAt: '2020-01-01T00:00:00Z',
        },
      ],
      shutdownGraceMs: 300,
      log: silentLog,
      telemetry,
      registry,
      health: () => ({}),
      bus: { publish: () => Promise.resolve() },
    })
    hosts.push(made)
    made.app.get('/gate', { config: { roles: ['gateway'] } }, (request) => ({ caller: request.caller.name }))
    const url = await made.start()
    expect(await (await fetch(`${url}/gate`, bearer('kept-token-0123456789'))).json()).toEqual({ caller: 'kept' })
    const over = await fetch(`${url}/gate`, bearer('over-token-0123456789'))
    expect(over.status).toBe(401)
    expect(await over.json()).toMatchObject({ error: { code: 'TOKEN_EXPIRED' } })
    // The digest itself lets nobody in.
    expect((await fetch(`${url}/gate`, bearer(digest('kept-token-0123456789')))).status).toBe(401)
  })

  it('refuses to mount a route of the API that does not say what it answers', async () => {
    const { made } = await host()
    expect(() => made.app.get('/v1/x', { config: { roles: ['admin'] } }, () => ({}))).toThrow()
  })

  it('says which methods a path has, and gives every answer an id', async () => {
    const { url } = await host()
    const answer = await fetch(`${url}/healthz`, { method: 'DELETE' })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toContain('GET')
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('answers too many headers in the form of all its errors', async () => {
    const { url } = await host()
    const answer = await fetch(`${url}/healthz`, { headers: { 'x-big': 'x'.repeat(20_000) } })
    expect(answer.status).toBe(431)
    expect(await answer.json()).toMatchObject({ error: { code: 'HEADERS_TOO_LARGE' } })
  })

  it('answers an address that can not be read in the form of all its errors, and repeats none of it', async () => {
    const { url } = await host()
    const answer = await fetch(`${url}/gate%ff-s3cret`)
    expect(answer.status).toBe(400)
    const body = await answer.text()
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'BAD_ADDRESS' } })
    expect(body).not.toContain('s3cret')
  })

  it('tells an address that keeps presenting wrong tokens to wait, and lets the right one in from there all the same', async () => {
    const { url } = await host({ refusalsPerMinuteMax: 3 })
    for (let n = 0; n < 3; n++) expect((await fetch(`${url}/gate`, bearer('wrong'))).status).toBe(401)
    const waiting = await fetch(`${url}/gate`, bearer('wrong'))
    expect(waiting.status).toBe(429)
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0)
    // Whoever shares the address, a proxy's or a NAT's, is not locked out by it.
    expect((await fetch(`${url}/gate`, bearer(gateway.token))).status).toBe(200)
    expect((await fetch(`${url}/gate`, bearer('wrong'))).status).toBe(429)
  })

  it('refuses a Host header that is not this machine’s, so that a rebound DNS name gains nothing', async () => {
    const { url } = await host({ allowedHosts: ['warden.example'] })
    expect(await withHost(`${url}/healthz`, 'evil.example')).toBe(421)
    expect(await withHost(`${url}/healthz`, 'warden.example:8471')).toBe(200)
    expect(await withHost(`${url}/healthz`, 'localhost:1')).toBe(200)
    expect(await withHost(`${url}/healthz`, '[::1]:1')).toBe(200)
  })

  it('grants what this machine may do to a local caller, not to a proxied one nor to a web page', async () => {
    const { url } = await host({ loopbackRoles: ['gateway'] })
    expect(await (await fetch(`${url}/gate`)).json()).toEqual({ caller: 'loopback' })
    expect((await fetch(`${url}/analyst`)).status).toBe(403)
    for (const headers of [
      { 'x-forwarded-for': '203.0.113.9' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expect((await fetch(`${url}/gate`, { headers: headers as Record<string, string> })).status).toBe(401)
    }
  })

  it.each([
    [{ listen: '0.0.0.0:0' }, [], 'HTTP_WITHOUT_TOKENS'],
    [{ listen: '0.0.0.0:0', loopbackRoles: ['gateway'] as const }, [admin], 'HTTP_LOOPBACK_ROLES'],
    [{}, [{ ...admin, token: 'short' }], 'HTTP_TOKEN_SHORT'],
  ])('refuses to open a door that nobody guards: %j', async (http, tokens, code) => {
    const { registry, telemetry } = createMetrics({ processMetrics: false })
    const opening = createHttpHost({
      http: { ...defaultConfig().http, ...http } as Config['http'],
      tokens,
      shutdownGraceMs: 100,
      log: silentLog,
      telemetry,
      registry,
      health: () => ({}),
      bus: { publish: () => Promise.resolve() },
    })
    await expect(opening).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      mistakes: [{ code, hint: expect.any(String) }],
    })
  })

  it('refuses to mount a route that does not say who may call it', async () => {
    const { registry, telemetry } = createMetrics({ processMetrics: false })
    const made = await createHttpHost({
      http: defaultConfig().http,
      tokens: [],
      shutdownGraceMs: 100,
      log: silentLog,
      telemetry,
      registry,
      health: () => ({}),
      bus: { publish: () => Promise.resolve() },
    })
    expect(() => made.app.get('/open', () => ({}))).toThrow('does not say who may call it')
  })

  it('answers errors as JSON that tells nothing of the inside', async () => {
    const { url } = await host({ bodyBytesMax: 100 })
    const bug = await (await fetch(`${url}/bug`)).text()
    expect(bug).toContain('INTERNAL')
    expect(bug).not.toContain('hunter2')
    const gone = await fetch(`${url}/gone`)
    expect([gone.status, await gone.json()]).toEqual([
      404,
      { error: { code: 'INCIDENT_UNKNOWN', message: 'There is no such incident.', hint: 'List them.' } },
    ])
    const post = (body: string, type = 'application/json') =>
      fetch(`${url}/echo`, {
        method: 'POST',
        body,
        headers: { ...bearer(gateway.token).headers, 'content-type': type },
      })
    expect(await (await post('{')).json()).toMatchObject({ error: { code: 'BODY_INVALID' } })
    expect(await (await post('{"key": s3cret}')).text()).not.toContain('s3cret')
    expect(await (await post('{"__proto__":{"a":1}}')).json()).toMatchObject({ error: { code: 'BODY_INVALID' } })
    expect(await (await post('"' + 'x'.repeat(200) + '"')).json()).toMatchObject({
      error: { code: 'BODY_TOO_LARGE', message: 'The body is larger than 100 bytes.' },
    })
    expect(await (await post('x', 'text/odd')).json()).toMatchObject({ error: { code: 'MEDIA_TYPE_UNKNOWN' } })
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
  })

  it('carries the security headers on every answer, errors included', async () => {
    const { url } = await host()
    for (const path of ['/healthz', '/nowhere', '/gate']) {
      const { headers } = await fetch(url + path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  it('is alive but not ready while a service starts, and neither when one has failed', async () => {
    const health: Record<string, Health> = { detect: { state: 'starting', summary: 'secret insides' } }
    const { url } = await host({}, health)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { ok: false, services: { detect: 'starting' } }])
    health['detect'] = { state: 'failed', summary: '' }
    expect((await fetch(`${url}/healthz`)).status).toBe(503)
    health['detect'] = { state: 'degraded', summary: '' }
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    health['detect'] = { state: 'degraded', summary: 'secret insides', unready: 'its last write failed' }
    const full = await fetch(`${url}/readyz`)
    expect([full.status, await full.json()]).toEqual([
      503,
      { ok: false, services: { detect: 'degraded' }, reasons: { detect: 'its last write failed' } },
    ])
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('tells its own requests as metrics by route, not by path', async () => {
    const { url } = await host()
    await fetch(`${url}/nowhere/1`)
    await fetch(`${url}/gate`, bearer(gateway.token))
    const text = await (await fetch(`${url}/metrics`)).text()
    expect(text).toContain('modelwarden_http_request_duration_seconds_count{method="GET",route="/gate",status="200"} 1')
    expect(text).not.toContain('/nowhere/1')
  })

  it('stops within the grace although a request hangs', async () => {
    const { url, made } = await host()
    const hanging = fetch(`${url}/slow`).catch((error: unknown) => error)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const started = Date.now()
    await made.stop()
    expect(Date.now() - started).toBeLessThan(2_000)
    await hanging
  })
})
