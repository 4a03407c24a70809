import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseYaml } from './yaml.ts'
import { readPlainYaml } from './yaml-plain.ts'

/** What the full parser makes of a text; undefined where it has mistakes or several documents. */
function full(text: string): { readonly value: unknown } | undefined {
  const documents = parseAllDocuments(text, { stringKeys: true, uniqueKeys: true, strict: true, version: '1.2' })
  const [first, second] = 'empty' in documents ? [] : documents
  if (first === undefined || second !== undefined || first.errors.length > 0 || first.warnings.length > 0)
    return undefined
  return { value: first.toJS() as unknown }
}

const pieces = fc.constantFrom(
  'a: ',
  'b|all: ',
  "'|all': ",
  'key:',
  '- ',
  '\n',
  '\n  ',
  '\n    ',
  "'it''s'",
  '"q\\n"',
  '"\\u0410\\ud83d\\ude00"',
  '":\\u00"',
  ':\\x',
  ': y',
  'plain text',
  'true',
  'null',
  '~',
  '12',
  '007',
  '0x1f',
  '-1.5e3',
  '-enc',
  '2024-01-01',
  '*x',
  '&x',
  '|\n    block\n\n    more',
  '|-\n      x',
  '>',
  '[a, b]',
  '[]',
  '{}',
  ' # comment',
  '#',
  'http://x',
  'x: y',
  '---\n',
  '\t',
  ' ',
  '__proto__: 1',
)

describe('YAML read the plain way', () => {
  it('is what the full parser reads, or is left to it', () => {
    let read = 0
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (drawn) => {
        const text = `a: 1\n${drawn.join('')}`
        const plain = readPlainYaml(text)
        if (plain === undefined) return
        read++
        expect({ text, value: plain.value }).toEqual({ text, ...full(text) })
      }),
      { numRuns: 20_000 },
    )
    expect(read).toBeGreaterThan(500)
  })

  it('is a rule in the form that most rules have', () => {
    const text = `title: A rule
id: 9f3c8f0e-0000-4000-8000-000000000001
description: |
    What it finds,
    in two lines: with a colon.

references:
    - https://example.org/a#b
tags:
    - attack.t1003
logsource:
    category: process_creation # a comment
detection:
    selection_img:
        - Image|endswith: '\\a.exe'
        - OriginalFileName: 'It''s.exe'
    keywords:
        '|all':
            - "q\\"uoted"
            - -enc
    filter:
        User: null
        Level: 3
    condition: 1 of selection_* and not filter
falsepositives: []
level: high
`
    const read = readPlainYaml(text)
    expect(read).toBeDefined()
    expect(read?.value).toEqual(full(text)?.value)
  })

  it('is the same for what ships, as far as it is read', () => {
    for (const path of globSync('{rules,sources,playbooks}/**/*.yml')) {
      const text = readFileSync(path, 'utf8')
      const read = readPlainYaml(text)
      if (read !== undefined) expect({ path, value: read.value }).toEqual({ path, ...full(text) })
    }
  })

  it('still knows where everything stands', () => {
    const parsed = parseYaml({ path: 'r.yml', text: '# first\ntitle: T\nlist:\n  - one\n  - two: 007\n' })
    expect(parsed.place([])).toEqual({ file: 'r.yml', line: 2, column: 1 })
    expect(parsed.place(['list', 1, 'two'])).toEqual({ file: 'r.yml', line: 5, column: 10 })
    expect(parsed.keyPlace(['list'])).toEqual({ file: 'r.yml', line: 3, column: 1 })
    expect(parsed.writtenNumber(['list', 1, 'two'])).toBe('007')
  })
})
