import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describedConnectors } from '../../connectors/create.ts'
import { formatMistake } from '../../core/errors.ts'
import { runPlaybookCases } from './cases.ts'
import { Catalog } from './catalog.ts'

const folder = new URL('../../playbooks/', import.meta.url)
const files = readdirSync(folder).map((name) => ({
  path: `playbooks/${name}`,
  text: readFileSync(new URL(name, folder), 'utf8'),
}))
const catalog = new Catalog(describedConnectors())
const { results, mistakes } = runPlaybookCases(files, catalog)

describe('the cases beside the playbooks that ship', () => {
  test('every playbook has cases, and none has mistakes', () => {
    expect(mistakes.map(formatMistake)).toEqual([])
    const withCases = new Set(results.map(({ file }) => file.replace('.cases.yml', '.yml')))
    expect(withCases).toEqual(new Set(files.map(({ path }) => path.replace('.cases.yml', '.yml'))))
  })

  test.each(results)('$file: $name', ({ differences }) => {
    expect(differences).toEqual([])
  })

  test('a case whose expectation does not hold says what differs', () => {
    const cases = `cases:\n  - name: wrong\n    incident: { severity: critical }\n    expect: [{ step: tell-slack, state: failed }, { step: tell-fax }, { step: more }]\n`
    const playbook = files.find(({ path }) => path === 'playbooks/notify-on-call.yml')
    const wrong = runPlaybookCases(
      [{ path: 'playbooks/notify-on-call.cases.yml', text: cases }, ...(playbook === undefined ? [] : [playbook])],
      catalog,
    )
    expect(wrong.results[0]?.differences).toEqual([
      'Action 1: state is "done", expected "failed".',
      'Action 2: step is "tell-email", expected "tell-fax".',
      'Expected action 3 (more); there are 2.',
    ])
  })
})
