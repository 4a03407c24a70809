/** The ways to people, and to the gateways: whether each answers and lets us in. Nothing is sent. */
import { join, resolve } from 'node:path'
import type { Diagnosis } from '../../core/diagnosis.ts'
import type { Connector } from '../../core/ports/connector.ts'
import type { Config } from '../../runtime/config/config.ts'
import { connectorsFrom } from '../connectors.ts'
import type { Patient } from './patient.ts'

type Channel = 'slack' | 'email' | 'webhook'

export async function lookAtChannel(patient: Patient, channel: Channel): Promise<readonly Diagnosis[]> {
  const { config, folder } = patient.loaded
  const { outboxFolder, slack, email, webhook } = config.connectors
  if (config.connectors[channel] === undefined) {
    const outbox = outboxFolder === undefined ? join(patient.dataFolder, 'outbox') : resolve(folder, outboxFolder)
    const says = `It is not configured: its messages are kept in the outbox ${outbox}.`
    if (slack !== undefined || email !== undefined || webhook !== undefined) return [{ name: channel, state: 'ok', says }] // prettier-ignore
    return [{ name: channel, state: 'warn', says: `${says} No other channel tells anybody.`, do: 'Configure one of connectors.slack, email, webhook (docs/connectors.md).' }] // prettier-ignore
  }
  const alone = { outboxFolder, [channel]: config.connectors[channel] }
  const respond = { ...config.respond, authorizeToken: undefined }
  return [await probed(patient, { ...config, connectors: alone, respond }, channel, channel, `Check connectors.${channel} (docs/connectors.md).`)] // prettier-ignore
}

export async function lookAtGateways(patient: Patient): Promise<readonly Diagnosis[]> {
  const { config } = patient.loaded
  const { authorizeUrls } = config.respond
  // Without, the authorize endpoint of the same process is meant, which the look at the instance covers.
  if (authorizeUrls.length === 0) return []
  const todo = 'Start every copy of authorize, and check respond.authorizeUrls and respond.authorizeToken.'
  return [await probed(patient, { ...config, connectors: {} }, 'licensing', 'gateways', todo)]
}

async function probed(
  patient: Patient,
  config: Config,
  connector: Connector['name'],
  name: string,
  todo: string,
): Promise<Diagnosis> {
  const secrets = patient.secrets()
  const { folder } = patient.loaded
  const made = connectorsFrom(config, { secrets, folder, dataFolder: patient.dataFolder, own: undefined })
  try {
    secrets.settle()
    const { ok, summary } = await made.find((each) => each.name === connector)!.probe()
    return ok ? { name, state: 'ok', says: summary } : { name, state: 'fail', says: summary, do: todo }
  } finally {
    for (const each of made) void each.close?.().catch(() => undefined)
  }
}
