/**
 * Sections of the configuration that every process has: data, bus, index, HTTP, content, log, runtime.
 */
import { z } from 'zod'
import { milliseconds, Role, SecretRef, section } from './config-parts.ts'

export const Data = section('Where this instance keeps its files.', {
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

export const BusSection = section('The bus that carries everything between the stages.', {
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

const Elasticsearch = z.strictObject({
  nodes: z
    .array(
      z
        .url({ protocol: /^https?$/ })
        .regex(/^[^@]*$/, 'Write user and password, or the API key, beside the addresses.'),
    )
    .min(1)
    .describe('Addresses of some nodes, e.g. `https://search:9200`. Requests go to them in turn.'),
  apiKey: SecretRef.optional().describe('An API key, as the server gave it out (`encoded`).'),
  username: z.string().min(1).optional().describe('The user’s name, where there is no API key.'),
  password: SecretRef.optional().describe('The user’s password.'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('Path of the PEM file with the authorities to trust; default: the system’s.'),
      caFingerprint: z
        .string()
        .regex(/^(?:[0-9a-fA-F]{2}:?){32}$/, 'Write the SHA-256 as 64 hex digits, with or without colons.')
        .optional()
        .describe('In place of `ca`: SHA-256 of the authority’s certificate, as the server prints it at first start.'),
      serverName: z.string().optional().describe('Name to expect in the certificate, where it is not the host’s.'),
    })
    .optional()
    .describe('For addresses that begin with https. Absent: the system’s authorities are trusted.'),
  prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'Write up to 64 small letters, digits, - and _.')
    .default('modelwarden')
    .describe('Begins the names of all indices, templates and policies.'),
  replicas: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('Copies of each index beside the first. Default: one, where there is a second node to hold it.'),
  requestTimeoutMs: milliseconds().default(30_000).describe('How long the answer to one request may take.'),
})

export const Index = section('Where people search: events, signals, incidents, actions.', {
  kind: z
    .enum(['embedded', 'elasticsearch'])
    .default('embedded')
    .describe(
      '`embedded`: SQLite with full-text search in the data folder. `elasticsearch`: version 8, for many processes.',
    ),
  elasticsearch: Elasticsearch.optional().describe('Required where `kind` is `elasticsearch`.'),
})

export const Http = section('The one HTTP listener of a process.', {
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):[0-9]{1,5}$/, 'Write `address:port`, e.g. 127.0.0.1:8471 or [::1]:8471.')
    .refine((listen) => !(Number(/\d+$/.exec(listen)?.[0]) > 65_535), 'A port is at most 65535; the default is 8471.')
    .default('127.0.0.1:8471')
    .describe('`address:port`. Beyond loopback it listens only where tokens are configured. Port 0: any free one.'),
  tokens: z
    .array(
      z
        .strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/)
            .describe('Who holds it; stands in logs, decisions and deeds.'),
          token: SecretRef.optional().describe('The bearer token, at least 16 characters. Either this or `sha256`.'),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/, 'Write the SHA-256 of the token as 64 lower-case hex digits.')
            .optional()
            .describe('SHA-256 of the bearer token, for tokens made at random: then nothing here lets anyone in.'),
          roles: z.array(Role).min(1).describe('What its holder may do.'),
          tenant: z
            .string()
            .min(1)
            .refine((tenant) => tenant !== 'operator', 'The operator is no tenant: leave `tenant` out.')
            .optional()
            .describe('Shows and takes only this tenant’s; default: all tenants.'),
          expiresAt: z.iso
            .datetime({ offset: true })
            .optional()
            .describe('From when on it is refused, e.g. 2027-01-01T00:00:00Z; default: never.'),
        })
        .refine((token) => (token.token === undefined) !== (token.sha256 === undefined), {
          error: 'Give either token (where the secret stands) or sha256 (its digest).',
          path: ['token'],
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
  queriesPerMinuteMax: z
    .int()
    .positive()
    .default(6_000)
    .describe('Of these, questions to the console (lists, searches, facets).'),
  deedsPerMinuteMax: z
    .int()
    .positive()
    .default(600)
    .describe('Of these, deeds: decisions, licenses, credentials, dead letters put back.'),
  refusalsPerMinuteMax: z
    .int()
    .positive()
    .default(30)
    .describe('Wrong tokens from one address in a minute before further ones are told to wait; a right one never is.'),
  requestTimeoutMs: milliseconds()
    .default(30_000)
    .describe('How long a request may take to arrive, and again to be answered.'),
})

export const Content = section('Rules, playbooks, sources and what is registered.', {
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
  inventory: z
    .array(z.string().min(1))
    .default([])
    .describe('Your folders of what is registered: models, licenses, canaries, people.'),
})

export const Log = section('What the process says on standard error.', {
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least important lines to write.'),
  format: z.enum(['auto', 'json', 'text']).default('auto').describe('`auto`: text on a terminal, JSON elsewhere.'),
})

export const Runtime = section('What every stage stands on.', {
  checkpointIntervalMs: milliseconds(10).default(1_000).describe('How often state is written to the bus.'),
  tickIdleMs: milliseconds(50).default(1_000).describe('Silence of a partition after which its owner writes a tick.'),
  shutdownGraceMs: milliseconds()
    .default(10_000)
    .describe('How long a graceful stop may take before the process ends anyway.'),
})
