/**
 * Licensing and authorize together, on a real embedded bus and a real listener: what a gateway sees.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Bus } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { silentLog, type Log } from '../../runtime/log.ts'
import { credentialRecord, idOf, licenseRecord, startLicensing, type LicensingOptions } from '../support/licensing.ts'
import { temporaryFolder } from '../support/tmp.ts'

const secret = 'sk-acme-bob-0123456789'
const running: { stop(): Promise<void> }[] = []
async function start(options?: LicensingOptions) {
  const made = await startLicensing(options)
  running.push(made)
  return made
}
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})
const soon = <T>(what: () => T | Promise<T>) => vi.waitFor(what, { timeout: 5_000, interval: 10 })

async function registered(options?: LicensingOptions, license: Record<string, unknown> = {}) {
  const made = await start(options)
  const put = await made.call('root', 'PUT', '/v1/licenses/acme-api', { tenant: 'acme', models: ['llm-*'], ...license })
  expect(put.status).toBe(202)
  const body = { secret, tenant: 'acme', principal: 'acme/bob', licenseId: 'acme-api', label: 'bob' }
  expect((await made.call('root', 'PUT', '/v1/credentials', body)).body.credentialId).toBe(idOf(secret))
  await soon(async () => expect(await made.authorize({ credential: secret })).toMatchObject({ code: 'OK' }))
  return made
}

describe('licensing and authorize', () => {
  it('a registered key is let through, a suspended one refused, and the time that took is measured', async () => {
    const { authorize, order, call, metrics } = await registered()
    expect(await authorize({ credential: secret, requestId: 'r-1' })).toEqual({
      decision: 'allow',
      code: 'OK',
      message: expect.any(String),
      obligations: [],
      tenant: 'acme',
      principal: 'acme/bob',
      requestId: 'r-1',
    })
    await order('suspend', { credentialId: idOf(secret) }, { id: 'a1' })
    await soon(async () =>
      expect(await authorize({ credential: secret })).toMatchObject({ decision: 'deny', code: 'CREDENTIAL_SUSPENDED' }),
    )
    expect((await call('playbooks', 'POST', '/v1/credentials/check', { credentialId: idOf(secret) })).body).toEqual({
      credentialId: idOf(secret),
      state: 'suspended',
      decision: 'deny',
      actionId: 'a1',
    })
    expect((await call('playbooks', 'POST', '/v1/credentials/check', { principal: 'acme/bob' })).body).toEqual({
      credentials: [{ credentialId: idOf(secret), state: 'suspended', decision: 'deny', actionId: 'a1' }],
    })
    await order('reinstate', { credentialId: idOf(secret), ifActionId: 'a1' })
    await soon(async () => expect((await authorize({ credential: secret })).code).toBe('OK'))
    expect(await metrics()).toMatch(/modelwarden_stage_end_to_end_seconds_count\{stage="authorize"\} 1\n/)
    expect(await metrics()).toMatch(/modelwarden_authorize_decisions_total\{.*code="CREDENTIAL_SUSPENDED".*\} [1-9]/)
  })

  it('an operator’s order, in another partition of the effects, reaches the tenant’s credential', async () => {
    const { authorize, order, bus } = await registered({ config: { bus: { partitions: 16 } } })
    await order('revoke', { principal: 'acme/bob' }, { tenant: 'operator' })
    await soon(async () => expect((await authorize({ credential: secret })).code).toBe('CREDENTIAL_REVOKED'))
    const ends = await bus.offsets(topics.effects)
    expect(ends.filter(({ high, low }) => high > low)).toHaveLength(2)
  })

  it('a revocation survives a restart of everything, and so does what was registered', async () => {
    const folder = await temporaryFolder('licensing')
    const first = await registered({ folder })
    const other = { secret: 'sk-acme-eve-0123456789', tenant: 'acme', principal: 'acme/eve', licenseId: 'acme-api' }
    await first.call('root', 'PUT', '/v1/credentials', other)
    await first.order('revoke', { credentialId: idOf(secret) }, { id: 'r1' })
    await soon(async () => expect((await first.authorize({ credential: secret })).code).toBe('CREDENTIAL_REVOKED'))
    await running.pop()!.stop()
    const again = await start({ folder })
    await soon(async () => expect((await again.authorize({ credential: secret })).code).toBe('CREDENTIAL_REVOKED'))
    expect((await again.authorize({ credential: other.secret })).code).toBe('OK')
    await again.order('reinstate', { credentialId: idOf(secret) })
    await again.order('suspend', { principal: 'acme/eve' })
    await soon(async () =>
      expect((await again.authorize({ credential: other.secret })).code).toBe('CREDENTIAL_SUSPENDED'),
    )
    expect((await again.authorize({ credential: secret })).code).toBe('CREDENTIAL_REVOKED')
  })

  it('says 503, and is not ready, until all that was there is read', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const throughBus = (bus: Bus): Bus =>
      new Proxy(bus, {
        get(target, name) {
          if (name === 'follow') {
            return async (topic: string, onBatch: Parameters<Bus['follow']>[1]) => {
              const following = await target.follow(topic, onBatch)
              await held
              return following
            }
          }
          const value = Reflect.get(target, name) as unknown
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    const { call, url } = await start({ throughBus })
    for (const [path, body] of [
      ['/v1/authorize', { credential: secret, model: 'm' }],
      ['/v1/usage', { credential: secret, inputTokens: 1, outputTokens: 1 }],
      ['/v1/credentials/check', { credentialId: 'x' }],
      ['/v1/ext-authz/v1/chat', {}],
    ] as const) {
      const answer = await call('root', 'POST', path, body)
      // Envoy's question carries its token elsewhere.
      if (path.includes('ext-authz')) expect(answer.status).toBe(401)
      else expect(answer).toMatchObject({ status: 503, body: { error: { code: 'NOT_READY' } } })
    }
    expect(
      (await fetch(`${url}/v1/ext-authz/x`, { headers: { 'x-modelwarden-token': 'gateway-token-0123456789' } })).status,
    ).toBe(503)
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    release()
    await soon(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200))
    expect((await call('edge', 'POST', '/v1/authorize', { credential: secret, model: 'm' })).body.code).toBe(
      'CREDENTIAL_UNKNOWN',
    )
  })

  it('a follower that got stuck does not leave a revoked key working', { timeout: 15_000 }, async () => {
    const throughBus = (bus: Bus): Bus =>
      new Proxy(bus, {
        get(target, name) {
          // It brings what was there, and then nothing any more.
          if (name === 'follow') {
            return async (topic: string, onBatch: Parameters<Bus['follow']>[1]) => {
              const following = await target.follow(topic, onBatch)
              await following.stop()
              return { stop: async () => undefined }
            }
          }
          const value = Reflect.get(target, name) as unknown
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    const { authorize, bus } = await start({ throughBus, services: ['authorize'] })
    await bus.publish([licenseRecord({ id: 'acme-api' }), credentialRecord({ id: idOf(secret) })])
    await vi.waitFor(async () => expect((await authorize({ credential: secret })).code).toBe('OK'), { timeout: 8_000 })
    await bus.publish([credentialRecord({ id: idOf(secret) }, { version: 2, state: 'revoked' })])
    await vi.waitFor(async () => expect((await authorize({ credential: secret })).code).toBe('CREDENTIAL_REVOKED'), {
      timeout: 8_000,
    })
  })

  it(
    'out of touch with the bus it answers from memory, or refuses where it is told to',
    { timeout: 20_000 },
    async () => {
      let cut = false
      const throughBus = (bus: Bus): Bus =>
        new Proxy(bus, {
          get(target, name) {
            const value = Reflect.get(target, name) as unknown
            if (name === 'offsets' && cut) return async () => Promise.reject(new Error('The cable is cut.'))
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          },
        })
      const { call, url } = await start({ throughBus, config: { authorize: { refuseAfterSilenceMs: 5_000 } } })
      await soon(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200))
      cut = true
      const ask = () => call('edge', 'POST', '/v1/authorize', { credential: secret, model: 'm' })
      expect((await ask()).status).toBe(200)
      await vi.waitFor(async () => expect((await ask()).body).toMatchObject({ error: { code: 'OUT_OF_TOUCH' } }), {
        timeout: 10_000,
        interval: 100,
      })
      cut = false
      await vi.waitFor(async () => expect((await ask()).status).toBe(200), { timeout: 5_000, interval: 100 })
    },
  )

  it('takes licenses and secrets from files at each start, and what was changed since stays', async () => {
    const folder = await temporaryFolder('licensing')
    const file = join(await temporaryFolder('files'), 'licenses.yml')
    writeFileSync(join(file, '..', 'bob.key'), secret, { mode: 0o600 })
    writeFileSync(
      file,
      `licenses: [{ id: acme-api, tenant: acme, models: [llm-*] }]
credentials: [{ secret: { file: bob.key }, tenant: acme, principal: acme/bob, licenseId: acme-api }]
`,
    )
    const options = { folder, config: { licensing: { files: [file] } } }
    const first = await start(options)
    await soon(async () => expect((await first.authorize({ credential: secret })).code).toBe('OK'))
    await first.call('root', 'PUT', '/v1/licenses/acme-api', { tenant: 'acme', models: ['other'] })
    await soon(async () => expect((await first.authorize({ credential: secret })).code).toBe('MODEL_NOT_LICENSED'))
    const commands = async (of: typeof first) => (await of.bus.offsets(topics.licenseCommands))[0]!.high
    const before = await commands(first)
    await running.pop()!.stop()
    const again = await start(options)
    // Both come again; what is ordered behind them is obeyed after them.
    await soon(async () => expect(await commands(again)).toBe(before + 2))
    await again.order('suspend', { credentialId: idOf(secret) })
    await soon(async () => expect((await again.authorize({ credential: secret })).code).toBe('CREDENTIAL_SUSPENDED'))
    await again.order('reinstate', { credentialId: idOf(secret) })
    await soon(async () => expect((await again.authorize({ credential: secret })).code).toBe('MODEL_NOT_LICENSED'))
  })

  it('counts requests, tokens and calls under way, and lets them end', async () => {
    const { authorize, call } = await registered(undefined, { concurrencyMax: 2, tokensPerDayMax: 1_000 })
    const leases = [
      await authorize({ credential: secret, tokens: 400 }),
      await authorize({ credential: secret, tokens: 400 }),
    ]
    // The probe of `registered` holds one already.
    expect(leases.map((answer) => answer.code)).toEqual(['OK', 'CONCURRENCY_EXCEEDED'])
    expect(leases[0]).toMatchObject({
      obligations: ['report-usage'],
      lease: { id: expect.any(String), expiresAt: expect.any(String) },
    })
    expect(leases[1]).toMatchObject({ decision: 'throttle', retryAfterMs: expect.any(Number) })
    const report = { lease: leases[0]!.lease!.id, inputTokens: 900, outputTokens: 100 }
    expect((await call('edge', 'POST', '/v1/usage', report)).body).toEqual({ closed: true, counted: true })
    expect((await call('edge', 'POST', '/v1/usage', report)).body).toEqual({ closed: true, counted: false })
    expect((await authorize({ credential: secret })).code).toBe('TOKENS_EXCEEDED')
    const late = { lease: 'gone', credential: secret, inputTokens: 1, outputTokens: 1 }
    expect((await call('edge', 'POST', '/v1/usage', late)).body).toEqual({ closed: false, counted: true })
    expect((await call('edge', 'POST', '/v1/usage', { lease: 'gone', inputTokens: 1, outputTokens: 1 })).body).toEqual({
      closed: false,
      counted: false,
    })
  })

  it('whoever holds a tenant’s token learns and changes nothing of another’s', async () => {
    const { authorize, call } = await registered(undefined, { concurrencyMax: 5 })
    expect(await authorize({ credential: secret }, 'globex-edge')).toEqual({
      decision: 'deny',
      code: 'CREDENTIAL_UNKNOWN',
      message: expect.any(String),
      obligations: [],
    })
    const check = (body: unknown) => call('globex-edge', 'POST', '/v1/credentials/check', body)
    expect((await check({ credentialId: idOf(secret) })).body.state).toBe('unknown')
    expect((await check({ principal: 'acme/bob' })).body).toEqual({ credentials: [] })
    const { lease } = await authorize({ credential: secret })
    const usage = { lease: lease!.id, inputTokens: 1, outputTokens: 1 }
    expect((await call('globex-edge', 'POST', '/v1/usage', usage)).body).toEqual({ closed: false, counted: false })
    expect(
      (await call('globex-edge', 'PUT', '/v1/licenses/x', { tenant: 'acme', models: ['*'] })).body.error?.code,
    ).toBe('TENANT_FOREIGN')
    expect((await call('globex-edge', 'PUT', '/v1/licenses/x', { tenant: 'globex', models: ['*'] })).status).toBe(202)
  })

  it('a secret is in no answer, no log line, no metric and no record, also where the question is malformed', async () => {
    const said: unknown[] = []
    const say = (message: string, fields?: unknown): void => void said.push(message, fields)
    const log: Log = { ...silentLog, debug: say, info: say, warn: say, error: say, with: () => log }
    const { call, bus, metrics } = await registered({ log })
    const answers = [
      await call('edge', 'POST', '/v1/authorize', { credential: secret }),
      await call('edge', 'POST', '/v1/authorize', { credential: secret, credentialId: secret, model: 'm' }),
      await call('edge', 'POST', '/v1/authorize', { credential: secret, model: 'm', [secret.slice(0, 3)]: 1 }),
      await call('edge', 'POST', '/v1/usage', { credential: secret, inputTokens: -1, outputTokens: 0 }),
      await call('root', 'PUT', '/v1/credentials', { secret, tenant: 'acme', principal: 'globex/x' }),
      await call('root', 'PUT', '/v1/credentials', { secret, tenant: 'acme', principal: 'acme/x', label: secret }),
      await call('root', 'PUT', '/v1/credentials', { secret: 'short', tenant: 'acme', principal: 'acme/x' }),
    ]
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 400))
    expect(answers.map((answer) => answer.text).join('')).not.toContain(secret)
    expect(JSON.stringify(said)).not.toContain(secret)
    expect(await metrics()).not.toContain(secret)
    for (const topic of [topics.decisions, topics.effects, topics.licenseCommands, topics.licenses]) {
      for (const { partition } of await bus.offsets(topic)) {
        await bus.read({ topic, partition }, 'start', (batch) => {
          for (const record of batch) expect(record.value?.toString()).not.toContain(secret)
        })
      }
    }
  })

  it('lets nobody ask or change without the role', async () => {
    const { call } = await start({ services: ['licensing', 'authorize'] })
    const tries: readonly [Parameters<typeof call>[0], string, string][] = [
      ['ana', 'POST', '/v1/authorize'],
      ['playbooks', 'POST', '/v1/authorize'],
      ['ana', 'POST', '/v1/usage'],
      ['ana', 'POST', '/v1/credentials/check'],
      ['edge', 'PUT', '/v1/licenses/x'],
      ['ana', 'PUT', '/v1/credentials'],
    ]
    for (const [who, method, path] of tries) expect((await call(who, method, path, {})).status).toBe(403)
  })

  it('a record that can not be read changes nothing, and is told', async () => {
    const said: string[] = []
    const log: Log = { ...silentLog, error: (message) => void said.push(message), with: () => log }
    const { bus, authorize, metrics } = await start({ log, services: ['authorize'] })
    const good = credentialRecord({ id: idOf(secret) })
    await bus.publish([
      licenseRecord({ id: 'acme-api' }),
      good,
      { ...good, value: '{"kind":"credential"}' },
      { ...good, value: 'x' },
    ])
    await soon(async () => expect(await metrics()).toMatch(/records_refused_total\{reason="NOT_JSON"\} 1/))
    expect((await authorize({ credential: secret })).code).toBe('OK')
    expect(said).toHaveLength(2)
    await bus.publish([{ ...good, value: null }])
    await soon(async () => expect((await authorize({ credential: secret })).code).toBe('CREDENTIAL_UNKNOWN'))
  })
})
