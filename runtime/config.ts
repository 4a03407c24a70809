/**
 * What can be configured: the shape of `modelwarden.yml`, with every default.
 *
 * Read by the composition root (config-load.ts does the reading); each service looks at its own section only. The
 * descriptions below are the user's reference: docs/configuration.md is generated from them, and a test holds it to that.
 *
 * Promises: unknown keys are refused; a secret is named by where it stands, never written here; every limit has a unit
 * in its name. A section's owner adds to it here.
 */
import { z } from 'zod'

/** What a caller may do; a route names the roles that may call it. `admin` may do everything. */
export const roles = ['collector', 'gateway', 'viewer', 'analyst', 'responder', 'admin', 'metrics'] as const
export const Role = z.enum(roles)
export type Role = z.infer<typeof Role>

/** Where a secret stands. The value itself is never part of a configuration. */
export const SecretRef = z.union(
  [
    z.strictObject({ env: z.string().min(1).describe('Name of the environment variable that holds it.') }),
    z.strictObject({
      file: z.string().min(1).describe('Path of the file that holds it; a line end at its end is dropped.'),
    }),
  ],
  { error: 'A secret is named by where it stands: {env: NAME} or {file: path}. Never write its value here.' },
)
export type SecretRef = z.infer<typeof SecretRef>

/** A section that may be left out: each of its fields has a default. */
const section = <Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description)

const milliseconds = (min = 1) => z.int().min(min).max(2_147_483_647)

/** Minute, hour, day of the month, month, day of the week. */
const cronTime = (fallback: string) =>
  z
    .string()
    .regex(/^(?:[0-9*,/-]+ ){4}[0-9A-Za-z*,/-]+$/, 'Write five fields, e.g. */5 * * * * for every five minutes.')
    .default(fallback)

const Data = section('Where this instance keeps its files.', {
  folder: z
    .string()
    .default('.modelwarden')
    .describe('Embedded bus and index, the outbox, generated keys. One live process at a time holds it.'),
})

const Kafka = z.strictObject({
  brokers: z.array(z.string().min(1)).min(1).describe('`host:port` of some brokers; they name the others.'),
  clientId: z.string().default('modelwarden').describe('How the brokers list this client.'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('Path of the PEM file with the authorities to trust; default: the system’s.'),
      cert: z.string().optional().describe('Path of the client’s certificate (PEM), for mutual TLS.'),
      key: SecretRef.optional().describe('The client’s private key (PEM), for mutual TLS.'),
      serverName: z
        .string()
        .optional()
        .describe('Name to expect in the broker’s certificate, where it is not the host’s.'),
    })
    .optional()
    .describe('TLS to the brokers; `{}` is enough where their authority is a public one. Absent: in the clear.'),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('How to authenticate.'),
      username: z.string().min(1).describe('The user’s name.'),
      password: SecretRef.describe('The user’s password.'),
    })
    .optional()
    .describe('Authentication with the brokers.'),
  replicationFactor: z
    .int()
    .min(-1)
    .default(-1)
    .describe('Copies of each topic that is made; -1: the brokers’ default.'),
  minInSync: z
    .int()
    .positive()
    .optional()
    .describe('Copies that must have a record before it counts as written; default: the brokers’.'),
  compression: z
    .enum(['none', 'gzip', 'zstd'])
    .default('none')
    .describe('How records are packed. All of Kafka’s kinds are read.'),
  connectionTimeoutMs: milliseconds().default(10_000).describe('How long a connection may take to come about.'),
  requestTimeoutMs: milliseconds().default(30_000).describe('How long the answer to one request may take.'),
  sessionTimeoutMs: milliseconds(6_000)
    .default(10_000)
    .describe('Silence after which a process counts as dead, and others take its partitions over.'),
})

const BusSection = section('The bus that carries everything between the stages.', {
  kind: z
    .enum(['embedded', 'kafka'])
    .default('embedded')
    .describe(
      '`embedded`: SQLite in the data folder, one process. `kafka`: as many processes and machines as you like.',
    ),
  partitions: z
    .int()
    .positive()
    .max(1_024)
    .default(4)
    .describe('Partitions of the topics that scale out. Fixed when a topic is made.'),
  kafka: Kafka.optional().describe('Required where `kind` is `kafka`.'),
})

const Index = section('Where people search: events, signals, incidents, actions.', {
  kind: z
    .enum(['embedded'])
    .default('embedded')
    .describe('`embedded`: SQLite with full-text search in the data folder.'),
})

const Http = section('The one HTTP listener of a process.', {
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):[0-9]{1,5}$/, 'Write `address:port`, e.g. 127.0.0.1:8471 or [::1]:8471.')
    .default('127.0.0.1:8471')
    .describe('`address:port`. Beyond loopback it listens only where tokens are configured. Port 0: any free one.'),
  tokens: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/)
          .describe('Who holds it; stands in logs and in decisions.'),
        token: SecretRef.describe('The bearer token, at least 16 characters.'),
        roles: z.array(Role).min(1).describe('What its holder may do.'),
        tenant: z.string().min(1).optional().describe('Shows and takes only this tenant’s; default: all tenants.'),
      }),
    )
    .default([])
    .describe('Who may call. Without any, on loopback, one admin token is generated in the data folder (0600).'),
  loopbackRoles: z
    .array(Role)
    .default([])
    .describe('What callers on this machine may do without a token. Refused where `listen` is not a loopback address.'),
  allowedHosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Further names that the Host header may carry (loopback names are always allowed on loopback).'),
  trustedProxies: z
    .array(z.string().min(1))
    .default([])
    .describe('Addresses or CIDR blocks of proxies whose X-Forwarded-For is believed.'),
  bodyBytesMax: z.int().positive().default(1_000_000).describe('Largest body, where a route does not say otherwise.'),
  requestsPerMinuteMax: z.int().positive().default(600_000).describe('Requests of one token (or address) in a minute.'),
  refusalsPerMinuteMax: z
    .int()
    .positive()
    .default(30)
    .describe('Wrong tokens from one address in a minute before it has to wait.'),
  requestTimeoutMs: milliseconds()
    .default(30_000)
    .describe('How long a request may take to arrive, and again to be answered.'),
})

const Content = section('Rules, playbooks and sources.', {
  publish: z
    .boolean()
    .optional()
    .describe(
      'Whether this process publishes its folders to all copies. Default: `up` and `run schedule` do, others don’t.',
    ),
  watch: z.boolean().default(true).describe('Whether edits of the folders take effect while it runs.'),
  shipped: z.boolean().default(true).describe('Whether the content that comes with Modelwarden is in force too.'),
  sources: z
    .array(z.string().min(1))
    .default([])
    .describe('Your folders of sources. Where paths are equal, the later folder wins, and yours over the shipped.'),
  rules: z.array(z.string().min(1)).default([]).describe('Your folders of rules.'),
  playbooks: z.array(z.string().min(1)).default([]).describe('Your folders of playbooks.'),
})

const Log = section('What the process says on standard error.', {
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least important lines to write.'),
  format: z.enum(['auto', 'json', 'text']).default('auto').describe('`auto`: text on a terminal, JSON elsewhere.'),
})

const Runtime = section('What every stage stands on.', {
  checkpointIntervalMs: milliseconds(10).default(1_000).describe('How often state is written to the bus.'),
  tickIdleMs: milliseconds(50).default(1_000).describe('Silence of a partition after which its owner writes a tick.'),
  shutdownGraceMs: milliseconds()
    .default(10_000)
    .describe('How long a graceful stop may take before the process ends anyway.'),
})

const Licensing = section('Licenses, credentials and their state.', {
  files: z
    .array(z.string().min(1))
    .default([])
    .describe('Files with licenses and credentials, taken in at every start. See docs/licensing.md.'),
})

const headerName = () => z.string().regex(/^[a-z0-9-]{1,64}$/, 'Write a header name in lower case.')

const Authorize = section('Answers gateways.', {
  leaseTtlMs: milliseconds(1_000)
    .max(86_400_000)
    .default(300_000)
    .describe('How long a call counts as under way when nobody reports its end.'),
  leasesMax: z.int().positive().max(1_000_000).default(100_000).describe('Calls under way that one copy keeps.'),
  refuseAfterSilenceMs: milliseconds(5_000)
    .optional()
    .describe('Refuses everything (503) once the bus has been out of reach this long. Default: answers from memory.'),
  modelHeader: headerName().default('x-modelwarden-model').describe('Envoy: names the model; set by Envoy itself.'),
  countryHeader: headerName()
    .default('x-modelwarden-country')
    .describe('Envoy: the client’s country; set by Envoy or what stands before it.'),
  addressHeader: headerName()
    .default('x-envoy-external-address')
    .describe('Envoy: the client’s address; without it X-Forwarded-For counts, as far as http.trustedProxies says.'),
  proxiedBodyBytesMax: z
    .int()
    .positive()
    .max(4_194_304)
    .default(65_536)
    .describe('Envoy: how much of a forwarded body is read to find the model.'),
})

const Respond = section('Runs playbooks.', {
  enable: z
    .array(z.string().min(1).max(64))
    .max(500)
    .default([])
    .describe(
      'Ids of destructive playbooks that may really act. All others only describe what they would do (dry run).',
    ),
  protected: z
    .array(z.string().min(1).max(512))
    .max(10_000)
    .default([])
    .describe('Principals, users and credentials that no playbook acts upon; `*` at the end stands for any rest.'),
  destructivePerTenantPerHourMax: z
    .int()
    .min(0)
    .default(20)
    .describe('Destructive actions for one tenant within an hour. The next ones wait for somebody’s approval.'),
  destructivePerPlaybookPerHourMax: z.int().min(0).default(10).describe('The same for one playbook (and tenant).'),
  capRole: z
    .enum(['analyst', 'responder', 'admin'])
    .default('responder')
    .describe('Who may let an action past a reached cap.'),
  authorizeUrls: z
    .array(z.url({ protocol: /^https?$/ }))
    .max(100)
    .default([])
    .describe(
      'Every copy of authorize: a revocation is proven when all refuse the key. Default: this process’s own, where it has one.',
    ),
  authorizeToken: SecretRef.optional().describe('Bearer token for these, with the role gateway or responder.'),
  authorizeTimeoutMs: milliseconds().default(5_000).describe('How long one answer of authorize may take.'),
  verifyMsMax: milliseconds()
    .default(30_000)
    .describe('How long a revocation may take to be refused everywhere before it counts as failed.'),
})

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

const Connectors = section('The outside world. Messages of a channel that is not configured are kept in the outbox.', {
  outboxFolder: z.string().optional().describe('Where the outbox is; default: `outbox` in the data folder.'),
  slack: Slack.optional().describe('Slack.'),
  email: Email.optional().describe('E-mail over SMTP.'),
  webhook: Webhook.optional().describe('Signed webhooks.'),
})

export const Config = z.strictObject({
  data: Data,
  bus: BusSection,
  index: Index,
  http: Http,
  hmacKey: SecretRef.optional().describe(
    'Keys the digests that stand for credentials, 32 bytes or more (hex, base64 or text). The same in every process; ' +
      'embedded default: generated in the data folder (0600). Required on Kafka.',
  ),
  content: Content,
  collect: section('Takes events in.', {
    bodyBytesMax: z
      .int()
      .positive()
      .max(1_073_741_824)
      .default(16_777_216)
      .describe('Largest body of one request, as it comes over the line.'),
    decompressedBytesMax: z
      .int()
      .positive()
      .max(1_073_741_824)
      .default(67_108_864)
      .describe('Largest body once decompressed.'),
    inFlightBytesMax: z
      .int()
      .positive()
      .default(268_435_456)
      .describe('Bytes of bodies that may wait for the bus at a time; past it, senders are asked to come again later.'),
    publishTimeoutMs: milliseconds()
      .default(15_000)
      .describe('How long a sender waits for the bus to acknowledge before it is asked to send again.'),
  }),
  normalize: section('Turns raw records into events.', {}),
  detect: section('Turns events into signals.', {}),
  correlate: section('Groups signals into incidents.', {
    joinWindowHours: z
      .number()
      .positive()
      .max(168)
      .default(24)
      .describe(
        'Signals that share a principal, credential or session join while neighbors are at most this far apart.',
      ),
    openAtRisk: z
      .number()
      .positive()
      .max(10_000)
      .default(70)
      .describe('Risk at which an incident opens; a critical signal opens one alone.'),
    sharedPrincipalsMax: z
      .int()
      .positive()
      .max(1_000)
      .default(5)
      .describe('An entity seen with more principals than this joins no incidents.'),
  }),
  respond: Respond,
  licensing: Licensing,
  authorize: Authorize,
  indexer: section('Fills the search index.', {
    eventsKeptDays: z
      .int()
      .positive()
      .max(36_500)
      .default(90)
      .describe('How long events can be searched for, by when they happened.'),
    deadLettersKeptDays: z
      .int()
      .positive()
      .max(36_500)
      .default(90)
      .describe('How long dead letters can be searched for, listed and put back.'),
  }),
  schedule: section(
    'The clockwork. Times are cron expressions in UTC; a run is done once, however many copies there are.',
    {
      synthetic: cronTime('* * * * *').describe('When a synthetic record measures the pipeline.'),
      sourceSilence: cronTime('* * * * *').describe('When sources are checked for silence.'),
      licenseNotices: cronTime('7 6 * * *').describe('When licenses are checked for their end.'),
    },
  ),
  connectors: Connectors,
  log: Log,
  runtime: Runtime,
})
export type Config = z.infer<typeof Config>

/** The configuration that an empty file gives. */
export function defaultConfig(): Config {
  return Config.parse({})
}
