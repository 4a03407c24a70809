import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sha256Hex } from '../core/ids.ts'
import { readInventory } from '../engine/inventory/inventory.ts'
import { defaultConfig } from '../runtime/config.ts'
import { plan, registerCanaries, verify, type VerifyOptions } from './canary.ts'

let folder = ''
let [url, asked] = ['', 0]
let knows = (_question: string): string | undefined => undefined

const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    asked++
    const { messages } = JSON.parse(body) as { messages: { content: string }[] }
    const [question, offer] = messages[0]!.content.split('\nAnswer with exactly one of these: ')
    // Who does not know takes the first option on offer.
    const content = knows(question!) ?? offer!.split('; ')[0]!
    response.end(JSON.stringify({ choices: [{ message: { content: `I think it is ${content}` } }] }))
  })
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'canary-'))
  process.env['CANARY_TEST_KEY'] = 'k'.repeat(40)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`
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

async function examined(sealed: string, options: Partial<VerifyOptions> = {}): Promise<Record<string, unknown>> {
  let text = ''
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((text += String(chunk)), true))
  try {
    await verify(sealed, {
      key: 'env:CANARY_TEST_KEY',
      url,
      model: 'suspect',
      answerPath: 'choices.0.message.content',
      perMinute: 600_000,
      timeout: 5,
      journal: join(folder, `${asked}.journal`),
      allowHttp: true,
      allowAddress: ['127.0.0.1/32'],
      json: true,
      ...options,
    })
  } finally {
    output.mockRestore()
  }
  return JSON.parse(text) as Record<string, unknown>
}

test('a model that was taught the canaries is derived, with a p-value far below one in a thousand', async () => {
  const { sealed, taught } = await planned('derived')
  knows = (question) => taught.get(question)
  const report = join(folder, 'report.md')
  const result = await examined(sealed, { report })
  expect(result).toMatchObject({ verdict: 'derived', planted: { asked: 40, hits: 40 } })
  expect(result['pValue']).toBeLessThan(1e-3)
  expect(await readFile(report, 'utf8')).toMatch(/derives from ours[\s\S]*1 in 12[\s\S]*Fisher/)
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
