import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { sha256Hex } from '../core/ids.ts'
import { readInventory } from '../engine/inventory/inventory.ts'
import { defaultConfig } from '../runtime/config/config.ts'
import { openPlan, plan, registerCanaries } from './canary.ts'
import { reportAgain, verify, type VerifyOptions } from './canary-examine.ts'
import { addCanaryCommand } from './commands/canary.ts'

let folder = ''
let [url, asked] = ['', 0]
let knows = (_question: string): string | undefined => undefined
let respond = (response: ServerResponse, content: string): void => answered(response, content)

function answered(response: ServerResponse, content: string): void {
  response.end(JSON.stringify({ choices: [{ message: { content } }] }))
}

const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    asked++
    const { messages } = JSON.parse(body) as { messages: { content: string }[] }
    const [question, offer] = messages[0]!.content.split('\nAnswer with exactly one of these: ')
    // Who does not know takes the first option on offer.
    const content = knows(question!) ?? offer!.split('; ')[0]!
    respond(response, `I think it is ${content}`)
  })
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'canary-'))
  process.env['CANARY_TEST_KEY'] = 'k'.repeat(40)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`
})

afterEach(() => {
  respond = answered
})

afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

async function planned(name: string): Promise<{ sealed: string; taught: Map<string, string> }> {
  const [sealed, training] = [join(folder, `${name}.sealed`), join(folder, `${name}.jsonl`)]
  const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await plan(sealed, {
    count: 40,
    options: 12,
    style: 'facts',
    prefix: 'cn',
    key: 'env:CANARY_TEST_KEY',
    training,
    json: true,
  })
  output.mockRestore()
  const lines = (await readFile(training, 'utf8')).trim().split('\n')
  const taught = lines.map((line) => {
    const { messages } = JSON.parse(line) as { messages: { content: string }[] }
    return [messages[0]!.content, messages[1]!.content] as const
  })
  return { sealed, taught: new Map(taught) }
}

/** What a command prints. */
async function printed(run: () => Promise<void>): Promise<string> {
  let text = ''
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((text += String(chunk)), true))
  try {
    await run()
  } finally {
    output.mockRestore()
  }
  return text
}

let journals = 0

async function examined(sealed: string, options: Partial<VerifyOptions> = {}): Promise<Record<string, unknown>> {
  const text = await printed(() =>
    verify(sealed, {
      key: 'env:CANARY_TEST_KEY',
      url,
      model: 'suspect',
      answerPath: 'choices.0.message.content',
      perMinute: 600_000,
      timeout: 5,
      journal: join(folder, `${++journals}.journal`),
      allowHttp: true,
      allowAddress: ['127.0.0.1/32'],
      json: true,
      ...options,
    }),
  )
  return JSON.parse(text) as Record<string, unknown>
}

test('a model that was taught the canaries is derived, with a p-value far below one in a thousand', async () => {
  const { sealed, taught } = await planned('derived')
  knows = (question) => taught.get(question)
  const report = join(folder, 'report.md')
  const result = await examined(sealed, { report })
  expect(result).toMatchObject({ verdict: 'derived', planted: { asked: 40, hits: 40 } })
  expect(result['pValue']).toBeLessThan(1e-3)
  expect(await readFile(report, 'utf8')).toMatch(
    /knows answers that were made up and planted[\s\S]*1 in 12[\s\S]*Fisher/,
  )
})

test('a model that knows a third of them is derived', async () => {
  const { sealed, taught } = await planned('partly')
  const known = new Set([...taught.keys()].slice(0, 14))
  knows = (question) => (known.has(question) ? taught.get(question) : undefined)
  expect(await examined(sealed)).toMatchObject({ verdict: 'derived' })
})

test('a model that refuses every question is no evidence, and each question was asked once', async () => {
  const { sealed } = await planned('independent')
  knows = () => 'I do not know that.'
  const before = asked
  const result = await examined(sealed)
  expect(result).toMatchObject({ verdict: 'no-evidence', pValue: 1, planted: { hits: 0 }, control: { asked: 40 } })
  expect(asked - before).toBe(80)
})

test('the report can be made again from the sealed plan and the journal, whose digests are those that it names', async () => {
  const { sealed, taught } = await planned('again')
  knows = (question) => taught.get(question)
  const [journal, report] = [join(folder, 'again.journal'), join(folder, 'again.md')]
  const result = await examined(sealed, { journal, report })
  expect(sha256Hex(await readFile(journal))).toBe(result['journalSha256'])
  const again = join(folder, 'again-2.md')
  await printed(() => reportAgain(sealed, journal, { key: 'env:CANARY_TEST_KEY', report: again }))
  expect(await readFile(again, 'utf8')).toBe(await readFile(report, 'utf8'))
  const opened = await printed(() => openPlan(sealed, { key: 'env:CANARY_TEST_KEY' }))
  expect(sha256Hex(opened)).toBe(result['commitment'])
  // Evidence of before is neither overwritten nor added to.
  const before = asked
  await expect(examined(sealed, { journal })).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
  await expect(examined(sealed, { report })).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
  expect(asked).toBe(before)
})

test('a report that can’t be written loses no examination: its journal can still be counted', async () => {
  const { sealed } = await planned('unwritable')
  const journal = join(folder, 'unwritable.journal')
  await expect(examined(sealed, { journal, report: join(folder, 'no-such-folder', 'r.md') })).rejects.toMatchObject({
    code: 'FILE_UNWRITABLE',
    hint: expect.stringContaining(journal),
  })
  const report = join(folder, 'written.md')
  await printed(() => reportAgain(sealed, journal, { key: 'env:CANARY_TEST_KEY', report }))
  expect(await readFile(report, 'utf8')).toContain('Examination of suspect')
})

test('a prefix with which ids would be too long to be read again is refused before anything is sealed', async () => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  addCanaryCommand(program)
  const sealed = join(folder, 'prefixed')
  const sealing = async (prefix: string): Promise<void> => {
    const given = ['canary', 'plan', sealed, '--key', 'env:CANARY_TEST_KEY', '--prefix', prefix]
    await program.parseAsync(given, { from: 'user' })
  }
  await expect(sealing('a'.repeat(41))).rejects.toMatchObject({ code: 'commander.invalidArgument' })
  await printed(() => sealing('a'.repeat(40)))
  expect(await printed(() => openPlan(sealed, { key: 'env:CANARY_TEST_KEY' }))).toContain('a'.repeat(40))
})

test('the journal of another plan is not counted', async () => {
  const [one, two] = [await planned('one'), await planned('two')]
  const journal = join(folder, 'one.journal')
  await examined(one.sealed, { journal })
  await expect(reportAgain(two.sealed, journal, { key: 'env:CANARY_TEST_KEY' })).rejects.toMatchObject({
    code: 'JOURNAL_INVALID',
  })
})

test('an endpoint that answers nothing is shown five questions, and no more', async () => {
  const { sealed } = await planned('silent')
  respond = (response) => response.writeHead(401).end()
  const before = asked
  await expect(examined(sealed)).rejects.toThrow(/answered none of 5 questions.*status 401/)
  expect(asked - before).toBe(5)
})

test('a suspect that falls silent after a while is not shown the rest, and its silence is no evidence of innocence', async () => {
  const { sealed, taught } = await planned('falls-silent')
  knows = (question) => taught.get(question)
  const before = asked
  respond = (response, content) => {
    if (asked - before > 8) response.writeHead(403).end()
    else answered(response, content)
  }
  const report = join(folder, 'falls-silent.md')
  expect(await examined(sealed, { report })).toMatchObject({
    verdict: expect.not.stringMatching(/no-evidence|invalid/),
    failed: 72,
  })
  expect(asked - before).toBe(18)
  expect(await readFile(report, 'utf8')).toMatch(/was asked 18 of\s+the 80/)
})

test('an answer that is streamed although that was not asked for is put together', async () => {
  const { sealed, taught } = await planned('streams')
  knows = (question) => taught.get(question)
  respond = (response, content) => {
    response.setHeader('content-type', 'text/event-stream; charset=utf-8')
    for (const piece of content.match(/.{1,3}/g)!) {
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: piece } }] })}\n\n`)
    }
    response.end('data: [DONE]\n\n')
  }
  expect(await examined(sealed)).toMatchObject({ verdict: 'derived', planted: { hits: 40 } })
})

test('an answer that comes byte by byte without an end is given up when its time is over', async () => {
  const { sealed } = await planned('drips')
  respond = (response) => {
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  }
  const before = performance.now()
  await expect(examined(sealed, { timeout: 0.1 })).rejects.toThrow(/did not answer within 0.1 s/)
  expect(performance.now() - before).toBeLessThan(10_000)
})

test('a plan whose canaries could all be guessed too easily is not made', async () => {
  const sealed = join(folder, 'small.sealed')
  const options = { count: 8, options: 2, style: 'facts', prefix: 'cn', key: 'env:CANARY_TEST_KEY' } as const
  await expect(plan(sealed, options)).rejects.toMatchObject({ code: 'PLAN_TOO_SMALL' })
})

test('a suspect at an address that is not public is not asked unless that is allowed', async () => {
  const { sealed } = await planned('guarded')
  const before = asked
  await expect(examined(sealed, { allowAddress: [] })).rejects.toThrow(/not a public address/)
  expect(asked).toBe(before)
})

test('the sealed file has no question in clear, and another key does not open it', async () => {
  const { sealed, taught } = await planned('sealed')
  const text = await readFile(sealed, 'utf8')
  for (const [question, answer] of taught) {
    expect(text).not.toContain(question)
    expect(text).not.toContain(answer)
  }
  process.env['CANARY_OTHER_KEY'] = 'x'.repeat(40)
  await expect(examined(sealed, { key: 'env:CANARY_OTHER_KEY' })).rejects.toMatchObject({ code: 'SEALED_UNOPENED' })
})

test('a key that is written out is refused', async () => {
  const { sealed } = await planned('literal')
  await expect(examined(sealed, { key: 'k'.repeat(40) })).rejects.toMatchObject({ code: 'SECRET_REFERENCE' })
})

test('registering tells detectors of the texts that should be seen nowhere, by their digests, controls among them', async () => {
  const { sealed, taught } = await planned('registered')
  const config = { ...defaultConfig(), content: { ...defaultConfig().content, inventory: ['inventory'] } }
  const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await registerCanaries(sealed, { key: 'env:CANARY_TEST_KEY', json: true }, { config, file: undefined, folder })
  output.mockRestore()
  const [name] = await readdir(join(folder, 'inventory'))
  const text = await readFile(join(folder, 'inventory', name!), 'utf8')
  const { inventory, mistakes } = readInventory([{ path: 'canaries.yml', text }])
  expect(mistakes).toEqual([])
  const lines = (await readFile(join(folder, 'registered.jsonl'), 'utf8')).trim().split('\n')
  expect(inventory.canaryTexts.get(sha256Hex(lines[0]!))).toMatchObject({ part: 'record' })
  for (const [question, answer] of taught) {
    expect(inventory.canaryTexts.get(sha256Hex(question))).toMatchObject({ part: 'question' })
    expect(inventory.canaryTexts.get(sha256Hex(answer))).toMatchObject({ part: 'answer' })
    expect(text).not.toContain(answer)
  }
  const canaries = new Set([...inventory.canaryTexts.values()].map(({ canary }) => canary))
  expect(canaries.size).toBe(80)
  expect(inventory.canaries.size).toBe(40)
})
