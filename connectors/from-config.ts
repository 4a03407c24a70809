/**
 * From the configuration's sections to the connectors' options: where secrets become values, and defaults meet the rest of
 * the process. Used by the composition root.
 */
import { join } from 'node:path'
import type { ConnectorsOptions } from './create.ts'

/** The shape of a secret's reference; what it means is the resolver's business. */
type Ref = { readonly env: string } | { readonly file: string }

/** The parts of the configuration that connectors are made from. */
export interface ConnectorsConfig {
  readonly data: { readonly folder: string }
  readonly respond: {
    readonly authorizeUrls: readonly string[]
    readonly authorizeToken?: Ref | undefined
    readonly authorizeTimeoutMs: number
    readonly verifyMsMax: number
  }
  readonly connectors: {
    readonly outboxFolder?: string | undefined
    readonly slack?:
      { readonly token: Ref; readonly channel: string; readonly apiUrl: string; readonly timeoutMs: number } | undefined
    readonly email?:
      | {
          readonly host: string
          readonly port: number
          readonly tls: 'starttls' | 'implicit' | 'none'
          readonly serverName?: string | undefined
          readonly user?: string | undefined
          readonly password?: Ref | undefined
          readonly from: string
          readonly to: readonly string[]
          readonly messageIdDomain?: string | undefined
          readonly timeoutMs: number
        }
      | undefined
    readonly webhook?:
      | {
          readonly endpoints: Readonly<Record<string, { readonly url: string; readonly secret: Ref }>>
          readonly allowHttp: boolean
          readonly allowAddresses: readonly string[]
          readonly timeoutMs: number
        }
      | undefined
  }
}

/** `read` gives a secret's value; `own`: this process's own authorize endpoint and a token for it, where it has one. */
export function connectorsOptions(
  config: ConnectorsConfig,
  read: (ref: Ref, setting: string) => string,
  own?: { readonly authorizeUrl: string; readonly token: string | undefined },
): ConnectorsOptions {
  const { respond, connectors } = config
  const { slack, email, webhook } = connectors
  const isOwn = respond.authorizeUrls.length === 0 && own !== undefined
  const token =
    respond.authorizeToken === undefined ? undefined : read(respond.authorizeToken, 'respond.authorizeToken')
  return {
    outboxFolder: connectors.outboxFolder ?? join(config.data.folder, 'outbox'),
    licensing: {
      authorizeUrls: isOwn ? [own.authorizeUrl] : respond.authorizeUrls,
      token: token ?? (isOwn ? own.token : undefined),
      timeoutMs: respond.authorizeTimeoutMs,
      verifyMsMax: respond.verifyMsMax,
    },
    slack: slack && { ...slack, token: read(slack.token, 'connectors.slack.token') },
    email: email && {
      ...email,
      password: email.password && read(email.password, 'connectors.email.password'),
      domain: email.messageIdDomain,
    },
    webhook: webhook && {
      ...webhook,
      endpoints: Object.fromEntries(
        Object.entries(webhook.endpoints).map(([name, { url, secret }]) => [
          name,
          { url, secret: read(secret, `connectors.webhook.endpoints.${name}.secret`) },
        ]),
      ),
    },
  }
}
