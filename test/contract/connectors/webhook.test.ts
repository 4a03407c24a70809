import type { LookupAddress } from 'node:dns'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AddressGuard, type Resolve } from '../../../connectors/webhook/guard.ts'
import { createWebhookConnector, signatureOf, type WebhookOptions } from '../../../connectors/webhook/webhook.ts'
import type { ConnectorContext } from '../../../core/ports/connector.ts'
import { startWebhook, type Webhook } from '../../support/webhook.ts'
import { message } from './message.ts'
import { closedPort, connectorContract } from './suite.ts'

const secret = `whsec_${Buffer.from('a signing key of some length....').toString('base64')}`
const optionsFor = (url: string, changes: Partial<WebhookOptions> = {}): WebhookOptions => ({
  endpoints: { default: { url, secret } },
  allowHttp: true,
  allowAddresses: ['127.0.0.1'],
  timeoutMs: 5_000,
  ...changes,
})
const context = (key = 'key1'): ConnectorContext => ({
  idempotencyKey: key,
  attempt: 1,
  possiblyRepeated: false,
  signal: AbortSignal.timeout(5_000),
})

connectorContract('webhook', async () => {
  const webhook = await startWebhook({ secret })
  return {
    connector: createWebhookConnector(optionsFor(`${webhook.url}?token=path-secret`)),
    unreachable: createWebhookConnector(optionsFor(`http://127.0.0.1:${await closedPort()}/hook?token=path-secret`)),
    unwelcome: createWebhookConnector({
      ...optionsFor(webhook.url),
      endpoints: { default: { url: webhook.url, secret: 'another-secret' } },
    }),
    action: 'send',
    args: message,
    secrets: [secret, secret.slice('whsec_'.length), 'path-secret', 'another-secret'],
    // A receiver of Standard Webhooks drops what it has: it goes by webhook-id.
    effects: (key) => new Set(webhook.accepted.filter(({ id }) => id === key).map(({ id }) => id)).size,
    failNext: (how) => {
      webhook.failNext(1, how === 'passing' ? 503 : 422)
    },
    close: () => webhook.close(),
  }
})

describe('a delivery', () => {
  let webhook: Webhook
  beforeAll(async () => {
    webhook = await startWebhook({ secret })
  })
  afterAll(() => webhook.close())

  const send = async (changes: Partial<WebhookOptions> = {}, key = 'key1') => {
    const connector = createWebhookConnector(optionsFor(webhook.url, changes))
    try {
      return await connector.actions['send']?.do({ ...message, endpoint: 'default' }, context(key))
    } finally {
      await connector.close?.()
    }
  }

  test('carries the notice, signed as Standard Webhooks lays down', async () => {
    await send({}, 'signed')
    const delivery = webhook.accepted.find(({ id }) => id === 'signed')
    expect(delivery?.signed).toBe(true)
    expect(delivery?.json).toMatchObject({
      type: 'incident.notice',
      headline: message.headline,
      data: { incidentId: 'incident-1' },
    })
  })

  test('the signature is the one of the specification’s own example', () => {
    // github.com/standard-webhooks/standard-webhooks, spec: "Verifying signatures".
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
    const signature = signatureOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', id, 1_614_265_330, '{"test": 2432232314}')
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  test('asked to wait, it says how long', async () => {
    webhook.failNext(1, 429, 3)
    await expect(send()).rejects.toMatchObject({ retryable: true, retryAfterMs: 3_000, maybeDone: false })
  })

  test('a broken connection may have delivered', async () => {
    webhook.hangUpNext(1)
    await expect(send()).rejects.toMatchObject({ retryable: true, maybeDone: true })
  })

  test.each([301, 302, 307, 308])('a redirect (%i) is not followed', async (status) => {
    let followed = 0
    const server = createServer((request, response) => {
      if (request.url === '/elsewhere') followed++
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    const url = await listen(server)
    await expect(send({ endpoints: { default: { url, secret } } })).rejects.toMatchObject({ code: 'CONNECTOR_REFUSED' })
    expect(followed).toBe(0)
    server.close()
  })

  test('an endless answer is cut off', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'.repeat(16_384)), 1)
      response.on('close', () => {
        clearInterval(timer)
      })
    })
    const url = await listen(server)
    const startedMs = performance.now()
    await Promise.resolve(send({ endpoints: { default: { url, secret } } })).catch(() => undefined)
    expect(performance.now() - startedMs).toBeLessThan(3_000)
    server.closeAllConnections()
    server.close()
  })
})

describe('the guard against forged destinations', () => {
  const strict = new AddressGuard({ allowHttp: false, allowAddresses: [] })
  const refusal = (url: string): string | undefined => {
    try {
      strict.checkUrl(new URL(url))
      return undefined
    } catch (error) {
      return (error as { code?: string }).code
    }
  }

  test.each([
    'http://example.org/',
    'ftp://example.org/',
    'file:///etc/passwd',
    'https://user:password@example.org/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://[fe80::1]/',
    'https://[fd00:ec2::254]/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[ff02::1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://192.0.2.1/',
    'https://198.18.0.1/',
    'https://[::127.0.0.1]/',
    'https://[::2]/',
    'https://[4000::1]/',
    'https://168.63.129.16/',
  ])('%s is refused', (url) => {
    expect(refusal(url)).toBe('CONNECTOR_REFUSED')
  })

  test.each(['https://example.org/', 'https://93.184.215.14/', 'https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/'])(
    '%s is not',
    (url) => {
      expect(refusal(url)).toBeUndefined()
    },
  )

  test('a block that the configuration names is allowed, and nothing beside it', () => {
    const guard = new AddressGuard({ allowHttp: false, allowAddresses: ['10.1.0.0/16', '::1'] })
    expect(
      ['10.1.2.3', '::ffff:10.1.2.3', '::1', '10.2.0.1', '127.0.0.1', 'nonsense'].map((each) => guard.allows(each)),
    ).toEqual([true, true, true, false, false, false])
  })

  test('a name that stands for an inner address, among others or alone, is not connected to', async () => {
    let connections = 0
    const server = createServer((_request, response) => {
      connections++
      response.end()
    })
    const { port } = new URL(await listen(server))
    const answers: LookupAddress[][] = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '93.184.215.14', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
      [],
    ]
    for (const addresses of answers) {
      const resolve: Resolve = (_name, done) => {
        done(null, addresses)
      }
      const url = `http://rebind.example:${port}/`
      const connector = createWebhookConnector(optionsFor(url, { allowAddresses: [], resolve }))
      await expect(connector.actions['send']?.do({ ...message, endpoint: 'default' }, context())).rejects.toMatchObject(
        { code: 'CONNECTOR_REFUSED' },
      )
      await connector.close?.()
    }
    expect(connections).toBe(0)
    server.close()
  })

  test('a name that changes its answer after the check gains nothing: it is resolved once, and connected to as resolved', async () => {
    const webhook = await startWebhook({ secret })
    const { port } = new URL(webhook.url)
    let asked = 0
    const resolve: Resolve = (_name, done) => {
      asked++
      done(null, [{ address: asked === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }])
    }
    const connector = createWebhookConnector(optionsFor(`http://rebind.example:${port}/hook`, { resolve }))
    await connector.actions['send']?.do({ ...message, endpoint: 'default' }, context())
    expect(asked).toBe(1)
    expect(webhook.accepted).toHaveLength(1)
    await connector.close?.()
    await webhook.close()
  })
})

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
