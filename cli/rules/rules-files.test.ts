import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { readEventsFile } from './events-file.ts'
import { junitOf } from './junit.ts'
import { sarifOf } from './sarif.ts'

async function read(name: string, content: string | Buffer): Promise<unknown[]> {
  const path = join(await temporaryFolder(), name)
  writeFileSync(path, content)
  const seen: unknown[] = []
  await readEventsFile({
    path,
    onEvent: (event, number) => seen.push([number, event]),
    onBroken: (number, problem) => seen.push([number, problem]),
  })
  return seen
}

test('events of one a line are numbered by line from 0, blank and broken lines included', async () => {
  const lines = '{"a":1}\n\n{"a":\n[1]\n{"a":2}'
  const wanted = [[0, { a: 1 }], [2, 'It is not JSON.'], [3, 'An event is a JSON object.'], [4, { a: 2 }]] // prettier-ignore
  expect(await read('a.ndjson', lines)).toEqual(wanted)
  expect(await read('a.ndjson.gz', gzipSync(lines))).toEqual(wanted)
})

test('an array, and objects laid out over several lines, are numbered by their place', async () => {
  expect(await read('a.json', '[\n {"a":1},\n {"a":\n  2}\n]')).toEqual([[0, { a: 1 }], [1, { a: 2 }]]) // prettier-ignore
  expect(await read('b.json', '{\n "a": 1\n}\n{\n "a": 2\n}\n')).toEqual([[0, { a: 1 }], [1, { a: 2 }]]) // prettier-ignore
})

test('a line longer than a chunk is one event', async () => {
  const long = 'x'.repeat(3_000_000)
  expect(await read('a.ndjson', `{"a":"${long}"}\n{"a":2}\n`)).toEqual([[0, { a: long }], [1, { a: 2 }]]) // prettier-ignore
})

test('a file of events that is not there is told by name, and by nothing else', async () => {
  const path = join(await temporaryFolder(), 'nowhere.ndjson')
  const nothing = (): void => undefined
  const reading = readEventsFile({ path, onEvent: nothing, onBroken: nothing })
  await expect(reading).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining(path) })
  // What a stream of it would say, it would say after that.
  await new Promise((resolve) => setTimeout(resolve, 50))
})

test('a JUnit report keeps hostile names as text, and counts failures and mistakes', () => {
  const place = { file: 'a.cases.yml', line: 3, column: 1 }
  const xml = junitOf(
    [
      { rule: 'a.yml', name: '"><script>\u0000\u001b[2J', place, differences: ['a < b & c'] },
      { rule: 'a.yml', name: 'fine', place, differences: [] },
    ],
    [{ code: 'X', message: 'y' }],
    0.5,
  )
  expect(xml).toContain('tests="3" failures="1" errors="1"')
  expect(xml).toContain('name="&quot;&gt;&lt;script&gt;\ufffd\ufffd[2J"')
  expect(xml).toContain('a &lt; b &amp; c</failure>')
})

test('a SARIF report places each finding', () => {
  const place = { file: 'my rules/a.yml', line: 3, column: 5 }
  const text = JSON.stringify(sarifOf([{ severity: 'warning', code: 'X', message: 'm', place }]))
  expect(text).toContain('"uri":"my%20rules/a.yml"')
  expect(text).toContain('"startLine":3,"startColumn":5')
})
