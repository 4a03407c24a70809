/** How the demo calls the running instance: by HTTP, as anybody else would. */
import { CliError, exitCodes } from '../exit.ts'
import { customers, demoKey, extractor, insider, languageModel, type Customer } from './cast.ts'
import { personIdentity } from './cloudtrail.ts'
import type { DemoRecord } from './day.ts'

export interface Door {
  readonly url: string
  readonly adminToken: string
}

export interface AuthorizeAnswer {
  readonly status: number
  readonly body: string
  readonly allowed: boolean
}

/** The question that the extractor's gateway asks, as a command to copy. */
export function authorizeCommand(door: Door): string {
  const body = JSON.stringify({ credential: demoKey(extractor), model: languageModel })
  return `curl -s ${door.url}/v1/authorize -H 'content-type: application/json' -d '${body}'`
}

/** Asks exactly what `authorizeCommand` shows, without a token: this machine may. */
export async function askAuthorize(door: Door): Promise<AuthorizeAnswer> {
  const response = await fetch(`${door.url}/v1/authorize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ credential: demoKey(extractor), model: languageModel }),
  })
  const body = await response.text()
  return { status: response.status, body, allowed: body.includes('"allow"') }
}

/** The demo's customers with their licenses and keys, and the insider's own key for the language model. */
export async function registerCustomers(door: Door): Promise<void> {
  for (const customer of [...customers, extractor]) {
    const licenseId = `license-${customer.tenant}`
    const license = { tenant: customer.tenant, models: ['*'], form: 'api', tier: 'standard' }
    await put(door, `/v1/licenses/${licenseId}`, license)
    await put(door, '/v1/credentials', {
      secret: demoKey(customer),
      tenant: customer.tenant,
      principal: `${customer.tenant}/${customer.user}`,
      licenseId,
      label: `${customer.user} (demo)`,
    })
  }
  await put(door, '/v1/licenses/license-staff', { tenant: 'own', models: ['*'], form: 'api', tier: 'trusted' })
  await put(door, '/v1/credentials', {
    secret: demoKey({ tenant: 'own', user: insider.name } as Customer),
    tenant: 'own',
    principal: `own/${String(personIdentity(insider, 0)['arn'])}`,
    licenseId: 'license-staff',
    label: `${insider.name} (demo)`,
  })
}

/** Hands records of one source to collect. */
export async function handIn(door: Door, source: string, records: readonly DemoRecord[]): Promise<void> {
  const response = await fetch(`${door.url}/v1/events/${source}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: records.map(({ record }) => JSON.stringify(record)).join('\n'),
  })
  if (response.status !== 202) await refused(response, `/v1/events/${source}`)
  await response.body?.cancel()
}

async function put(door: Door, path: string, body: unknown): Promise<void> {
  const response = await fetch(door.url + path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${door.adminToken}` },
    body: JSON.stringify(body),
  })
  if (!response.ok) await refused(response, path)
  await response.body?.cancel()
}

async function refused(response: Response, path: string): Promise<never> {
  const answer = await response.text()
  throw new CliError(exitCodes.failure, 'DEMO_REFUSED', `${path} answered ${response.status}: ${answer.slice(0, 300)}`)
}
