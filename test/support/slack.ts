/**
 * Slack's Web API, as far as the product uses it, on loopback. Answers as Slack documents `auth.test`,
 * `chat.postMessage`, `chat.update` and `conversations.history` (docs.slack.dev/reference/methods), its errors with
 * status 200, and its rate limit with 429 and Retry-After in seconds (docs.slack.dev/apis/web-api/rate-limits).
 */
import { startHttpReceiver, type Answer, type ReceivedRequest } from './http-receiver.ts'

const token = 'xoxb-test-token'

export interface SlackCall {
  /** `chat.postMessage` and so on. */
  readonly method: string
  /** The arguments; blocks, attachments and metadata parsed. */
  readonly args: Readonly<Record<string, unknown>>
  readonly authorized: boolean
}

export interface Slack {
  /** For the client's `slackApiUrl`; ends in `/api/`. */
  readonly url: string
  /** The bot token that is accepted. */
  readonly token: string
  /** Every call, also those answered with an error. */
  readonly calls: readonly SlackCall[]
  /** What stands in the channels: the calls of `chat.postMessage` that were accepted, with their `ts`. */
  readonly messages: readonly { readonly ts: string; readonly args: SlackCall['args'] }[]
  /** Answers the next `times` calls with 429. */
  rateLimit(times: number, retryAfterSeconds: number): void
  /** Answers the next `times` calls with `{"ok":false,"error":…}`: `channel_not_found`, `invalid_auth`, … */
  failWith(error: string, times?: number): void
  /** Accepts the next message and breaks the connection before answering: the caller can't know. */
  hangUpAfterNextMessage(): void
  close(): Promise<void>
}

export interface SlackOptions {
  /** Messages are answered so much later. */
  readonly delayMs?: number
  /** A message stands in its channel, and the sender does not know yet. */
  readonly onMessage?: () => void
}

export async function startSlack({ delayMs = 0, onMessage }: SlackOptions = {}): Promise<Slack> {
  const calls: SlackCall[] = []
  const messages: { ts: string; args: SlackCall['args'] }[] = []
  const planned: Answer[] = []
  let hangUp = false

  const accept = ({ method, args, authorized }: SlackCall): Answer => {
    if (!authorized) return failure('invalid_auth')
    switch (method) {
      case 'auth.test':
        return ok({
          url: 'https://workspace.slack.com/',
          team: 'Workspace',
          user: 'modelwarden',
          team_id: 'T0000000001',
          user_id: 'U0000000001',
          bot_id: 'B0000000001',
        })
      case 'chat.postMessage': {
        if (typeof args['channel'] !== 'string') return failure('channel_not_found')
        if (!args['text'] && !args['blocks'] && !args['attachments']) return failure('no_text')
        const ts = `${Math.floor(Date.now() / 1000)}.${String(messages.length + 1).padStart(6, '0')}`
        messages.push({ ts, args })
        const message = { type: 'message', text: args['text'] ?? '', bot_id: 'B0000000001', ts }
        const answer = { ...ok({ channel: args['channel'], ts, message }), delayMs }
        onMessage?.()
        if (!hangUp) return answer
        hangUp = false
        return { ...answer, hangUp: true }
      }
      case 'chat.update': {
        const message = messages.find((each) => each.ts === args['ts'])
        if (message === undefined) return failure('message_not_found')
        message.args = { ...message.args, ...args }
        return ok({ channel: args['channel'], ts: message.ts, text: args['text'] })
      }
      case 'conversations.history': {
        const limit = Number(args['limit'] ?? 100)
        const found = messages.filter((each) => each.args['channel'] === args['channel']).reverse()
        const shown = found
          .slice(0, limit)
          .map(({ ts, args: { text, metadata } }) => ({ type: 'message', ts, text, metadata }))
        return ok({ messages: shown, has_more: found.length > limit })
      }
      default:
        return failure('unknown_method')
    }
  }

  const receiver = await startHttpReceiver((request) => {
    const call = slackCall(request)
    calls.push(call)
    return planned.shift() ?? accept(call)
  })

  return {
    url: `${receiver.url}/api/`,
    token,
    calls,
    messages,
    rateLimit: (times, retryAfterSeconds) => {
      const limited = {
        status: 429,
        headers: { 'retry-after': String(retryAfterSeconds) },
        body: { ok: false, error: 'ratelimited' },
      }
      planned.push(...Array.from({ length: times }, () => limited))
    },
    failWith: (error, times = 1) => {
      planned.push(...Array.from({ length: times }, () => failure(error)))
    },
    hangUpAfterNextMessage: () => {
      hangUp = true
    },
    close: () => receiver.close(),
  }
}

function ok(body: Readonly<Record<string, unknown>>): Answer {
  return { status: 200, body: { ok: true, ...body } }
}

function failure(error: string): Answer {
  return { status: 200, body: { ok: false, error } }
}

function slackCall({ path, headers, body }: ReceivedRequest): SlackCall {
  const isJson = headers['content-type']?.startsWith('application/json') === true
  const args: Record<string, unknown> = isJson
    ? (JSON.parse(body) as Record<string, unknown>)
    : Object.fromEntries(new URLSearchParams(body))
  // In a form, structured arguments are JSON in a field.
  for (const name of ['blocks', 'attachments', 'metadata']) {
    const value = args[name]
    if (typeof value === 'string') args[name] = JSON.parse(value) as unknown
  }
  const bearer = headers.authorization?.replace(/^Bearer /, '')
  return { method: path.replace(/^\/api\//, ''), args, authorized: (bearer ?? args['token']) === token }
}
