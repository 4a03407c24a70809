import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { formatMistake } from '../../core/errors.ts'
import { runSourceCases } from './cases.ts'
import { compileSources } from './compile.ts'
import { conversions } from './convert.ts'
import { SourceDefinition } from './definition.ts'

const folder = new URL('../../sources/', import.meta.url)
const shipped = readdirSync(folder).map((name) => ({
  path: `sources/${name}`,
  text: readFileSync(new URL(name, folder), 'utf8'),
}))

describe('the sources that ship', () => {
  const run = runSourceCases(shipped)

  test('have no mistakes', () => {
    expect(run.mistakes.map(formatMistake)).toEqual([])
  })

  test('have cases, each of them', () => {
    const withCases = new Set(run.results.map((result) => result.source))
    expect([...compileSources(shipped).sources.keys()].filter((name) => !withCases.has(name))).toEqual([])
  })

  test.each(run.results.map((result) => [`${result.source}: ${result.name}`, result] as const))(
    '%s',
    (_name, result) => {
      expect(result.differences).toEqual([])
    },
  )
})

describe('a case that does not hold', () => {
  const source = shipped.find((file) => file.path === 'sources/canary.yml')!
  const cases = (text: string) =>
    runSourceCases([source, { path: 'sources/canary.cases.yml', text: `source: canary\ncases:\n${text}` }])
  const record = "record: { id: c, type: suspect_answer, ts: '2026-03-02T00:00:00Z', tenant: t, model: m }"

  test('says which field differs and where the case stands', () => {
    const { results } = cases(`  - name: a\n    ${record}\n    event: { warden.model.id: other }`)
    expect(results[0]?.differences[0]).toContain('warden.model.id is "m", not "other"')
    expect(results[0]?.place).toMatchObject({ file: 'sources/canary.cases.yml', line: 3 })
  })

  test('a refusal where an event is meant, and the other way round, are differences', () => {
    expect(cases(`  - name: a\n    ${record}\n    refused: TIME_MISSING`).results[0]?.differences).not.toEqual([])
    expect(cases('  - name: a\n    record: { id: 1 }\n    event: {}').results[0]?.differences).not.toEqual([])
    expect(cases('  - name: a\n    raw: "{"\n    refused: NOT_JSON').results[0]?.differences).toEqual([])
  })

  test('a case without expectation is a mistake in the file', () => {
    expect(cases(`  - name: a\n    ${record}`).mistakes[0]?.message).toContain('expects one of')
  })
})

describe('the example of docs/sources.md', () => {
  const blocks = [
    ...readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8').matchAll(/```yaml\n([^]*?)```/g),
  ]
  const [source, cases] = blocks.map((block) => block[1]!)
  const run = runSourceCases([
    ...shipped,
    { path: 'sources/acme.vault.yml', text: source! },
    { path: 'sources/acme.vault.cases.yml', text: cases! },
  ])

  test('compiles, and its cases hold', () => {
    expect(run.mistakes.map(formatMistake)).toEqual([])
    const results = run.results.filter((result) => result.source === 'acme.vault')
    expect(results).toHaveLength(2)
    expect(results.flatMap((result) => result.differences)).toEqual([])
  })

  test('names every conversion and every key that there is', () => {
    const page = readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8')
    const missing = [...Object.keys(conversions), ...Object.keys(SourceDefinition.shape)].filter(
      (name) => !page.includes(`\`${name}\``),
    )
    expect(missing).toEqual([])
  })
})
