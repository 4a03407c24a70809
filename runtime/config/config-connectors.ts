/**
 * The section of the configuration about the outside world: mail, Slack, webhooks.
 */
import { z } from 'zod'
import { milliseconds, SecretRef, section } from './config-parts.ts'

const Email = z.strictObject({
  host: z.string().min(1).describe('The mail server.'),
  port: z.int().min(1).max(65_535).default(587).describe('Its port.'),
  tls: z
    .enum(['starttls', 'implicit', 'none'])
    .default('starttls')
    .describe(
      '`starttls`: required before anything is sent. `implicit`: from the first byte (port 465). `none`: in the clear.',
    ),
  serverName: z.string().optional().describe('Name to expect in its certificate, where it is not the host’s.'),
  user: z.string().min(1).optional().describe('Login, where it wants one.'),
  password: SecretRef.optional().describe('Its password.'),
  from: z.email().describe('The sender.'),
  to: z.array(z.email()).min(1).max(50).describe('Who gets what a playbook addresses to nobody else.'),
  messageIdDomain: z
    .string()
    .max(253)
    .optional()
    .describe('Right side of the Message-ID; default: the sender’s domain.'),
  timeoutMs: milliseconds().default(20_000).describe('How long one sending may take.'),
})

const Slack = z.strictObject({
  token: SecretRef.describe(
    'Bot token with `chat:write`; with `channels:history` too, a repeat after a crash is ruled out.',
  ),
  channel: z.string().min(1).max(80).describe('Where messages go; the channel’s id (`C…`) lets its history be asked.'),
  apiUrl: z.url().default('https://slack.com/api/').describe('Slack’s API.'),
  timeoutMs: milliseconds().default(10_000).describe('How long one call may take.'),
})

const Webhook = z.strictObject({
  endpoints: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
      z.strictObject({
        url: z.url({ protocol: /^https?$/ }).describe('Where it is delivered.'),
        secret: SecretRef.describe('Signs deliveries (Standard Webhooks): `whsec_` and base64, or text.'),
      }),
    )
    .describe('By name; a playbook that names none means `default`.'),
  allowHttp: z.boolean().default(false).describe('Whether plain http is allowed.'),
  allowAddresses: z
    .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]))
    .default([])
    .describe('Addresses or CIDR blocks that are not public and may be delivered to all the same.'),
  timeoutMs: milliseconds().default(10_000).describe('How long one delivery may take.'),
})

export const Connectors = section(
  'The outside world. Messages of a channel that is not configured are kept in the outbox.',
  {
    outboxFolder: z.string().optional().describe('Where the outbox is; default: `outbox` in the data folder.'),
    slack: Slack.optional().describe('Slack.'),
    email: Email.optional().describe('E-mail over SMTP.'),
    webhook: Webhook.optional().describe('Signed webhooks.'),
  },
)
