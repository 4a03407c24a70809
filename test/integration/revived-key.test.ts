/**
 * A key that was switched off, proven off, and is on again: correlate, respond, licensing and authorize on the embedded bus.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compose } from '../../cli/compose.ts'
import type { Action } from '../../core/action.ts'
import type { Effect } from '../../core/effect.ts'
import type { Incident } from '../../core/incident.ts'
import type { LicenseRecord } from '../../core/license.ts'
import type { Signal } from '../../core/signal.ts'
import { topics } from '../../core/topics.ts'
import { Config } from '../../runtime/config/config.ts'
import { temporaryFolder } from '../support/tmp.ts'

const at = '2026-01-01T00:00:00.000Z'
const credential = { id: 'key-a', tenant: 'acme', principal: 'acme/customer-7' }

const stolen: Signal = {
  id: 'signal-1',
  version: 1,
  status: 'open',
  supersedes: [],
  '@timestamp': at,
  created: at,
  scope: 'acme',
  rule: {
    id: 'extraction',
    title: 'Extraction',
    version: 'v',
    kind: 'behavior',
    level: 'critical',
    tags: [],
    techniques: [{ framework: 'atlas', id: 'AML.T0024.002' }],
    shadow: false,
  },
  risk: 99,
  group: {},
  entities: [
    { type: 'principal', id: credential.principal },
    { type: 'credential', id: credential.id },
  ],
  joinOn: [],
  evidence: { count: 1, events: [] },
  explanation: 'Many questions.',
  facts: {},
}

async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 45_000
  while (Date.now() < deadline) {
    const seen = look()
    if (seen !== undefined && seen !== false) return seen
    await pause(10)
  }
  throw new Error(`${what} did not come about`)
}

test('a revoked key that is put back on elsewhere opens its closed incident again, says so, and people are told', async () => {
  const folder = await temporaryFolder('revived')
  const config = Config.parse({
    data: { folder: join(folder, 'data') },
    bus: { partitions: 2 },
    http: { listen: '127.0.0.1:0' },
    content: { sources: [], rules: [], playbooks: [join(import.meta.dirname, '../../playbooks')], watch: false },
    log: { level: 'error' },
    respond: { enable: ['revoke-stolen-key'], lookAgainMs: 200 },
    runtime: { tickIdleMs: 200, checkpointIntervalMs: 200 },
  })
  const instance = await compose({
    loaded: { config, file: undefined, folder },
    env: {},
    services: ['correlate', 'respond', 'licensing', 'authorize'],
    publishes: true,
    listens: true,
  })
  try {
    const incidents: Incident[] = []
    const actions: Action[] = []
    const licenses: LicenseRecord[] = []
    const follow = <T>(topic: string, take: (value: T) => void) =>
      instance.bus.follow(topic, (batch) => {
        for (const { value, headers } of batch)
          if (value !== null && !('w-control' in headers)) take(JSON.parse(value.toString()) as T)
      })
    await follow<Incident>(topics.incidents, (incident) => incidents.push(incident))
    await follow<Effect>(topics.effects, (effect) => {
      if (effect.kind === 'action') actions.push(effect.action)
    })
    await follow<LicenseRecord>(topics.licenses, (record) => licenses.push(record))
    const publish = (topic: string, key: string, value: unknown) =>
      instance.bus.publish([{ topic, key, value: JSON.stringify(value) }])
    const said = { at, by: 'operator:ana', roles: ['admin', 'responder'], tenant: 'acme' }
    const stateOf = (step: string) => actions.findLast((action) => action.step === step)?.state

    await publish(topics.decisions, 'acme', { kind: 'credential.put', id: 'put', ...said, credential })
    await until('the key to be registered', () => licenses.some((record) => record.kind === 'credential'))
    await publish(topics.signals, 'acme', stolen)
    await until('the revocation to be proven', () => stateOf('revoke') === 'verified')
    const { id } = incidents[0]!
    await publish(topics.decisions, id, {
      kind: 'close',
      id: 'over',
      ...said,
      incidentId: id,
      verdict: 'true-positive',
    })
    await until('the incident to be closed', () => incidents.at(-1)?.status === 'closed')

    // Somebody writes around licensing, as a restored backup or another program would.
    const version = Math.max(...licenses.map((record) => record.version)) + 1
    await publish(topics.licenses, `credential/${credential.id}`, {
      kind: 'credential',
      version,
      updatedAt: at,
      credential,
      state: 'active',
    })
    const opened = await until('the incident to be open again', () =>
      incidents.find((incident) => incident.status === 'open' && incident.flags.length > 0),
    )
    expect(opened.id).toBe(id)
    expect(opened.flags).toMatchObject([
      { code: 'REVIVED', message: expect.stringMatching(/^Revoke credential key-a.*proven at .*key-a is active/) },
    ])
    await until(
      'people to be told',
      () => stateOf('tell-slack') === 'done' && actions.some(({ playbook }) => playbook.id === 'notify-revived'),
    )
    expect(stateOf('revoke')).toBe('failed')
    expect(actions.filter(({ reason, version: of }) => reason === 'REVIVED' && of > 0).length).toBe(1)
  } finally {
    await instance.stop()
  }
}, 120_000)
