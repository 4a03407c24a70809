/**
 * The program as a person runs it: a process of its own, its exit codes, what it prints, against a live embedded instance.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/tmp.ts'

const program = join(import.meta.dirname, '..', '..', 'cli', 'modelwarden.ts')

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], cwd: string, env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [program, ...args], { cwd, env: { PATH: process.env['PATH'], HOME: cwd, ...env } })
}

function run(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = start(args, cwd, env)
    let out = ''
    let err = ''
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

const lastLine = (text: string): Record<string, unknown> =>
  JSON.parse(text.trim().split('\n').at(-1)!) as Record<string, unknown>

function trailRecord(n: number, fields: object = {}) {
  return JSON.stringify({
    type: 'audit', id: `r-${n}`, ts: `2026-03-02T10:${String(n % 60).padStart(2, '0')}:00.000Z`, source: 'iam',
    action: 'iam.user.list', principal: 'ana', tenant: 'corp', ip: '198.51.100.7', outcome: 'success', detail: {}, ...fields,
  }) // prettier-ignore
}

describe('the command line without an instance', () => {
  it('explains itself and exits with 0; an unknown command, service or option exits with 2', async () => {
    const cwd = await temporaryFolder('cli')
    const help = await run(['replay', '--help'], cwd)
    expect(help.code).toBe(0)
    expect(help.out).toContain('Examples:')
    for (const args of [['nonsense'], ['run', 'nonsense'], ['status', '--nonsense'], ['incidents', 'close', 'x']]) {
      expect((await run(args, cwd)).code).toBe(2)
    }
  })

  it('exits with 3 where no instance answers, and says how to start one', async () => {
    const cwd = await temporaryFolder('cli')
    const ran = await run(['status', '--url', 'http://127.0.0.1:9'], cwd)
    expect(ran.code).toBe(3)
    expect(ran.err).toContain('modelwarden up')
  })

  it('exits with 2 and every mistake’s place where the configuration is wrong', async () => {
    const cwd = await temporaryFolder('cli')
    writeFileSync(join(cwd, 'modelwarden.yml'), 'http:\n  listne: x\nlog: { level: loud }\n')
    const ran = await run(['config', 'check'], cwd)
    expect(ran.code).toBe(2)
    expect(ran.err).toMatch(/modelwarden\.yml:2:3: .*Did you mean "listen"\?/)
    expect(ran.err).toMatch(/modelwarden\.yml:3:\d+: /)
  })

  it('exits with 2 and file, line and column where a rule is broken', async () => {
    const cwd = await temporaryFolder('cli')
    writeFileSync(join(cwd, 'broken.yml'), 'title: x\nlevel: "open\n')
    const ran = await run(['content', 'check'], cwd, { MODELWARDEN_CONTENT__RULES: `["${cwd}"]` })
    expect(ran.code).toBe(2)
    expect(ran.err).toMatch(/broken\.yml:\d+:\d+: /)
  })
})

describe('a replay', () => {
  it('counts what came of the files on its last line, and the same file again changes nothing', async () => {
    const cwd = await temporaryFolder('cli')
    const lines = [...Array.from({ length: 50 }, (_, n) => trailRecord(n)), '{"broken":', trailRecord(50)]
    writeFileSync(join(cwd, 'trail.ndjson'), `${lines.join('\n')}\n`)
    const args = ['replay', '--data', join(cwd, 'data'), '--source', 'audit', 'trail.ndjson', '--json']
    const first = await run(args, cwd)
    expect(first.code, first.err).toBe(0)
    expect(lastLine(first.out)).toMatchObject({ records: 52, events: 51, deadLetters: 1 })
    expect(first.err).toContain('NOT_JSON')
    const { elapsedMs: _first, ...counted } = lastLine(first.out)
    const second = await run(args, cwd)
    const { elapsedMs: _second, ...again } = lastLine(second.out)
    expect(again).toEqual(counted)
  })

  it('of an unknown source or a file that is not there exits with 2 and names what there is', async () => {
    const cwd = await temporaryFolder('cli')
    writeFileSync(join(cwd, 'trail.ndjson'), trailRecord(1))
    const unknown = await run(['replay', '--data', 'd', '--source', 'nonsense', 'trail.ndjson'], cwd)
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain('aws.cloudtrail')
    expect((await run(['replay', '--data', 'd', '--source', 'audit', 'nowhere'], cwd)).code).toBe(2)
  })

  it('with a mistake in the content ends with 2 and its place instead of waiting for content that never comes', async () => {
    const cwd = await temporaryFolder('cli')
    writeFileSync(join(cwd, 'trail.ndjson'), trailRecord(1))
    mkdirSync(join(cwd, 'my-sources'))
    writeFileSync(join(cwd, 'my-sources', 'mine.yml'), 'name: acme.mine\ntopik: audit\n')
    writeFileSync(join(cwd, 'modelwarden.yml'), 'content: { sources: [my-sources] }\n')
    const ran = await run(['replay', '--data', 'd', '--source', 'audit', 'trail.ndjson'], cwd)
    expect(ran.code).toBe(2)
    expect(ran.err).toContain('mine.yml:2:1: SOURCE_INVALID: Unknown key "topik".')
  })
})

describe('a live instance', () => {
  let cwd: string
  let child: ChildProcess
  let log = ''

  beforeAll(async () => {
    cwd = await temporaryFolder('cli')
    child = start(['up'], cwd, { MODELWARDEN_HTTP__LISTEN: '127.0.0.1:0' })
    child.stderr!.on('data', (chunk: Buffer) => (log += chunk.toString()))
    for (let n = 0; n < 300 && !existsSync(join(cwd, '.modelwarden', 'instance.json')); n++) await pause(200)
  })
  afterAll(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  })

  const instance = () => {
    const file = readFileSync(join(cwd, '.modelwarden', 'instance.json'), 'utf8')
    return (JSON.parse(file) as { url: string }).url
  }
  const token = () => readFileSync(join(cwd, '.modelwarden', 'admin-token'), 'utf8').trim()

  it('is found by its data folder, and tells how it is', async () => {
    const ran = await run(['status', '--json'], cwd)
    expect(ran.code, ran.err + log).toBe(0)
    const { services } = lastLine(ran.out) as { services: Record<string, { state: string }> }
    expect(Object.keys(services)).toEqual(
      expect.arrayContaining(['collect', 'normalize', 'detect', 'respond', 'console']),
    )
  })

  it('refuses who has no token with 4, and does not get the local token sent to another address', async () => {
    const elsewhere = await temporaryFolder('cli')
    const ran = await run(['incidents', 'list', '--url', instance()], elsewhere)
    expect(ran.code).toBe(4)
    expect(ran.err).toContain('MODELWARDEN_TOKEN')
  })

  it('holds its data folder: a second process says who does', async () => {
    const ran = await run(['up'], cwd, { MODELWARDEN_HTTP__LISTEN: '127.0.0.1:0' })
    expect(ran.code).toBe(1)
    expect(ran.err).toContain(String(child.pid))
  })

  it('shows an incident that hostile records caused without obeying them, and takes a decision about it', async () => {
    const stop = {
      type: 'audit', id: 'stop-1', ts: new Date().toISOString(), source: 'iam', action: 'StopLogging',
      principal: 'eve\u001b[2J\u202e', tenant: 'corp', ip: '198.51.100.66', outcome: 'success', detail: {},
    } // prettier-ignore
    const sent = await fetch(`${instance()}/v1/events/audit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/x-ndjson' },
      body: JSON.stringify(stop),
    })
    expect(sent.status).toBe(202)
    let listed: { items: { id: string }[] } = { items: [] }
    for (let n = 0; n < 60 && listed.items.length === 0; n++) {
      await pause(300)
      listed = lastLine((await run(['incidents', 'list', '--json'], cwd)).out) as typeof listed
    }
    const id = listed.items[0]!.id
    for (const args of [
      ['incidents', 'list'],
      ['incidents', 'show', id],
      ['incidents', 'show', id, '--json'],
    ]) {
      const shown = await run(args, cwd)
      expect(shown.code, shown.err).toBe(0)
      expect(shown.out).not.toMatch(/[\u001b\u202e]/)
      expect(shown.out).toContain('eve')
    }
    expect((await run(['incidents', 'note', id, 'called the owner'], cwd)).code).toBe(0)
    let text = ''
    for (let n = 0; n < 40 && !text.includes('called the owner'); n++) {
      await pause(300)
      text = (await run(['incidents', 'show', id], cwd)).out
    }
    expect(text).toContain('called the owner')
    expect((await run(['incidents', 'show', 'nowhere'], cwd)).code).toBe(1)
  })

  it('refuses a status that no incident ever has, instead of listing none', async () => {
    const ran = await run(['incidents', 'list', '--severity', 'hihg'], cwd)
    expect(ran.code).toBe(2)
    expect(ran.err).toContain('critical')
  })

  it('holds every playbook and says since when and by whom, until it is told otherwise', async () => {
    expect((await run(['global-stop'], cwd)).out).toContain('off')
    expect((await run(['global-stop', 'on'], cwd)).code).toBe(0)
    let text = ''
    for (let n = 0; n < 40 && !text.startsWith('on'); n++) {
      await pause(300)
      text = (await run(['global-stop'], cwd)).out
    }
    expect(text).toMatch(/^on: .*local-admin/)
    expect((await run(['global-stop', 'off'], cwd)).code).toBe(0)
    expect((await run(['global-stop', 'maybe'], cwd)).code).toBe(2)
  })

  it('says in a line that its port is taken and how to choose another', async () => {
    const taken = await run(['up', '--data', 'other'], cwd, { MODELWARDEN_HTTP__LISTEN: new URL(instance()).host })
    expect(taken.code).toBe(1)
    expect(taken.err).toContain('another process listens there')
    expect(taken.err).not.toContain('    at ')
  })

  it('stops gracefully on SIGTERM with exit code 0, and leaves no address behind', async () => {
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(existsSync(join(cwd, '.modelwarden', 'instance.json'))).toBe(false)
  })
})
