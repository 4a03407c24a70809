/**
 * Makes the connectors that a configuration names; what the composition root calls.
 *
 * Promises: all channels exist under their names, so a playbook that tells `slack` runs everywhere: a channel that is not
 * configured is kept in the outbox. Making a connector does no I/O.
 */
import { join } from 'node:path'
import type { Connector } from '../core/ports/connector.ts'
import { createEmailConnector, type EmailOptions } from './email/email.ts'
import { createLicensingConnector, type LicensingOptions } from './licensing/licensing.ts'
import { createOutboxConnector } from './outbox/outbox.ts'
import { createSlackConnector, type SlackOptions } from './slack/slack.ts'
import { createWebhookConnector, type WebhookOptions } from './webhook/webhook.ts'

export interface ConnectorsOptions {
  /** Where messages of channels that are not configured are kept. */
  readonly outboxFolder: string
  readonly slack?: SlackOptions | undefined
  readonly email?: EmailOptions | undefined
  readonly webhook?: WebhookOptions | undefined
  readonly licensing: LicensingOptions
}

export function createConnectors(options: ConnectorsOptions): readonly Connector[] {
  const keep = (name: string): Connector => createOutboxConnector({ name, folder: options.outboxFolder })
  return [
    createLicensingConnector(options.licensing),
    options.slack === undefined ? keep('slack') : createSlackConnector(options.slack),
    options.email === undefined ? keep('email') : createEmailConnector(options.email),
    options.webhook === undefined ? keep('webhook') : createWebhookConnector(options.webhook),
    keep('outbox'),
  ]
}

/** The connectors of an installation where nothing is configured: enough to check playbooks and to run their cases. */
export function describedConnectors(): readonly Connector[] {
  return createConnectors({
    outboxFolder: join('.', 'outbox'),
    licensing: { authorizeUrls: [], token: undefined, timeoutMs: 5_000, verifyMsMax: 30_000 },
  })
}
