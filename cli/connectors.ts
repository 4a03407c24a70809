/** The connectors that the configuration names, with their secrets resolved. */
import { join } from 'node:path'
import { createConnectors } from '../connectors/create.ts'
import type { Connector } from '../core/ports/connector.ts'
import type { Config } from '../runtime/config.ts'
import type { AccessToken } from '../runtime/http-access.ts'
import type { Secrets } from '../runtime/secrets.ts'

export interface ConnectorParts {
  readonly secrets: Secrets
  readonly dataFolder: string
  /** Tokens of this process's own listener: its authorize endpoint is asked with one of them. */
  readonly access: { readonly tokens: readonly AccessToken[] }
}

export function connectorsFrom(_config: Config, parts: ConnectorParts): readonly Connector[] {
  return createConnectors({
    outboxFolder: join(parts.dataFolder, 'outbox'),
    licensing: { authorizeUrls: [], token: undefined, timeoutMs: 5_000, verifyMsMax: 30_000 },
  })
}
