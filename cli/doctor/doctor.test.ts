import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { BusUnavailableError, ConfigInvalidError } from '../../core/errors.ts'
import { stateTopic, topics } from '../../core/topics.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { secretRefs } from './configuration.ts'
import { judgeLists, judgePlaybooks } from './content.ts'
import { judgeSpace, lookAtFolder } from './data-folder.ts'
import { examine, within, type Check } from './examine.ts'
import { judgeStatus } from './instance.ts'
import type { Patient } from './patient.ts'
import { expectationsOf } from './servers.ts'

const look = (run: () => Promise<never[]>) => ({ area: 'bus', name: 'reachable', run, todo: 'Start it.' })

async function configured(lines: readonly string[]): Promise<{ config: string; folder: string }> {
  const folder = await temporaryFolder('doctor')
  const config = join(folder, 'modelwarden.yml')
  writeFileSync(config, `${lines.join('\n')}\n`)
  return { config, folder }
}

describe('a look', () => {
  const patient = {} as Patient
  it('that takes too long is one failed check, and holds nobody up', async () => {
    const found = await within(look(() => new Promise(() => undefined)), patient, 30) // prettier-ignore
    expect(found).toEqual([{ area: 'bus', name: 'reachable', state: 'fail', says: expect.stringContaining('0.03 s'), do: 'Start it.' }]) // prettier-ignore
  })

  it('that rejects fails with the error’s own hint, else with what helps in general', async () => {
    const rejecting = (error: Error) => within(look(() => Promise.reject(error)), patient, 1_000) // prettier-ignore
    expect(await rejecting(new BusUnavailableError('no', { hint: 'Wait.' }))).toMatchObject([{ state: 'fail', do: 'Wait.' }]) // prettier-ignore
    expect(await rejecting(new Error('no'))).toMatchObject([{ state: 'fail', says: expect.stringContaining('no'), do: 'Start it.' }]) // prettier-ignore
    const mistakes = [{ code: 'A', message: 'x' }, { code: 'B', message: 'y' }] // prettier-ignore
    expect(await rejecting(new ConfigInvalidError(mistakes))).toMatchObject([{ name: 'A' }, { name: 'B' }])
  })
})

describe('the doctor', () => {
  const at = (checks: readonly Check[], area: string, name: string): Check | undefined =>
    checks.find((check) => check.area === area && check.name === name)

  it('reports a configuration with mistakes as failed checks with their places, and looks no further', async () => {
    const { config } = await configured(['bus: {kind: rabbit}', 'nonsense: 1'])
    const { ok, checks } = await examine({ config })
    expect(ok).toBe(false)
    expect(checks.map(({ area, state }) => `${area} ${state}`)).toEqual(['configuration fail', 'configuration fail'])
    expect(checks[0]!.says).toContain('modelwarden.yml:1:')
  })

  it('finds nothing that fails in a new installation, says where messages go, and makes nothing', async () => {
    const { config, folder } = await configured(['data: {folder: d}'])
    const { ok, checks } = await examine({ config })
    expect(checks.filter(({ state }) => state === 'fail')).toEqual([])
    expect(ok).toBe(true)
    expect(at(checks, 'channels', 'slack')).toMatchObject({ state: 'warn', says: expect.stringContaining('outbox') })
    expect(existsSync(join(folder, 'd'))).toBe(false)
  })

  it('fails where a secret is missing, in its own look alone, and shows no secret that is there', async () => {
    vi.stubEnv('DOCTOR_TEST_TOKEN', 'hunter2-hunter2-hunter2')
    onTestFinished(() => void vi.unstubAllEnvs())
    const slack = "slack: {token: {env: DOCTOR_TEST_TOKEN}, channel: C1, apiUrl: 'http://127.0.0.1:9/', timeoutMs: 200}"
    const email = 'email: {host: 127.0.0.1, port: 9, from: a@example.org, to: [b@example.org], user: u, password: {env: DOCTOR_TEST_NONE}}' // prettier-ignore
    const { config } = await configured(['data: {folder: d}', 'connectors:', `  ${slack}`, `  ${email}`])
    const report = await examine({ config })
    expect(report.ok).toBe(false)
    expect(at(report.checks, 'configuration', 'secrets')).toMatchObject({ state: 'fail', says: expect.stringContaining('DOCTOR_TEST_NONE') }) // prettier-ignore
    expect(at(report.checks, 'channels', 'slack')).toMatchObject({ state: 'fail', do: expect.any(String) })
    expect(at(report.checks, 'channels', 'webhook')).toMatchObject({ state: 'ok' })
    expect(JSON.stringify(report)).not.toContain('hunter2')
  }, 20_000)

  it('tells of a file with a secret that everybody can read', async () => {
    const { config, folder } = await configured(['hmacKey: {file: key}', 'data: {folder: d}'])
    writeFileSync(join(folder, 'key'), 'k'.repeat(64))
    chmodSync(join(folder, 'key'), 0o644)
    const { checks } = await examine({ config })
    expect(checks).toContainEqual(expect.objectContaining({ area: 'configuration', state: 'warn', do: expect.stringContaining('chmod 600') })) // prettier-ignore
  })
})

it('every secret of a configuration is found under its setting, in lists too', () => {
  const found = secretRefs({ hmacKey: { env: 'A' }, http: { tokens: [{ token: { file: 'b' } }] }, x: { env: 'A', y: 1 } }) // prettier-ignore
  expect(found.map(([setting]) => setting)).toEqual(['hmacKey', 'http.tokens.0.token'])
})

describe('the data folder', () => {
  it('is well for its owner alone, to be looked at where others may enter, and fails where it is a file', async () => {
    const folder = join(await temporaryFolder('doctor'), 'data')
    expect(lookAtFolder(folder).state).toBe('ok')
    mkdirSync(folder, { mode: 0o700 })
    expect(lookAtFolder(folder)).toMatchObject({ state: 'ok', says: expect.stringContaining('0700') })
    chmodSync(folder, 0o755)
    expect(lookAtFolder(folder)).toMatchObject({ state: 'warn', do: `chmod 700 ${folder}` })
    writeFileSync(join(folder, 'file'), '')
    expect(lookAtFolder(join(folder, 'file')).state).toBe('fail')
  })

  it('on a disk that fills up is to be looked at, and fails before nothing is left', () => {
    expect([20e9, 2e9, 1e8].map((free) => judgeSpace(free, '/d').state)).toEqual(['ok', 'warn', 'fail'])
  })
})

describe('content', () => {
  const list = (name: string, empty: string, values: string) => ({ path: `lists/${name}.yml`, text: `title: x\nempty: ${empty}\nvalues: ${values}\n` }) // prettier-ignore
  const rule = { path: 'a/b.yml', text: "x|expand: ['%one%', '%two%', '%three%']" }
  it('whose list is empty names the rules that rest because of it', () => {
    const files = [list('one', 'rest', '[]'), list('two', 'match-nothing', '[]'), list('three', 'rest', '[v]'), rule]
    expect(judgeLists([...files, list('unused', 'rest', '[]')])).toMatchObject([
      { name: 'list one', state: 'warn', says: expect.stringContaining('a/b'), do: expect.stringContaining('lists/one.yml') }, // prettier-ignore
      { name: 'list two', state: 'ok' },
    ])
  })

  it('with an enabled playbook that there is none of says so', () => {
    expect(judgePlaybooks([], ['ghost'])).toMatchObject([
      { name: 'enabled', state: 'warn', says: expect.stringContaining('ghost') },
      { name: 'dry run', state: 'ok' },
    ])
  })
})

it('an instance with a failed service fails, a degraded one is to be looked at, a well one is named', () => {
  const status = (state: 'ready' | 'degraded' | 'failed', ok = true) => ({
    services: { detect: { state, summary: 'it says' } },
    bus: { kind: 'embedded', ok },
    index: { kind: 'embedded', ok: true },
    content: { inForce: {}, mistakes: [] },
  })
  expect(judgeStatus('http://x', status('ready'))).toMatchObject([{ state: 'ok', says: expect.stringContaining('http://x') }]) // prettier-ignore
  expect(judgeStatus('http://x', status('degraded'))).toMatchObject([{ name: 'detect', state: 'warn' }])
  expect(judgeStatus('http://x', status('failed', false))).toMatchObject([{ state: 'fail' }, { name: 'bus', state: 'fail' }]) // prettier-ignore
})

it('topics of one log must have one partition however many are configured; state has as many as its input', () => {
  const { topics: expected } = expectationsOf(1)
  const of = (name: string) => expected.find(({ spec }) => spec.name === name)
  expect(of(topics.licenseCommands)?.partitionsFixed).toBe(true)
  expect(of(topics.events)?.partitionsFixed).toBe(false)
  expect(of(stateTopic('detect'))).toMatchObject({ partitionsFixed: true, partitionsOf: [topics.events] })
})
