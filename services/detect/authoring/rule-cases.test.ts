import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../../core/content.ts'
import { formatMistake } from '../../../core/errors.ts'
import { runRuleCases } from './rule-cases.ts'

const root = path.resolve(import.meta.dirname, '../../..')

function filesOf(folder: string): ContentFile[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.yml'))
    .map((name) => ({
      path: name.replaceAll(path.sep, '/'),
      text: readFileSync(path.join(root, folder, name), 'utf8'),
    }))
}

describe('the rules that come with Modelwarden', () => {
  const rules = filesOf('rules')
  const run = runRuleCases(rules, filesOf('sources'))

  test('have no mistakes, nor have their cases', () => {
    expect(run.mistakes.map(formatMistake)).toEqual([])
  })

  test('all have cases beside them', () => {
    expect(run.untested).toEqual([])
    expect(run.results.length).toBeGreaterThan(80)
  })

  for (const { rule, name, differences } of run.results) {
    test(`${rule}: ${name}`, () => expect(differences).toEqual([]))
  }
})

describe('the case runner', () => {
  const rule = {
    path: 'a.yml',
    text: 'title: A\nid: a\nlogsource: {}\ndetection:\n  s: { event.action: Stop }\n  condition: s\nlevel: high\n',
  }
  const cases = (text: string): ContentFile => ({ path: 'a.cases.yml', text })

  test('a case that does not hold says what came instead', () => {
    const run = runRuleCases([
      rule,
      cases('cases: [{ name: x, events: [{ event: { event.action: Stop } }], expect: no match }]'),
    ])
    expect(run.results[0]!.differences).toEqual(['it matched: A'])
  })

  test('a case is wrong about a field of the signal, and hears both values', () => {
    const run = runRuleCases([
      rule,
      cases(
        'cases: [{ name: x, events: [{ event: { event.action: Stop } }], expect: [{ signal: { rule.level: low } }] }]',
      ),
    ])
    expect(run.results[0]!.differences).toEqual(['rule.level is "high", not "low"'])
  })

  test('a case file with a mistake is reported at its place and does not pass for passed', () => {
    const run = runRuleCases([rule, cases('cases:\n  - name: x\n    events: []\n    expct: match\n')])
    expect(run.results).toEqual([])
    expect(run.mistakes.map(({ place }) => place?.line)).toContain(4)
  })

  test('a rule without cases is named', () => {
    expect(runRuleCases([rule]).untested).toEqual(['a.yml'])
  })
})
