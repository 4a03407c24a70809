/**
 * Who and what the demo's day is about. All invented; addresses are those reserved for documentation (RFC 5737).
 */

import { sha256Hex } from '../../core/ids.ts'

export const account = '111122223333'
export const foreignAccount = '444455556666'
export const region = 'eu-central-1'

export interface Person {
  readonly name: string
  readonly ip: string
  readonly permissionSet: string
}

export const staff: readonly Person[] = [
  { name: 'amara.okafor', ip: '198.51.100.11', permissionSet: 'MLEngineer' },
  { name: 'ben.lindqvist', ip: '198.51.100.12', permissionSet: 'MLEngineer' },
  { name: 'chiara.russo', ip: '198.51.100.13', permissionSet: 'MLEngineer' },
  { name: 'emil.novak', ip: '198.51.100.15', permissionSet: 'DataScientist' },
  { name: 'fatima.haddad', ip: '198.51.100.16', permissionSet: 'DataScientist' },
  { name: 'goran.petrov', ip: '198.51.100.17', permissionSet: 'PlatformAdmin' },
  { name: 'hana.sato', ip: '198.51.100.18', permissionSet: 'PlatformAdmin' },
]

/** Has given notice; takes the weights along. */
export const insider: Person = { name: 'dana.reyes', ip: '198.51.100.14', permissionSet: 'MLEngineer' }

export const weightsBucket = 'meridian-model-weights'
export const datasetBucket = 'meridian-curated-datasets'
export const trail = 'org-audit-trail'
export const languageModel = 'meridian-13b'
export const classifier = 'skin-lesion-v4'

/** Shards of the model's current release: 26 GB in 24 files. */
export const shards: readonly { readonly key: string; readonly bytes: number }[] = Array.from(
  { length: 24 },
  (_, n) => ({
    key: `${languageModel}/2026-10/model-${String(n + 1).padStart(5, '0')}-of-00024.safetensors`,
    bytes: 1_083_179_008 + n * 4_096,
  }),
)

export interface Customer {
  readonly tenant: string
  readonly user: string
  readonly ip: string
  readonly country: string
  readonly agent: string
  /** Queries on an ordinary day. */
  readonly queries: number
}

export const customers: readonly Customer[] = [
  {
    tenant: 'northwind-clinics',
    user: 'triage-app',
    ip: '203.0.113.21',
    country: 'DE',
    agent: 'okhttp/4.12',
    queries: 320,
  },
  {
    tenant: 'alder-health',
    user: 'intake-service',
    ip: '203.0.113.34',
    country: 'NL',
    agent: 'python-requests/2.32',
    queries: 240,
  },
  {
    tenant: 'bluepine-derma',
    user: 'mobile-backend',
    ip: '203.0.113.47',
    country: 'FR',
    agent: 'axios/1.7',
    queries: 410,
  },
  {
    tenant: 'cedar-imaging',
    user: 'batch-reader',
    ip: '203.0.113.59',
    country: 'SE',
    agent: 'Go-http-client/2.0',
    queries: 180,
  },
]

/** Reads the language model's last layer out through its API. */
export const extractor: Customer = {
  tenant: 'quillon-research',
  user: 'notebook-7',
  ip: '203.0.113.202',
  country: 'US',
  agent: 'python-requests/2.32',
  queries: 60,
}

/** The secret that a customer's calls carry. Made for the demo, worth nothing anywhere else. */
export function demoKey(customer: Customer): string {
  return `demo-key-${sha256Hex(`${customer.tenant}/${customer.user}`).slice(0, 20)}`
}
