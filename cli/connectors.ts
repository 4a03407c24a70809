/** The connectors that the configuration names, with their secrets resolved. */
import { join, resolve } from 'node:path'
import { createConnectors } from '../connectors/create.ts'
import type { Connector } from '../core/ports/connector.ts'
import type { Config } from '../runtime/config/config.ts'
import type { Secrets } from '../runtime/config/secrets.ts'

export interface ConnectorParts {
  readonly secrets: Secrets
  /** What relative paths in the configuration start from. */
  readonly folder: string
  readonly dataFolder: string
  /** This process's own authorize endpoint, where it has one. */
  readonly own: { readonly url: string; readonly token: string } | undefined
}

export function connectorsFrom(config: Config, parts: ConnectorParts): readonly Connector[] {
  const { slack, email, webhook, outboxFolder } = config.connectors
  const { secrets } = parts
  return createConnectors({
    outboxFolder: outboxFolder === undefined ? join(parts.dataFolder, 'outbox') : resolve(parts.folder, outboxFolder),
    slack: slack && { ...slack, token: secrets.read(slack.token, 'connectors.slack.token') },
    email: email && {
      ...email,
      domain: email.messageIdDomain,
      password: email.password && secrets.read(email.password, 'connectors.email.password'),
    },
    webhook: webhook && { ...webhook, endpoints: endpointsOf(webhook.endpoints, secrets) },
    licensing: licensingOptions(config, parts),
  })
}

function endpointsOf(endpoints: NonNullable<Config['connectors']['webhook']>['endpoints'], secrets: Secrets) {
  const resolved = Object.entries(endpoints).map(([name, { url, secret }]) => {
    return [name, { url, secret: secrets.read(secret, `connectors.webhook.endpoints.${name}.secret`) }] as const
  })
  return Object.fromEntries(resolved)
}

function licensingOptions({ respond }: Config, { own, secrets }: ConnectorParts) {
  const { authorizeUrls, authorizeToken, authorizeTimeoutMs: timeoutMs, verifyMsMax } = respond
  const token = authorizeToken && secrets.read(authorizeToken, 'respond.authorizeToken')
  if (authorizeUrls.length > 0 || own === undefined) return { authorizeUrls, token, timeoutMs, verifyMsMax }
  return { authorizeUrls: [own.url], token: token ?? own.token, timeoutMs, verifyMsMax }
}
