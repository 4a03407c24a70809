/**
 * Slack (`chat.postMessage`).
 *
 * Each message carries its idempotency key as metadata, so that after a crash the channel's history can tell whether it
 * arrived (needs the scope `channels:history` or `groups:history`, and a channel named by id; without them the answer is
 * "unknown"). Retries are respond's, not the client's: a rate limit comes back with the time that Slack asks for.
 * Promises: the token is in no error and no result.
 */
import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from '@slack/web-api'
import { z } from 'zod'
import { describeError } from '../../core/errors.ts'
import { maskSecrets } from '../../core/mask.ts'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
  type Verification,
} from '../../core/ports/connector.ts'
import { retryAfterMsMax, retryAfterMsOf } from '../deadline.ts'
import { messageArgs, plainLine } from '../notice-text.ts'
import { blocksOf, fallbackText } from './blocks.ts'

export interface SlackOptions {
  readonly token: string
  /** Where messages go that name no channel of their own; an id (`C…`) lets history be asked after a crash. */
  readonly channel: string
  readonly apiUrl: string
  readonly timeoutMs: number
}

const Args = z.strictObject({
  ...messageArgs,
  channel: z
    .string()
    .regex(/^[#A-Za-z0-9_-]{1,80}$/, 'Write a channel id, or a name like #security')
    .optional(),
})
type Args = z.infer<typeof Args>

const eventType = 'modelwarden_notice'
/** Messages of the channel's history looked at after a crash. */
const historyMax = 200
/** What Slack answers when it has trouble of its own (docs.slack.dev, errors of chat.postMessage). */
const passing = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'ratelimited',
  'rate_limited',
  'team_added_to_org',
])

export function createSlackConnector(options: SlackOptions): Connector {
  const send: ConnectorAction<Args> = {
    args: Args,
    destructive: false,
    once: 'readable',
    timeoutMs: options.timeoutMs,
    describe: (args) => `Post “${plainLine(args.headline, 120)}” to ${args.channel ?? options.channel}.`,
    target: (args) => `slack:${args.channel ?? options.channel}`,
    do: async (args, context) => {
      const channel = args.channel ?? options.channel
      try {
        const posted = await clientOf(options, context.signal).chat.postMessage({
          channel,
          text: fallbackText(args.headline, args.notice, context.possiblyRepeated),
          blocks: blocksOf(args.headline, args.notice, context.possiblyRepeated),
          metadata: {
            event_type: eventType,
            event_payload: { key: context.idempotencyKey, incident: args.notice.incidentId },
          },
          parse: 'none',
          mrkdwn: false,
          link_names: false,
          unfurl_links: false,
          unfurl_media: false,
        })
        return {
          summary: `Posted to ${channel}.`,
          details: { channel: posted.channel ?? channel, ts: posted.ts ?? '' },
        }
      } catch (error) {
        throw classify(error, options)
      }
    },
    verify: (args, context) => findInHistory(options, args.channel ?? options.channel, context),
  }
  return {
    name: 'slack',
    actions: { send },
    probe: async () => {
      try {
        const { team, user } = await clientOf(options, AbortSignal.timeout(options.timeoutMs)).auth.test()
        return { ok: true, summary: `Slack knows us as ${user ?? '?'} of ${team ?? '?'}.` }
      } catch (error) {
        return { ok: false, summary: classify(error, options).message }
      }
    },
  }
}

/** Whether the channel's latest messages hold one with our key. */
async function findInHistory(options: SlackOptions, channel: string, context: ConnectorContext): Promise<Verification> {
  try {
    const history = await clientOf(options, context.signal).conversations.history({
      channel,
      limit: historyMax,
      include_all_metadata: true,
    })
    const messages = history.messages ?? []
    const ours = messages.find(({ metadata }) => {
      const payload = metadata?.event_payload as Readonly<Record<string, unknown>> | undefined
      return metadata?.event_type === eventType && payload?.['key'] === context.idempotencyKey
    })
    if (ours !== undefined)
      return { state: 'done', summary: `Slack has it in ${channel}.`, details: { channel, ts: ours.ts ?? '' } }
    if (history.has_more === true)
      return { state: 'unknown', summary: `It is not among the last ${historyMax} messages of ${channel}.` }
    return { state: 'not-done', summary: `Slack does not have it in ${channel}.` }
  } catch (error) {
    const failure = classify(error, options)
    if (failure instanceof ConnectorUnavailableError) throw failure
    return { state: 'unknown', summary: `Slack's history can't be read: ${failure.message}` }
  }
}

/** A client for one call, which ends when the call's signal says so. */
function clientOf(options: SlackOptions, signal: AbortSignal): WebClient {
  return new WebClient(options.token, {
    slackApiUrl: options.apiUrl,
    allowAbsoluteUrls: false,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logLevel: LogLevel.ERROR,
    logger: silent,
    fetch: (url, init) => fetch(url, { ...init, signal }),
  })
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined,
}

function classify(error: unknown, { token }: SlackOptions): ConnectorUnavailableError | ConnectorRefusedError {
  const said = plainLine(maskSecrets(describeError(error).replaceAll(token, '[masked]')), 300)
  if (error instanceof WebAPIRateLimitedError) {
    const retryAfterMs = Math.min(error.retryAfter * 1_000, retryAfterMsMax)
    return new ConnectorUnavailableError(`Slack asks to wait ${error.retryAfter} s.`, {
      retryAfterMs,
      maybeDone: false,
    })
  }
  if (error instanceof WebAPIPlatformError) {
    const reason = plainLine(error.data.error, 100)
    if (passing.has(reason)) return new ConnectorUnavailableError(`Slack has trouble: ${reason}.`)
    return new ConnectorRefusedError(`Slack refuses: ${reason}.`)
  }
  if (error instanceof WebAPIHTTPError) {
    const retryAfterMs = retryAfterMsOf(error.headers['retry-after'], Date.now())
    const options = retryAfterMs === undefined ? {} : { retryAfterMs }
    if (error.statusCode >= 500 || error.statusCode === 429 || error.statusCode === 408)
      return new ConnectorUnavailableError(`Slack answers ${error.statusCode}.`, options)
    return new ConnectorRefusedError(`Slack answers ${error.statusCode}.`)
  }
  if (error instanceof WebAPIRequestError) {
    const code = connectCode(error.original)
    return new ConnectorUnavailableError(`Slack can't be reached: ${code ?? said}`, { maybeDone: code === undefined })
  }
  return new ConnectorUnavailableError(`Slack can't be reached: ${said}`)
}

/** The code of a failure to connect at all: nothing was sent then. */
function connectCode(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    if (
      typeof code === 'string' &&
      /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
    )
      return code
  }
  return undefined
}
