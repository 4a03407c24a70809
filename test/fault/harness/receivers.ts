/**
 * The other side of respond's effects: a webhook's receiver, Slack and a mail server, each of its own and slow, so that a
 * kill can fall between an effect and its confirmation. They count by themselves; the sender is not asked.
 */
import { messageIdOf } from '../../../connectors/email/compose.ts'
import { startSlack } from '../../support/slack.ts'
import { startSmtp } from '../../support/smtp.ts'
import { startWebhook } from '../../support/webhook.ts'

export const channels = ['webhook', 'slack', 'email'] as const
export type Channel = (typeof channels)[number]

/** How often a receiver took in what an action was to tell. */
export type Taken = (channel: Channel, actionId: string) => number

export interface Receivers {
  /** The section `connectors` of a configuration. */
  readonly connectors: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string>>
  readonly taken: Taken
  /** All that each took in, repeats included. */
  readonly counts: () => Readonly<Record<Channel, number>>
  /** Something was taken in, and its sender does not know yet. */
  onTaken: ((channel: Channel) => void) | undefined
  close(): Promise<void>
}

const secret = 'the receiver and we know it'
const domain = 'warden.example'
/** Longer than a kill takes. */
const delayMs = 300
/** Past what a starved machine takes to answer: what is to be judged are the kills. */
const timeoutMs = 8_000

export async function startReceivers(): Promise<Receivers> {
  const took = (channel: Channel) => (): void => receivers.onTaken?.(channel)
  const webhook = await startWebhook({ secret, delayMs, onAccepted: took('webhook') })
  const slack = await startSlack({ delayMs, onMessage: took('slack') })
  const smtp = await startSmtp({ delayMs, onMail: took('email') })
  const keysOf: Readonly<Record<Channel, () => readonly string[]>> = {
    webhook: () => webhook.accepted.map(({ id = '' }) => id),
    slack: () => slack.messages.map(({ args }) => slackKey(args['metadata'])),
    email: () => smtp.mails.map(({ headers }) => headers['message-id'] ?? ''),
  }
  const receivers: Receivers = {
    connectors: {
      webhook: {
        endpoints: { default: { url: webhook.url, secret: { env: 'FAULT_WEBHOOK' } } },
        allowHttp: true,
        allowAddresses: ['127.0.0.1'],
        timeoutMs,
      },
      slack: { token: { env: 'FAULT_SLACK' }, channel: 'C0000000001', apiUrl: slack.url, timeoutMs },
      email: {
        host: smtp.host,
        port: smtp.port,
        tls: 'none',
        from: `warden@${domain}`,
        to: ['duty@soc.example'],
        timeoutMs,
      },
    },
    env: { FAULT_WEBHOOK: secret, FAULT_SLACK: slack.token },
    taken: (channel, actionId) => {
      const key = channel === 'email' ? messageIdOf(actionId, domain) : actionId
      return keysOf[channel]().filter((each) => each === key).length
    },
    counts: () => ({
      webhook: keysOf.webhook().length,
      slack: keysOf.slack().length,
      email: keysOf.email().length,
    }),
    onTaken: undefined,
    close: async () => {
      await Promise.all([webhook.close(), slack.close(), smtp.close()])
    },
  }
  return receivers
}

function slackKey(metadata: unknown): string {
  const { event_payload: payload } = metadata as { event_payload?: { key?: string } }
  return payload?.key ?? ''
}
