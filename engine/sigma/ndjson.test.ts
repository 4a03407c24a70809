import { describe, expect, it } from 'vitest'
import { compileSigma } from './compile.ts'
import { createMatcher } from './matcher.ts'
import { EventLines } from './ndjson.ts'

const rule = (title: string, logsource: string, detection: string): string =>
  `title: ${title}\nlogsource: ${logsource}\ndetection:\n  a: ${detection}\n  condition: a\n`

function linesOf(text: string, chunkChars = text.length): { matches: string[]; bad: string[]; events: number } {
  const { rules, mistakes } = compileSigma([
    {
      path: 'a.yml',
      text: rule('Windows', '{ product: windows, category: process_creation }', "{ Image|endswith: '\\a.exe' }"),
    },
    { path: 'b.yml', text: rule('Linux', '{ product: linux }', '{ user.name: root }') },
  ])
  expect(mistakes).toEqual([])
  const matches: string[] = []
  const bad: string[] = []
  const lines = new EventLines(createMatcher(rules, 'open'), {
    onMatch: (line, found) => matches.push(`${line} ${found.meta.title}`),
    onBadLine: (line, message) => bad.push(`${line} ${message}`),
  })
  for (let at = 0; at < text.length; at += chunkChars) lines.write(text.slice(at, at + chunkChars))
  lines.end()
  return { matches, bad, events: lines.events }
}

const stream = [
  '{"Image":"C:\\\\A.EXE"}',
  '',
  'no json',
  '{"user":{"name":"Root"}}',
  '[1]',
  '{"user.name":"root","product":"Linux"}',
  '{"user.name":"root","product":"windows"}',
  '{"user.name":"root","warden":{"logsource":{"category":"process_creation"}}}',
].join('\n')

describe('events as lines of JSON', () => {
  it('match under the number of their line, bad and empty lines counted', () => {
    const { matches, bad, events } = linesOf(stream)
    expect(matches).toEqual(['0 Windows', '3 Linux', '5 Linux'])
    expect(bad).toEqual(['2 The line is not JSON.', '4 An event is a JSON object.'])
    expect(events).toBe(5)
  })

  it('match the same wherever the stream is cut into pieces', () => {
    for (const chunkChars of [1, 7, 64]) expect(linesOf(stream, chunkChars)).toEqual(linesOf(stream))
  })

  it('without a log source of their own are ruled out by what they say, and by nothing that they leave open', () => {
    expect(linesOf('{"Image":"\\\\a.exe","product":" "}').matches).toEqual(['0 Windows'])
    expect(linesOf('{"Image":"\\\\a.exe","category":"PROCESS_creation"}').matches).toEqual(['0 Windows'])
    expect(linesOf('{"Image":"\\\\a.exe","product":"windows","category":"dns_query"}').matches).toEqual([])
    expect(linesOf('{"Image":"\\\\a.exe","product":"a product that no rule names"}').matches).toEqual([])
  })

  it('with a log source of their own meet the rules of that log alone', () => {
    expect(linesOf('{"Image":"\\\\a.exe","warden":{"logsource":{"product":"windows"}}}').matches).toEqual([])
  })
})
