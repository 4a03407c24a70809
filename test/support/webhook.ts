/**
 * A webhook's receiving end: checks the signature as Standard Webhooks 1.0 lays down (headers webhook-id,
 * webhook-timestamp, webhook-signature: `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`), keeps what it got, and
 * fails on demand.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { startHttpReceiver, type Answer, type ReceivedRequest } from './http-receiver.ts'

const toleranceSecondsMax = 5 * 60

export interface WebhookDelivery extends ReceivedRequest {
  readonly json: unknown
  /** The delivery's own id: the same for every attempt. */
  readonly id: string | undefined
  readonly signed: boolean
}

export interface Webhook {
  readonly url: string
  /** Every delivery, also refused and failed ones. */
  readonly deliveries: readonly WebhookDelivery[]
  /** Those that were signed well and answered with 204. */
  readonly accepted: readonly WebhookDelivery[]
  /** Answers the next `times` deliveries with this status, and Retry-After if given. */
  failNext(times: number, status?: number, retryAfterSeconds?: number): void
  /** Takes the next `times` deliveries and breaks the connection before answering. */
  hangUpNext(times: number): void
  /** Answers the next delivery this much later. */
  delayNext(delayMs: number): void
  close(): Promise<void>
}

export interface WebhookOptions {
  /** `whsec_` and base64, or plain text. Without one every delivery is accepted unchecked. */
  readonly secret?: string
  /** Every answer comes so much later. */
  readonly delayMs?: number
  /** A delivery was accepted, and the sender does not know yet. */
  readonly onAccepted?: () => void
}

export async function startWebhook({ secret, delayMs = 0, onAccepted }: WebhookOptions = {}): Promise<Webhook> {
  const deliveries: WebhookDelivery[] = []
  const accepted: WebhookDelivery[] = []
  const planned: Partial<Answer>[] = []

  const receiver = await startHttpReceiver((request) => {
    const signed = secret !== undefined && signatureHolds(request, secret)
    const delivery = { ...request, json: parsed(request.body), id: header(request, 'webhook-id'), signed }
    deliveries.push(delivery)
    if (secret !== undefined && !signed) return { status: 401, body: 'signature' }
    const answer: Answer = { status: 204, delayMs, ...planned.shift() }
    if (answer.status !== 204) return answer
    accepted.push(delivery)
    onAccepted?.()
    return answer
  })

  const plan = (times: number, answer: Partial<Answer>) => {
    planned.push(...Array.from({ length: times }, () => answer))
  }
  return {
    url: `${receiver.url}/hook`,
    deliveries,
    accepted,
    failNext: (times, status = 503, retryAfterSeconds) => {
      plan(times, { status, headers: retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` } })
    },
    hangUpNext: (times) => {
      plan(times, { hangUp: true })
    },
    delayNext: (delayMs) => {
      plan(1, { delayMs })
    },
    close: () => receiver.close(),
  }
}

function signatureHolds(request: ReceivedRequest, secret: string): boolean {
  const timestamp = header(request, 'webhook-timestamp') ?? ''
  if (Math.abs(request.receivedMs / 1000 - Number(timestamp)) > toleranceSecondsMax) return false
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
  const content = `${header(request, 'webhook-id') ?? ''}.${timestamp}.${request.body}`
  const expected = createHmac('sha256', key).update(content).digest()
  // While a secret is being changed, a delivery carries a signature for each.
  return (header(request, 'webhook-signature') ?? '').split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

function header(request: ReceivedRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}
