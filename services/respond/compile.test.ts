import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describedConnectors } from '../../connectors/create.ts'
import { formatMistake } from '../../core/errors.ts'
import { Catalog } from './catalog.ts'
import { compilePlaybooks } from './compile.ts'

const catalog = new Catalog(describedConnectors())
const folder = new URL('../../playbooks/', import.meta.url)

const valid = `id: sample
title: A sample
destructive: true
trigger:
  severity: high
  for_each: credential
steps:
  - id: revoke
    action: licensing.credential.revoke
    with: { credentialId: '{{subject.id}}', reason: 'Because of {{incident.title}}' }
    on_failure: tell
  - id: pause
    wait: 10m
  - id: tell
    when: { steps.revoke.state: { in: [verified, failed] }, incident.severity: { gte: high } }
    action: slack.send
    with: { headline: 'Done', notice: '{{notice}}' }
`

const compile = (text: string) => compilePlaybooks([{ path: 'sample.yml', text }], catalog)
const complaints = (text: string): string[] => compile(text).mistakes.map(formatMistake)

describe('playbooks as files', () => {
  test('every playbook that ships compiles, and says that it is destructive where it is', () => {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.yml'))
      .map((name) => ({ path: `playbooks/${name}`, text: readFileSync(new URL(name, folder), 'utf8') }))
    const { playbooks, mistakes } = compilePlaybooks(files, catalog)
    expect(mistakes.map(formatMistake)).toEqual([])
    expect(Object.fromEntries(playbooks.map(({ id, destructive }) => [id, destructive]))).toEqual({
      'contain-exfiltration': true,
      'notify-on-call': false,
      'notify-revived': false,
      'revoke-stolen-key': true,
    })
  })

  test('the same text always gets the same version, comments and order of keys aside; another text another one', () => {
    const [first] = compile(valid).playbooks
    const [commented] = compile(`# a comment\n${valid}`).playbooks
    const [other] = compile(valid.replace('10m', '11m')).playbooks
    expect(commented?.version).toBe(first?.version)
    expect(other?.version).not.toBe(first?.version)
  })

  test.each([
    [
      'an unknown key',
      valid.replace('title: A sample', 'title: A sample\ntitel: x'),
      'sample.yml:3:1: PLAYBOOK_INVALID: Unknown key "titel".',
    ],
    [
      'an unknown key of a step',
      valid.replace('wait: 10m', 'wait: 10m\n    waiting: 3'),
      'sample.yml:14:5: PLAYBOOK_INVALID: Unknown key "waiting" at steps.1.',
    ],
    [
      'an unknown connector',
      valid.replace('slack.send', 'slak.send'),
      'sample.yml:16:13: PLAYBOOK_INVALID: There is no action "slak.send"',
    ],
    [
      'a missing argument',
      valid.replace("credentialId: '{{subject.id}}', ", ''),
      'sample.yml:10:11: PLAYBOOK_INVALID:',
    ],
    [
      'an unknown argument',
      valid.replace("headline: 'Done',", "headline: 'Done', urgent: true,"),
      'sample.yml:17:11: PLAYBOOK_INVALID:',
    ],
    [
      'an unknown path',
      valid.replace('{{incident.title}}', '{{incident.__proto__}}'),
      'sample.yml:10:53: PLAYBOOK_INVALID: "incident.__proto__" is not a known path',
    ],
    [
      'code in a template',
      valid.replace('{{incident.title}}', '{{1+1}}'),
      'sample.yml:10:53: PLAYBOOK_INVALID: "1+1" is not a known path',
    ],
    [
      'a step spoken of before it ran',
      valid.replace('{{incident.title}}', '{{steps.tell.state}}'),
      'sample.yml:10:53: PLAYBOOK_INVALID: there is no step "tell" before this one.',
    ],
    [
      'a jump to nowhere',
      valid.replace('on_failure: tell', 'on_failure: nowhere'),
      'sample.yml:11:17: PLAYBOOK_INVALID: on_failure is stop, continue, or the id of a later step',
    ],
    [
      'a jump backward',
      valid.replace('wait: 10m', 'wait: 10m\n    on_failure: revoke'),
      'sample.yml:14:17: PLAYBOOK_INVALID: on_failure is stop',
    ],
    [
      'an id used twice',
      valid.replace('id: pause', 'id: revoke'),
      'sample.yml:12:9: PLAYBOOK_INVALID: The id "revoke" is there twice.',
    ],
    [
      'a destructive playbook that does not say so',
      valid.replace('destructive: true', 'destructive: false'),
      'sample.yml:3:14: PLAYBOOK_INVALID: An action of this playbook is destructive',
    ],
    [
      'an unknown comparison',
      valid.replace('{ gte: high }', '{ above: high }'),
      'PLAYBOOK_INVALID: unknown comparison "above"',
    ],
    ['a duration without unit', valid.replace('wait: 10m', 'wait: 10'), 'sample.yml:13:11: PLAYBOOK_INVALID:'],
    [
      'a step that is two things',
      valid.replace('wait: 10m', 'wait: 10m\n    action: slack.send'),
      'sample.yml:12:5: PLAYBOOK_INVALID: A step has exactly one of',
    ],
    [
      'a notice inside text',
      valid.replace("'{{notice}}'", "'see {{notice}}'"),
      'PLAYBOOK_INVALID: {{notice}} stands alone',
    ],
    [
      'braces that never close',
      valid.replace('{{incident.title}}', '{{incident.title'),
      'sample.yml:10:53: PLAYBOOK_INVALID:',
    ],
  ])('%s is a mistake at its place', (_what, text, expected) => {
    const found = complaints(text)
    expect(found.join('\n')).toContain(expected)
    expect(compile(text).playbooks).toEqual([])
  })

  test('all mistakes of all files are reported, and a second playbook of the same id is one', () => {
    const broken = valid.replace('wait: 10m', 'wait: soon').replace('{{incident.title}}', '{{x}}')
    const { mistakes, playbooks } = compilePlaybooks(
      [
        { path: 'a.yml', text: valid },
        { path: 'b.yml', text: valid },
        { path: 'c.yml', text: broken },
        { path: 'd.yml', text: 'id: [' },
      ],
      catalog,
    )
    expect(playbooks).toHaveLength(1)
    expect(new Set(mistakes.map(({ place }) => place?.file))).toEqual(new Set(['b.yml', 'c.yml', 'd.yml']))
  })

  test('cases beside a playbook are not taken for one', () => {
    expect(compilePlaybooks([{ path: 'sample.cases.yml', text: 'cases: []' }], catalog)).toEqual({
      playbooks: [],
      mistakes: [],
    })
  })
})
