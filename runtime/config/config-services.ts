/**
 * Sections of the configuration that belong to licensing, meter, authorize and respond.
 */
import { z } from 'zod'
import { milliseconds, SecretRef, section } from './config-parts.ts'

export const Licensing = section('Licenses, credentials and their state.', {
  files: z
    .array(z.string().min(1))
    .default([])
    .describe('Files with licenses and credentials, taken in at every start. See docs/licensing.md.'),
})

export const Meter = section('Adds up what is used of models, for invoices.', {
  publishIntervalMs: milliseconds(1_000)
    .max(3_600_000)
    .default(30_000)
    .describe('How often running totals are told again.'),
  metersMax: z
    .int()
    .min(100)
    .max(5_000_000)
    .default(100_000)
    .describe(
      'Open meters (account and period) of one partition, about 1 KB each. What finds no room is added up by tenant alone.',
    ),
})

const headerName = () => z.string().regex(/^[a-z0-9-]{1,64}$/, 'Write a header name in lower case.')

export const Authorize = section('Answers gateways.', {
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

export const Respond = section('Runs playbooks.', {
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
  lookAgainMs: milliseconds()
    .default(60_000)
    .describe(
      'How soon after its proof a revocation is tried again; then in gaps that double, up to a day, for 30 days. One that does not hold any more re-opens its incident.',
    ),
})
