/**
 * Envoy's contract for an HTTP authorization service: requests as its ext_authz filter sends them (method, path behind the
 * prefix, the client's host and authorization, Content-Length 0 or a buffered body), answers as it reads them (200 passes,
 * another status but 5xx is the client's answer).
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_authz/v3/ext_authz.proto
 */
import { request as send, type IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sha256Hex } from '../../../core/ids.ts'
import { credentialRecord, idOf, licenseRecord, startLicensing } from '../../support/licensing.ts'

const secret = 'sk-acme-bob-0123456789'
const gateway = 'gateway-token-0123456789'
let running: Awaited<ReturnType<typeof startLicensing>>

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}
interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What Envoy sends for its client's request. */
function envoy({ method = 'POST', path = '/v1/chat/completions', headers = {}, body }: Asked = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const all = {
      host: 'api.example.com',
      'x-modelwarden-token': gateway,
      'content-length': String(body === undefined ? 0 : Buffer.byteLength(body)),
      ...headers,
    }
    const { hostname, port } = new URL(running.url)
    // As it is: a URL object would resolve the dots in it.
    const target = { hostname, port, path: `/v1/ext-authz${path}`, method, headers: all, setHost: false }
    const sent = send(target, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
const key = (value = secret) => ({ authorization: `Bearer ${value}`, 'x-modelwarden-model': 'llm-7b' })

beforeAll(async () => {
  running = await startLicensing({ services: ['authorize'], config: { http: { trustedProxies: ['127.0.0.1'] } } })
  await running.bus.publish([
    licenseRecord({ id: 'acme-api', models: ['llm-*'] }),
    licenseRecord({ id: 'narrow', models: ['*'], addresses: ['203.0.113.0/24'], countries: ['DE'] }),
    licenseRecord({ id: 'slow', models: ['*'], requestsPerMinuteMax: 1 }),
    licenseRecord({ id: 'leased', models: ['*'], concurrencyMax: 5, tier: 'watched' }),
    credentialRecord({ id: idOf(secret), principal: 'acme/böb\r\nset-cookie: a=b' }),
    credentialRecord({ id: idOf('sk-revoked') }, { state: 'revoked' }),
    credentialRecord({ id: idOf('sk-narrow'), licenseId: 'narrow' }),
    credentialRecord({ id: idOf('sk-slow'), licenseId: 'slow' }),
    credentialRecord({ id: idOf('sk-leased'), licenseId: 'leased' }),
    credentialRecord({ id: idOf(sha256Hex('sk-hashed')) }, { state: 'suspended' }),
  ])
  await vi.waitFor(async () => expect((await envoy({ headers: key() })).status).toBe(200))
})
afterAll(() => running.stop())

describe('Envoy’s external authorization over HTTP', () => {
  it('lets through with 200 and tells the model’s server who calls, in headers that are safe to pass on', async () => {
    const { status, headers, text } = await envoy({ headers: key() })
    expect({ status, text }).toEqual({ status: 200, text: '' })
    expect(headers).toMatchObject({
      'x-modelwarden-decision': 'allow',
      'x-modelwarden-code': 'OK',
      'x-modelwarden-tenant': 'acme',
      'x-modelwarden-principal': 'acme/b%C3%B6b%0D%0Aset-cookie:%20a=b',
      'x-modelwarden-obligations': '',
    })
    expect(headers['set-cookie']).toBeUndefined()
  })

  it('answers every method and path, as the client’s are passed on', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      expect((await envoy({ method, headers: key() })).status).toBe(200)
    }
    for (const path of [
      '',
      '/',
      '/a//b',
      '/x?y=1&z=%20',
      '/%C3%A4',
      `/${'p'.repeat(2_000)}`,
      '/../../v1/authorize?',
      '/..%2f..%2f',
    ]) {
      expect((await envoy({ path, headers: key() })).status).toBe(200)
    }
  })

  it('answers 401 without a key, and with two different ones', async () => {
    const none = await envoy({})
    expect(none.status).toBe(401)
    expect(none.headers['www-authenticate']).toBe('Bearer')
    expect(JSON.parse(none.text)).toMatchObject({ error: { code: 'CREDENTIAL_MISSING' } })
    for (const authorization of ['', 'Bearer', 'Bearer  ', 'Basic dTpw']) {
      expect((await envoy({ headers: { authorization } })).status).toBe(401)
    }
    const two = await envoy({ headers: { ...key(), 'x-api-key': 'another' } })
    expect(JSON.parse(two.text)).toMatchObject({ error: { code: 'CREDENTIAL_AMBIGUOUS' } })
    expect((await envoy({ headers: { ...key(), 'x-api-key': secret } })).status).toBe(200)
    expect((await envoy({ headers: { 'x-api-key': secret, 'x-modelwarden-model': 'llm-7b' } })).status).toBe(200)
    expect((await envoy({ headers: { 'api-key': secret, 'x-modelwarden-model': 'llm-7b' } })).status).toBe(200)
  })

  it('answers 403 with the reason, and nothing about whose key it is', async () => {
    for (const [given, code] of [
      ['sk-unknown', 'CREDENTIAL_UNKNOWN'],
      ['sk-revoked', 'CREDENTIAL_REVOKED'],
      ['sk-hashed', 'CREDENTIAL_SUSPENDED'],
    ] as const) {
      const { status, headers, text } = await envoy({ headers: key(given) })
      expect(status).toBe(403)
      expect(headers['x-modelwarden-code']).toBe(code)
      expect(JSON.parse(text)).toEqual({ error: { code, message: expect.any(String) } })
      expect(Object.keys(headers).filter((name) => /tenant|principal/.test(name))).toEqual([])
      expect(text).not.toContain(given)
    }
  })

  it('answers 429 with Retry-After where a cap is reached', async () => {
    expect((await envoy({ headers: key('sk-slow') })).status).toBe(200)
    const { status, headers, text } = await envoy({ headers: key('sk-slow') })
    expect(status).toBe(429)
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'RATE_EXCEEDED' } })
  })

  it('hands the lease and the obligations on, and the lease can be closed by its id', async () => {
    const { headers } = await envoy({ headers: key('sk-leased') })
    expect(headers['x-modelwarden-obligations']).toBe('report-usage,observe')
    const usage = { lease: headers['x-modelwarden-lease'], inputTokens: 3, outputTokens: 4 }
    expect((await running.call('edge', 'POST', '/v1/usage', usage)).body).toEqual({ closed: true, counted: true })
  })

  it('finds the model in the gateway’s header, the body or the path, and believes neither where two differ', async () => {
    const authorization = `Bearer ${secret}`
    const json = { authorization, 'content-type': 'application/json' }
    const status = async (asked: Asked) => (await envoy(asked)).status
    expect(await status({ headers: json, body: '{"model":"llm-7b","messages":[]}' })).toBe(200)
    expect(await status({ headers: json, body: '{"model":"secret-model"}' })).toBe(403)
    expect(
      await status({ headers: { ...json, 'x-modelwarden-model': 'llm-7b' }, body: '{"model":"secret-model"}' }),
    ).toBe(200)
    expect(await status({ headers: { authorization }, path: '/openai/deployments/llm-7b/chat/completions' })).toBe(200)
    expect(await status({ headers: { authorization }, path: '/v1beta/models/llm-7b:generateContent' })).toBe(200)
    expect(await status({ headers: { authorization }, path: '/model/secret/invoke' })).toBe(403)
    expect(await status({ headers: json, path: '/openai/deployments/secret/chat', body: '{"model":"llm-7b"}' })).toBe(
      403,
    )
    expect(await status({ headers: json, path: '/openai/deployments/llm-7b/chat', body: '{"model":"secret"}' })).toBe(
      403,
    )
    expect(await status({ headers: { authorization } })).toBe(403)
  })

  it('believes no model where the model’s server may read path or body otherwise', async () => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    for (const path of [
      '/v1//models//secret:generate',
      '/v1/%6Dodels/secret:generate',
      '/v1%2Fmodels%2Fsecret',
      '/v1/Models/secret',
      '/v1/models\\secret',
      '/v1/models/llm-7b/../../chat/completions',
      '/v1/models/llm-7b/%2e%2e/secret',
    ]) {
      expect([path, (await envoy({ headers, path, body: '{"model":"llm-7b"}' })).status]).toEqual([path, 403])
    }
    expect((await envoy({ headers, body: '{"model":"llm-7b","Model":"secret"}' })).status).toBe(403)
  })

  it('takes any body, and no more of it than it may', async () => {
    const headers = { ...key() }
    const bodies: readonly [string | undefined, string | Buffer][] = [
      ['application/json', ''],
      ['application/json', '{"model":'],
      ['application/json', '{"__proto__":{"model":"x"}}'],
      ['application/json', '[1]'],
      ['multipart/form-data; boundary=x', Buffer.from([0, 255, 254])],
      ['text/weird', 'x'],
      [undefined, 'x'],
      ['application/json', Buffer.alloc(3_000_000, 32)],
    ]
    for (const [type, body] of bodies) {
      const typed = type === undefined ? headers : { ...headers, 'content-type': type }
      expect((await envoy({ headers: typed, body })).status).toBe(200)
    }
    const cut = {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'x-envoy-auth-partial-body': 'true',
    }
    expect((await envoy({ headers: cut, body: '{"model":"llm-7b","messages":["cut o' })).status).toBe(403)
    const long = `{"model":"llm-7b","pad":"${'x'.repeat(100_000)}"}`
    expect((await envoy({ headers: cut, body: long })).status).toBe(403)
  })

  it('holds the client’s address and country against the license, not Envoy’s own', async () => {
    const ask = async (headers: Record<string, string>) => {
      const answer = await envoy({ headers: { ...key('sk-narrow'), 'x-modelwarden-country': 'de', ...headers } })
      return answer.headers['x-modelwarden-code']
    }
    expect(await ask({})).toBe('ADDRESS_NOT_ALLOWED')
    expect(await ask({ 'x-envoy-external-address': '203.0.113.9' })).toBe('OK')
    expect(await ask({ 'x-forwarded-for': '203.0.113.9' })).toBe('OK')
    // The last entry is the one that Envoy has seen; those before it are the client's own word.
    expect(await ask({ 'x-forwarded-for': '203.0.113.9, 198.51.100.1' })).toBe('ADDRESS_NOT_ALLOWED')
    expect(await ask({ 'x-forwarded-for': '203.0.113.9', 'x-envoy-external-address': '198.51.100.1' })).toBe(
      'ADDRESS_NOT_ALLOWED',
    )
    expect(await ask({ 'x-envoy-external-address': '203.0.113.9', 'x-modelwarden-country': 'fr' })).toBe(
      'COUNTRY_NOT_ALLOWED',
    )
  })

  it('takes the gateway’s own token from its header only: the client’s key opens nothing', async () => {
    expect((await envoy({ headers: { ...key(), 'x-modelwarden-token': 'wrong-token-0123456789' } })).status).toBe(401)
    expect((await envoy({ headers: { ...key(), 'x-modelwarden-token': 'analyst-token-0123456789' } })).status).toBe(403)
    const asGateway = await envoy({ headers: { authorization: `Bearer ${gateway}`, 'x-modelwarden-model': 'm' } })
    expect(JSON.parse(asGateway.text)).toMatchObject({ error: { code: 'CREDENTIAL_UNKNOWN' } })
  })
})
