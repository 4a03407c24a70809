/**
 * Signed webhooks, as Standard Webhooks 1.0 lays down (github.com/standard-webhooks/standard-webhooks): headers
 * `webhook-id` (the idempotency key, by which a receiver drops repeats), `webhook-timestamp` and `webhook-signature`
 * (`v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`).
 *
 * Promises: only public https addresses unless the configuration says otherwise (guard.ts); no redirect is followed; time
 * and size of the answer are bounded; neither secret nor the path of the address is in an error.
 */
import { createHmac } from 'node:crypto'
import { Agent, request } from 'undici'
import { z } from 'zod'
import { describeError } from '../../core/errors.ts'
import { maskSecrets } from '../../core/mask.ts'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
} from '../../core/ports/connector.ts'
import { retryAfterMsOf } from '../deadline.ts'
import { messageArgs, plainLine } from '../notice-text.ts'
import { AddressGuard, type GuardOptions, type Resolve } from './guard.ts'

export interface WebhookOptions extends GuardOptions {
  /** By name; a playbook that names none means `default`. */
  readonly endpoints: Readonly<Record<string, WebhookEndpoint>>
  readonly timeoutMs: number
  readonly resolve?: Resolve
}

export interface WebhookEndpoint {
  readonly url: string
  /** `whsec_` and base64, or plain text. */
  readonly secret: string
}

const Args = z.strictObject({ ...messageArgs, endpoint: z.string().max(64).default('default') })
type Args = z.infer<typeof Args>

const answerBytesMax = 16 * 1024

export function createWebhookConnector(options: WebhookOptions): Connector {
  const guard = new AddressGuard(options, options.resolve)
  const agent = new Agent({
    connect: { lookup: guard.lookup, timeout: options.timeoutMs, ALPNProtocols: ['http/1.1'] },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    maxResponseSize: answerBytesMax,
    maxHeaderSize: answerBytesMax,
    connections: 4,
    allowH2: false,
  })
  const endpointOf = (name: string): WebhookEndpoint => {
    const endpoint = Object.hasOwn(options.endpoints, name) ? options.endpoints[name] : undefined
    if (endpoint === undefined)
      throw new ConnectorRefusedError(`No webhook is configured under the name “${plainLine(name, 64)}”.`)
    return endpoint
  }
  const send: ConnectorAction<Args> = {
    args: Args,
    destructive: false,
    once: 'key',
    timeoutMs: options.timeoutMs,
    describe: (args) => `Deliver “${plainLine(args.headline, 120)}” to the webhook ${plainLine(args.endpoint, 64)}.`,
    target: (args) => `webhook:${args.endpoint}`,
    do: async (args, context) => {
      const endpoint = endpointOf(args.endpoint)
      const url = new URL(endpoint.url)
      guard.checkUrl(url)
      const status = await deliver(agent, url, endpoint, payloadOf(args), context)
      return {
        summary: `Delivered to the webhook ${plainLine(args.endpoint, 64)} (${status}).`,
        details: { status, host: url.host },
      }
    },
  }
  return {
    name: 'webhook',
    actions: { send },
    probe: async () => {
      // A webhook has nothing harmless to ask: what can be told is whether its addresses are well formed and allowed.
      try {
        for (const { url } of Object.values(options.endpoints)) guard.checkUrl(new URL(url))
        return { ok: true, summary: `${Object.keys(options.endpoints).length} webhook addresses are allowed.` }
      } catch (error) {
        return { ok: false, summary: describeError(error) }
      }
    },
    close: () => agent.close(),
  }
}

function payloadOf(args: Args): string {
  return JSON.stringify({
    type: args.notice.approval === undefined ? 'incident.notice' : 'incident.approval',
    headline: args.headline,
    data: args.notice,
  })
}

async function deliver(
  agent: Agent,
  url: URL,
  endpoint: WebhookEndpoint,
  payload: string,
  context: ConnectorContext,
): Promise<number> {
  const timestamp = Math.floor(Date.now() / 1_000)
  let answer: Awaited<ReturnType<typeof request>>
  try {
    answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      signal: context.signal,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'modelwarden',
        'webhook-id': context.idempotencyKey,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureOf(endpoint.secret, context.idempotencyKey, timestamp, payload),
        'modelwarden-attempt': String(context.attempt),
      },
      body: payload,
    })
  } catch (error) {
    throw classify(error, url)
  }
  // What it says beyond its status is nobody's business; reading it frees the connection.
  await answer.body.dump({ limit: answerBytesMax }).catch(() => undefined)
  const status = answer.statusCode
  if (status >= 200 && status < 300) return status
  const asked = answer.headers['retry-after']
  const retryAfterMs = retryAfterMsOf(Array.isArray(asked) ? asked[0] : asked, Date.now())
  if (status >= 500 || status === 429 || status === 408 || status === 425) {
    throw new ConnectorUnavailableError(`${url.host} answers ${status}.`, {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      maybeDone: status !== 429,
    })
  }
  if (status >= 300 && status < 400)
    throw new ConnectorRefusedError(`${url.host} redirects (${status}); redirects are not followed.`)
  throw new ConnectorRefusedError(`${url.host} refuses the delivery with ${status}.`)
}

/** `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`. */
export function signatureOf(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret, 'utf8')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

const beforeSending =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_CERT_ALTNAME_INVALID|CERT_HAS_EXPIRED|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/

function classify(error: unknown, url: URL): Error {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof ConnectorRefusedError) return cause
  const { code } = error as { code?: unknown }
  const nothingSent = typeof code === 'string' && beforeSending.test(code)
  const said =
    typeof code === 'string' ? code : plainLine(maskSecrets(describeError(error).replaceAll(url.href, url.host)), 200)
  return new ConnectorUnavailableError(`${url.host} can't be reached: ${said}`, { maybeDone: !nothingSent })
}
