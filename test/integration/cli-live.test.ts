/**
 * Commands that ask and change a live instance, as a person runs them: one embedded instance with a rule of its own, a theft
 * and some calls, looked at from the outside.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endsWithUs } from '../support/ends-with-us.ts'
import { temporaryFolder } from '../support/tmp.ts'

const root = join(import.meta.dirname, '..', '..')
const program = join(root, 'cli', 'modelwarden.ts')
const ruleId = '7b0f1c52-1d3e-4a5b-8c6d-9e0f1a2b3c4d'
const now = Date.now()
const today = new Date(now).toISOString().slice(0, 10)

const rule = (level: string) => `title: Audit logging stopped
id: ${ruleId}
status: test
description: Somebody has stopped a trail.
author: tests
date: 2026-03-01
tags: [attack.t1562.008]
logsource: { product: modelwarden, category: audit }
detection:
  stop: { event.action: StopLogging }
  condition: stop
falsepositives: [A trail that is moved]
level: ${level}
`

let cwd: string
let child: ChildProcess
let log = ''

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const ran = spawn(process.execPath, [program, ...args], { cwd, env: { PATH: process.env['PATH'], HOME: cwd } })
    let [out, err] = ['', '']
    ran.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    ran.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    ran.on('error', reject)
    ran.on('close', (code) => resolve({ code, out, err }))
  })
}

async function json<T>(...args: readonly string[]): Promise<T> {
  const ran = await run(...args, '--json')
  expect(ran.code, ran.err + log).toBe(0)
  return JSON.parse(ran.out) as T
}

/** Asks until the answer is as it should be. */
async function until<T>(ask: () => Promise<T>, right: (answer: T) => boolean): Promise<T> {
  for (let n = 0; ; n++) {
    const answer = await ask()
    if (right(answer) || n >= 60) return answer
    await pause(500)
  }
}

async function send(method: string, path: string, body: string, type = 'application/json'): Promise<void> {
  const { url } = JSON.parse(readFileSync(join(cwd, '.modelwarden', 'instance.json'), 'utf8')) as { url: string }
  const token = readFileSync(join(cwd, '.modelwarden', 'admin-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': type }
  const answer = await fetch(url + path, { method, headers, body })
  expect(answer.status, await answer.text()).toBe(202)
}

const stopped = (id: string, ip: string) =>
  send('POST', '/v1/events/audit', JSON.stringify({
    type: 'audit', id, ts: new Date(now - 60_000).toISOString(), source: 'iam', action: 'StopLogging', principal: 'eve',
    tenant: 'corp', ip, outcome: 'success', detail: {},
  })) // prettier-ignore

const key = 'sk-a-key-that-only-tests-have'

async function calls(): Promise<void> {
  await send('PUT', '/v1/licenses/acme-api', JSON.stringify({ tenant: 'acme', models: ['llm-*'] }))
  const credential = { secret: key, tenant: 'acme', principal: 'acme/=bob', licenseId: 'acme-api' }
  await send('PUT', '/v1/credentials', JSON.stringify(credential))
  // A call belongs to the license that its credential points to when it comes.
  await until(
    () => json<{ items: unknown[] }>('search', '--in', 'credentials'),
    ({ items }) => items.length > 0,
  )
  await pause(2_000)
  const lines = [200, 200, 200, 429].map(
    (status, n) =>
    JSON.stringify({
      type: 'inference', id: `call-${n}`, ts: new Date(now - 60_000 + n).toISOString(), source: 'gateway', tenant: 'acme',
      principal: '=bob', apiKey: key, model: 'llm-7b', status, inputTokens: 100, outputTokens: 20,
    }), // prettier-ignore
  )
  // The last is sent twice.
  await send('POST', '/v1/events/gateway', [...lines, lines[3]].join('\n'), 'application/x-ndjson')
}

interface Signal {
  readonly id: string
  readonly rule: { readonly id: string; readonly level: string }
}
let incident = ''
let signal = ''

beforeAll(async () => {
  cwd = await temporaryFolder('cli-live')
  mkdirSync(join(cwd, 'rules'))
  writeFileSync(join(cwd, 'rules', 'stopped.yml'), rule('critical'))
  const config = {
    content: { shipped: false, sources: [join(root, 'sources')], rules: ['rules'] },
    http: { listen: '127.0.0.1:0' },
    meter: { publishIntervalMs: 1_000 },
  }
  writeFileSync(join(cwd, 'modelwarden.yml'), JSON.stringify(config))
  child = spawn(process.execPath, [...endsWithUs, program, 'up'], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd },
  })
  child.stderr!.on('data', (chunk: Buffer) => (log += chunk.toString()))
  for (let n = 0; n < 300 && !existsSync(join(cwd, '.modelwarden', 'instance.json')); n++) await pause(200)
  await stopped('stop-1', '198.51.100.66')
  await calls()
  const { items } = await until(
    () => json<{ items: { id: string }[] }>('incidents', 'list'),
    (listed) => listed.items.length > 0,
  )
  incident = items[0]!.id
  const found = await json<{ items: Signal[] }>('search', '--in', 'signals', `rule: ${ruleId}`)
  signal = found.items[0]!.id
}, 120_000)

afterAll(async () => {
  if (child.exitCode !== null) return
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
})

describe('against a live instance', { timeout: 120_000 }, () => {
  it('search answers KQL as a table, JSON, lines and CSV; a mistake is shown where it stands', async () => {
    const query = 'event.action: StopLogging and source.ip: 198.51.100.*'
    const { items } = await json<{ items: { event: { action: string } }[] }>('search', query)
    expect(items.map(({ event }) => event.action)).toEqual(['StopLogging'])
    expect((await run('search', query)).out).toContain('corp/eve')
    const lines = (await run('search', 'model: llm-7b', '--ndjson')).out.trim().split('\n')
    // What a gateway sends twice is indexed once.
    expect(lines.map((line) => JSON.parse(line) as unknown)).toHaveLength(4)
    const csv = await run('search', 'model: llm-7b', '--csv', '--fields', 'user.id,warden.model.id', '--limit', '1')
    expect(csv.out).toBe("user.id,warden.model.id\n'=bob,llm-7b\n")
    const wrong = await run('search', 'event.action: (StopLogging')
    expect(wrong.code).toBe(2)
    expect(wrong.err).toContain('^')
    expect((await run('search', 'event.action: Nothing')).out).toContain('Nothing found')
  })

  it('timeline tells an incident in the order of event time, also for Timesketch', async () => {
    const { rows } = await json<{ rows: { at: string; kind: string }[] }>('timeline', incident)
    expect(rows.map(({ at }) => at)).toEqual(rows.map(({ at }) => at).sort())
    expect(rows.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['event', 'signal']))
    expect((await run('timeline', incident)).out).toMatch(/StopLogging.*sha256:/)
    const sketch = (await run('timeline', incident, '--timesketch')).out.trim().split('\n')
    for (const line of sketch) expect(JSON.parse(line)).toMatchObject({ datetime: expect.any(String) as string })
    expect((await run('timeline', 'nowhere')).code).toBe(1)
  })

  it('rules status says of each rule how far it has been evaluated and what it matched', async () => {
    const status = await json<{ rules: { id: string; matched: number }[] }>('rules', 'status')
    expect(status.rules.find(({ id }) => id === ruleId)).toMatchObject({ matched: 1 })
    expect((await run('rules', 'status')).out).toContain('Audit logging stopped')
  })

  it('usage adds up each call once, by license and outcome, as a table, JSON, and CSV that is no formula', async () => {
    const ask = () =>
      json<{ total: { success: { calls: number }; failure: { calls: number } } }>('usage', '--by', 'day')
    const { total } = await until(ask, (each) => each.total.success.calls + each.total.failure.calls >= 4)
    expect(total).toMatchObject({ success: { calls: 3, inputTokens: 300, outputTokens: 60 }, failure: { calls: 1 } })
    const table = await run('usage', '--tenant', 'acme', '--license', 'acme-api')
    expect(table.out).toMatch(new RegExp(`${today.slice(0, 7)} +open +acme +acme-api +llm-7b +3 +1 +400 +80`))
    const csv = await run('usage', '--by', 'hour', '--per', 'principal,model', '--csv')
    expect(csv.out.split('\n')[1]).toMatch(/^.*Z,open,acme\/=bob,llm-7b,3,1,0,400,80,/)
    expect((await run('usage', '--tenant', 'globex')).out).toContain('Nothing was used')
    const cut = await run('usage', '--from', `${today.slice(0, 7)}-02`)
    expect([cut.code, cut.err.includes('begins in UTC')]).toEqual([2, true])
    expect((await run('usage', '--per', 'nonsense')).code).toBe(2)
  })

  it('backtest runs a rule over what the index has, and puts nothing in force', async () => {
    writeFileSync(join(cwd, 'tried.yml'), rule('low').replace(ruleId, ruleId.replace('7b', '8b')))
    const tried = await json<{ events: number; rules: { id: string; signals: number }[] }>(
      ...['backtest', 'tried.yml', '--from', new Date(now - 86_400_000).toISOString()],
    )
    expect(tried.events).toBeGreaterThanOrEqual(5)
    expect(tried.rules).toMatchObject([{ signals: 1 }])
    expect((await json<{ items: unknown[] }>('search', '--in', 'signals')).items).toHaveLength(1)
  })

  it('rules except makes an exception out of a finding, which is in force at once and counted', async () => {
    expect((await run('rules', 'except', signal)).code).toBe(2)
    const made = await run('rules', 'except', signal, '--reason', 'the trail is moved, CHG-7', '--field', 'source.ip')
    expect(made.code, made.err).toBe(0)
    const folder = join(cwd, 'rules', 'exceptions')
    expect(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8')).toContain('198.51.100.66')
    const suppressed = async () => {
      const status = await json<{ rules: { id: string; suppressed: number }[] }>('rules', 'status')
      return status.rules.find(({ id }) => id === ruleId)!.suppressed
    }
    await pause(3_000)
    await stopped('stop-2', '198.51.100.66')
    expect(await until(suppressed, (count) => count > 0)).toBe(1)
    expect((await json<{ items: unknown[] }>('search', '--in', 'signals')).items).toHaveLength(1)
  })

  it('content rollback brings an earlier version back, on record, and holds the one before', async () => {
    interface History {
      readonly versions: readonly { readonly set: string; readonly digest: string }[]
      readonly rollbacks: readonly { readonly to: string; readonly reason: string }[]
    }
    const rulesOf = ({ versions }: History) => versions.filter(({ set }) => set === 'rules').map(({ digest }) => digest)
    const before = rulesOf(await json<History>('content', 'history'))
    writeFileSync(join(cwd, 'rules', 'stopped.yml'), rule('low'))
    const edited = await until(
      () => json<History>('content', 'history'),
      (now_) => rulesOf(now_).length > before.length,
    )
    const [newest, earlier] = rulesOf(edited)
    expect(earlier).toBe(before[0])
    const back = await run('content', 'rollback', earlier!.slice(0, 12), '--reason', 'too low')
    expect(back.code, back.err).toBe(0)
    const after = await until(
      () => json<History>('content', 'history'),
      ({ rollbacks }) => rollbacks.length > 0,
    )
    expect(after.rollbacks).toMatchObject([{ from: newest, to: earlier, reason: 'too low' }])
    // The watcher of the folder, which still has the edit, leaves it so.
    await pause(3_000)
    await stopped('stop-3', '203.0.113.9')
    const { items } = await until(
      () => json<{ items: Signal[] }>('search', '--in', 'signals'),
      (each) => each.items.length > 1,
    )
    expect(items.map((each) => each.rule.level)).toEqual(['critical', 'critical'])
    expect((await run('content', 'rollback', 'ffffffff', '--reason', 'x')).code).not.toBe(0)
  })
})
