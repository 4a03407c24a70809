import { beforeEach, describe, expect, test } from 'vitest'
import type { Action } from '../../core/action.ts'
import type { Decision } from '../../core/decision.ts'
import type { Notice } from '../../core/notice.ts'
import { describedConnectors } from '../../connectors/create.ts'
import { incidentOf } from '../../test/support/incident.ts'
import { Catalog } from './catalog.ts'
import { Rehearsal } from './rehearsal.ts'
import { nextLookMs } from './watch.ts'

const catalog = new Catalog(describedConnectors())
const hourMs = 3_600_000

const revoke = (extra = '', head = '') => `id: revoke
title: Revoke
destructive: true
${head}
trigger:
  severity: high
  for_each: credential
steps:
  - id: revoke
    action: licensing.credential.revoke
    with: { credentialId: '{{subject.id}}', reason: 'Incident {{incident.id}}' }
    on_failure: continue
${extra}  - id: tell
    action: slack.send
    with: { headline: 'It is {{steps.revoke.state}}', notice: '{{notice}}' }
`
const gated = revoke(`    approval:
      role: responder
      expires: 4h
      ask:
        - { id: ask, action: slack.send, with: { headline: 'May we?', notice: '{{notice}}' } }
`)

let stage: Rehearsal
let decisions = 0

function begin(playbook = revoke(), policy: Parameters<Rehearsal['policy']>[0] = { enabled: ['revoke'] }): Rehearsal {
  stage = new Rehearsal(catalog, Date.UTC(2026, 0, 1))
  stage.playbooks([{ path: 'revoke.yml', text: playbook }])
  stage.policy(policy)
  return stage
}

const say = (...incidents: Parameters<typeof incidentOf>) =>
  stage.feed({ kind: 'incident', incident: incidentOf(...incidents) })
const actionOf = (step: string): Action | undefined => stage.actions().find((action) => action.step === step)
const states = () => Object.fromEntries(stage.actions().map(({ step, state }) => [step, state]))
const flags = () => stage.log.flatMap((effect) => (effect.kind === 'flag' ? [effect.flag.code] : []))
const done = () => stage.perform(() => 'done')

type Said = Decision extends infer D
  ? D extends Decision
    ? Omit<D, 'id' | 'at' | 'by' | 'roles' | 'tenant'>
    : never
  : never
function decide(said: Said, roles = ['responder'], by = 'operator:ana'): void {
  const base = { id: `decision-${++decisions}`, at: new Date(stage.nowMs).toISOString(), by, roles, tenant: 'acme' }
  stage.feed({ kind: 'decision', decision: { ...base, ...said } })
}
const approve = (action: Action | undefined, changes: object = {}, roles?: string[]) => {
  decide(
    {
      kind: 'approval',
      incidentId: 'incident-1',
      actionId: action?.id ?? '',
      digest: action?.digest ?? '',
      approved: true,
      ...changes,
    },
    roles,
  )
}

beforeEach(() => {
  begin()
})

describe('from an incident to its actions', () => {
  test('a grave incident lets the revocation go at once, before anything else is asked', () => {
    say()
    expect(states()).toEqual({ revoke: 'reserved' })
    expect(actionOf('revoke')).toMatchObject({
      target: 'credential:key-a',
      args: { credentialId: 'key-a' },
      attempt: 0,
      incidentId: 'incident-1',
    })
  })

  test('the same log gives the same records, ids included', () => {
    say()
    done()
    const first = JSON.stringify(stage.log)
    begin()
    say()
    done()
    expect(JSON.stringify(stage.log)).toBe(first)
  })

  test('further versions of an incident start nothing twice, and a new key in it is acted upon', () => {
    say()
    done()
    say({ version: 2 })
    say({ version: 2 })
    expect(stage.actions()).toHaveLength(2)
    say({
      version: 3,
      entities: [
        { type: 'credential', id: 'key-a' },
        { type: 'credential', id: 'key-b' },
      ],
    })
    done()
    expect(
      stage
        .actions()
        .filter(({ step }) => step === 'revoke')
        .map(({ target }) => target),
    ).toEqual(['credential:key-a', 'credential:key-b'])
  })

  test('an incident that came before the first policy is answered when that comes', () => {
    stage = new Rehearsal(catalog, Date.UTC(2026, 0, 1))
    stage.playbooks([{ path: 'revoke.yml', text: revoke() }])
    say()
    expect(stage.actions()).toEqual([])
    stage.policy({ enabled: ['revoke'] })
    expect(states()).toEqual({ revoke: 'reserved' })
  })

  test('a run keeps to the version of the playbook that it started with', () => {
    say()
    const version = actionOf('revoke')?.playbook.version
    stage.playbooks([{ path: 'revoke.yml', text: revoke().replace('It is', 'Now it is') }])
    done()
    expect(actionOf('tell')?.args['headline']).toBe('It is verified')
    expect(actionOf('tell')?.playbook.version).toBe(version)
  })

  test('an incident merged into another does not have its key revoked a second time', () => {
    say()
    done()
    say({ version: 2, status: 'merged', mergedInto: 'incident-2' })
    say({ id: 'incident-2', supersedes: ['incident-1'] })
    done()
    expect(stage.actions().filter(({ step }) => step === 'revoke')).toHaveLength(1)
    expect(flags()).toEqual(['ACTED_ON_WITHDRAWN'])
  })

  test('an incident that comes after the one that superseded it is not answered a second time, but once it stands alone', () => {
    say({ id: 'incident-2', supersedes: ['incident-1'] })
    done()
    say()
    done()
    expect(stage.actions().filter(({ step }) => step === 'revoke')).toHaveLength(1)
    say({ id: 'incident-2', version: 2, supersedes: [] })
    say({ version: 3 })
    done()
    expect(stage.actions().filter(({ step }) => step === 'revoke')).toHaveLength(2)
  })

  test('beyond ten keys of one incident the rest is left to a person, who is told', () => {
    begin(revoke(), { enabled: ['revoke'], destructivePerPlaybookPerHourMax: 100 })
    say({ entities: Array.from({ length: 14 }, (_, i) => ({ type: 'credential' as const, id: `key-${i}` })) })
    done()
    expect(stage.actions().filter(({ step }) => step === 'revoke')).toHaveLength(10)
    expect(flags()).toEqual(['SUBJECTS_MAX'])
  })

  test('a playbook for what is unanswered keeps still where another answers, and speaks where none does', () => {
    const other =
      "id: other\ntitle: Other\ntrigger: { unanswered: true }\nsteps:\n  - { id: say, action: slack.send, with: { headline: Grave, notice: '{{notice}}' } }\n"
    stage.playbooks([
      { path: 'other.yml', text: other },
      { path: 'revoke.yml', text: revoke() },
    ])
    say()
    say({ id: 'incident-2', entities: [] })
    expect(stage.actions().map(({ incidentId, step }) => [incidentId, step])).toEqual([
      ['incident-1', 'revoke'],
      ['incident-2', 'say'],
    ])
  })

  test('content of an incident can bring no template, no code and no prototype into an action', () => {
    say({ title: '{{incident.id}} {{constructor}} __proto__', id: '{{steps.revoke.state}}' })
    done()
    expect(actionOf('revoke')?.args['reason']).toBe('Incident {{steps.revoke.state}}')
    expect((actionOf('tell')?.args['notice'] as Notice).title).toBe('{{incident.id}} {{constructor}} __proto__')
  })

  test('what is no effect is a dead letter, and stops nothing', () => {
    stage.feed({ kind: 'nonsense' } as never)
    say()
    expect(stage.deadLetters[0]).toContain('NOT_AN_EFFECT')
    expect(states()).toEqual({ revoke: 'reserved' })
  })
})

describe('gates', () => {
  test('a destructive playbook that is not enabled describes what it would do, and says so in its message', () => {
    begin(revoke(), { enabled: [] })
    say()
    done()
    expect(states()).toEqual({ revoke: 'dry-run', tell: 'done' })
    const notice = actionOf('tell')?.args['notice'] as Notice
    expect(notice.dryRun).toBe(true)
    expect(notice.done[0]).toMatch(/^Dry run, not done: Revoke credential key-a/)
    expect(notice.next.join()).toContain('add revoke to respond.enable')
  })

  test('enabling a playbook takes effect for the next run, not in the middle of one', () => {
    begin(gated, { enabled: [] })
    say()
    stage.policy({ enabled: ['revoke'] })
    done()
    expect(states()).toEqual({ revoke: 'dry-run', tell: 'done' })
    say({ id: 'incident-2', entities: [{ type: 'credential', id: 'key-b' }] })
    expect(stage.actions().filter(({ incidentId }) => incidentId === 'incident-2')).toMatchObject([
      { state: 'awaiting-approval' },
      {},
    ])
  })

  test.each([
    ['the key itself', { protected: ['key-a'] }],
    ['the key by a prefix', { protected: ['key-*'] }],
    ['the person whose incident it is', { protected: ['acme/customer-7'] }],
  ])('%s protected by the configuration stays untouched, and a person is told', (_what, policy) => {
    begin(revoke(), { enabled: ['revoke'], ...policy })
    say()
    expect(actionOf('revoke')).toMatchObject({ state: 'refused', reason: 'PROTECTED' })
    expect(flags()).toEqual(['ACTION_REFUSED'])
    expect(stage.notes).toMatchObject([{ kind: 'note', incidentId: 'incident-1', by: 'service:respond' }])
  })

  test('a playbook can protect ids of its own', () => {
    begin(revoke('', 'protected: [acme/customer-7]'))
    say()
    expect(actionOf('revoke')).toMatchObject({ state: 'refused', reason: 'PROTECTED' })
  })

  test('past the cap an action waits for a person, and the cap is free again after an hour', () => {
    begin(revoke(), { enabled: ['revoke'], destructivePerPlaybookPerHourMax: 1 })
    say()
    done()
    say({ id: 'incident-2', entities: [{ type: 'credential', id: 'key-b' }] })
    const held = stage.actions().find(({ target }) => target === 'credential:key-b')
    expect(held).toMatchObject({ state: 'awaiting-approval', reason: 'CAP_REACHED', approval: { role: 'responder' } })
    expect(flags()).toEqual(['CAP_REACHED'])
    approve(held, { incidentId: 'incident-2' })
    expect(stage.actions().find(({ target }) => target === 'credential:key-b')).toMatchObject({
      state: 'reserved',
      approval: { by: 'operator:ana' },
    })
    stage.pass(hourMs + 1)
    say({ id: 'incident-3', entities: [{ type: 'credential', id: 'key-c' }] })
    expect(stage.actions().find(({ target }) => target === 'credential:key-c')?.state).toBe('reserved')
  })

  test('the cap of a tenant counts all playbooks, and no other tenant', () => {
    begin(revoke(), { enabled: ['revoke'], destructivePerTenantPerHourMax: 1 })
    say()
    say({ id: 'incident-2', entities: [{ type: 'credential', id: 'key-b' }] })
    say({ id: 'incident-3', tenant: 'other', entities: [{ type: 'credential', id: 'key-c' }] })
    expect(stage.actions().map(({ target, state }) => [target, state])).toEqual([
      ['credential:key-a', 'reserved'],
      ['credential:key-b', 'awaiting-approval'],
      ['credential:key-c', 'reserved'],
    ])
  })
})

describe('approvals', () => {
  beforeEach(() => {
    begin(gated)
    say()
  })

  test('those who may approve are told how, and their word lets the action go', () => {
    const waiting = actionOf('revoke')
    expect(waiting).toMatchObject({
      state: 'awaiting-approval',
      approval: { role: 'responder', expiresAt: '2026-01-01T04:00:00.000Z' },
    })
    const notice = actionOf('ask')?.args['notice'] as Notice
    expect(notice.approval).toMatchObject({
      actionId: waiting?.id,
      digest: waiting?.digest,
      approve: `npx modelwarden approve ${waiting?.id ?? ''}`,
    })
    approve(waiting)
    expect(actionOf('revoke')).toMatchObject({ state: 'reserved', approval: { by: 'operator:ana' } })
    done()
    expect(states()).toEqual({ revoke: 'verified', ask: 'done', tell: 'done' })
  })

  test.each([
    ['another digest', { digest: 'other' }, ['responder'], /digest differs/],
    ['without the role', {}, ['analyst'], /needs the role responder/],
  ])('a word with %s does not count, and the record says why', (_what, changes, roles, why) => {
    approve(actionOf('revoke'), changes, roles)
    expect(actionOf('revoke')?.state).toBe('awaiting-approval')
    expect(actionOf('revoke')?.summary).toMatch(why)
  })

  test('a word from another tenant is not heard', () => {
    const action = actionOf('revoke')
    const foreign = {
      id: 'd',
      at: action?.at ?? '',
      by: 'operator:eve',
      roles: ['admin'],
      tenant: 'other',
      incidentId: 'incident-1',
    }
    stage.feed({
      kind: 'decision',
      decision: {
        kind: 'approval',
        ...foreign,
        actionId: action?.id ?? '',
        digest: action?.digest ?? '',
        approved: true,
      },
    })
    expect(actionOf('revoke')?.state).toBe('awaiting-approval')
    expect(stage.drops).toContain('unknown-action')
  })

  test('a refusal ends it, with the reason that was given', () => {
    approve(actionOf('revoke'), { approved: false, text: 'This is a test key.' })
    expect(actionOf('revoke')).toMatchObject({
      state: 'refused',
      reason: 'APPROVAL_REFUSED',
      summary: 'Refused by operator:ana: This is a test key.',
    })
  })

  test('after its time an approval is worth nothing, even if no tick came in between', () => {
    stage.nowMs += 4 * hourMs
    approve(actionOf('revoke'))
    expect(actionOf('revoke')).toMatchObject({ state: 'refused', reason: 'APPROVAL_EXPIRED' })
  })

  test('a tick alone lets it expire, and a person is told', () => {
    stage.pass(4 * hourMs)
    expect(actionOf('revoke')).toMatchObject({ state: 'refused', reason: 'APPROVAL_EXPIRED' })
    expect(flags()).toEqual(['APPROVAL_EXPIRED'])
  })

  test('an approval given twice lets the action go once', () => {
    const waiting = actionOf('revoke')
    approve(waiting)
    const { version } = actionOf('revoke') ?? {}
    approve(waiting)
    expect(actionOf('revoke')?.version).toBe(version)
    expect(stage.drops).toContain('not-awaiting-approval')
  })
})

describe('incidents that end', () => {
  test('closing one before it was acted upon stops what is pending', () => {
    say()
    say({ version: 2, status: 'closed', verdict: 'false-positive' })
    expect(states()).toEqual({ revoke: 'refused' })
    expect(actionOf('revoke')?.reason).toBe('WITHDRAWN')
    expect(flags()).toEqual([])
  })

  test.each([
    ['retracted', { status: 'retracted' as const }],
    ['closed as a false positive', { status: 'closed' as const, verdict: 'false-positive' as const }],
  ])('what was done stands when it is %s, and a person is told once', (_what, changes) => {
    say()
    done()
    say({ version: 2, ...changes })
    say({ version: 3, ...changes })
    expect(actionOf('revoke')?.state).toBe('verified')
    expect(flags()).toEqual(['ACTED_ON_WITHDRAWN'])
    expect(stage.notes).toMatchObject([
      { kind: 'note', text: expect.stringContaining('Decide whether to take it back') },
    ])
  })

  test('an action attempted just when its incident is closed is booked as what it is', () => {
    say()
    const reserved = actionOf('revoke') as Action
    say({ version: 2, status: 'closed', verdict: 'undetermined' })
    expect(actionOf('revoke')?.state).toBe('refused')
    // The sidecar's record came to stand behind the closing, with the version that the step has given out too.
    stage.feed({
      kind: 'action',
      action: { ...reserved, state: 'attempted', attempt: 1, version: reserved.version + 1 },
    })
    expect(actionOf('revoke')).toMatchObject({ state: 'attempted', version: 3 })
    stage.feed({
      kind: 'action',
      action: { ...reserved, state: 'verified', attempt: 1, version: reserved.version + 2 },
    })
    expect(actionOf('revoke')).toMatchObject({ state: 'verified', version: 4 })
    expect(flags()).toEqual(['ACTED_ON_WITHDRAWN'])
  })

  test('an action that would be tried again is not, once its incident is closed', () => {
    say()
    const { version, ...reserved } = actionOf('revoke') as Action
    stage.feed({ kind: 'action', action: { ...reserved, state: 'attempted', attempt: 1, version: version + 1 } })
    say({ version: 2, status: 'closed', verdict: 'undetermined' })
    stage.feed({
      kind: 'action',
      action: {
        ...reserved,
        state: 'reserved',
        attempt: 1,
        version: version + 2,
        details: { retryAtMs: stage.nowMs + 500 },
      },
    })
    expect(actionOf('revoke')).toMatchObject({ state: 'refused', reason: 'WITHDRAWN' })
  })

  test('reopened, its run goes on where it was stopped', () => {
    say()
    say({ version: 2, status: 'closed', verdict: 'undetermined' })
    say({ version: 3, status: 'open' })
    expect(states()).toEqual({ revoke: 'reserved' })
    done()
    expect(states()).toEqual({ revoke: 'verified', tell: 'done' })
  })
})

describe('the global stop', () => {
  test('holds what is not attempted, refuses nothing that is under way, and lets go what it held', () => {
    say()
    const under = actionOf('revoke') as Action
    stage.feed({ kind: 'action', action: { ...under, state: 'attempted', attempt: 1, version: 2 } })
    say({ id: 'incident-2', entities: [{ type: 'credential', id: 'key-b' }] })
    decide({ kind: 'global-stop', stopped: true })
    say({ id: 'incident-3', entities: [{ type: 'credential', id: 'key-c' }] })
    const byTarget = () => Object.fromEntries(stage.actions().map(({ target, state }) => [target, state]))
    expect(byTarget()).toEqual({
      'credential:key-a': 'attempted',
      'credential:key-b': 'asked',
      'credential:key-c': 'asked',
    })
    done()
    expect(byTarget()['credential:key-b']).toBe('asked')
    decide({ kind: 'global-stop', stopped: false })
    expect(byTarget()).toMatchObject({ 'credential:key-b': 'reserved', 'credential:key-c': 'reserved' })
  })

  test('is not for everybody', () => {
    decide({ kind: 'global-stop', stopped: true }, ['viewer'])
    say()
    expect(states()).toEqual({ revoke: 'reserved' })
  })

  test('what it has held for a day is given up', () => {
    decide({ kind: 'global-stop', stopped: true })
    say()
    stage.pass(24 * hourMs)
    expect(actionOf('revoke')).toMatchObject({ state: 'refused', reason: 'HELD_TOO_LONG' })
  })
})

describe('taking back', () => {
  const suspend = revoke().replaceAll('credential.revoke', 'credential.suspend')

  beforeEach(() => {
    begin(suspend)
    say()
    done()
  })

  test('an undo reinstates, only where the suspension still stands as we left it, and the action is then undone', () => {
    const suspended = actionOf('revoke') as Action
    decide({ kind: 'undo', incidentId: 'incident-1', actionId: suspended.id })
    const undo = actionOf('undo:revoke')
    expect(undo).toMatchObject({
      state: 'reserved',
      action: 'credential.reinstate',
      target: 'credential:key-a',
      args: { ifActionId: suspended.id },
      approval: { by: 'operator:ana' },
    })
    done()
    expect(states()).toEqual({ revoke: 'undone', tell: 'done', 'undo:revoke': 'verified' })
  })

  test('an undo that fails leaves the action as it is, and a person is told', () => {
    decide({ kind: 'undo', incidentId: 'incident-1', actionId: actionOf('revoke')?.id ?? '' })
    stage.perform(() => 'failed')
    expect(states()).toMatchObject({ revoke: 'verified', 'undo:revoke': 'failed' })
    expect(flags()).toEqual(['UNDO_REFUSED'])
  })

  test('the global stop does not hold a person back', () => {
    decide({ kind: 'global-stop', stopped: true })
    decide({ kind: 'undo', incidentId: 'incident-1', actionId: actionOf('revoke')?.id ?? '' })
    expect(actionOf('undo:revoke')?.state).toBe('reserved')
  })

  test('a second undo of the same action, and one without the role, are refused', () => {
    const actionId = actionOf('revoke')?.id ?? ''
    decide({ kind: 'undo', incidentId: 'incident-1', actionId }, ['viewer'])
    decide({ kind: 'undo', incidentId: 'incident-1', actionId })
    decide({ kind: 'undo', incidentId: 'incident-1', actionId })
    expect(stage.actions().filter(({ step }) => step === 'undo:revoke')).toHaveLength(1)
    expect(flags()).toEqual(['UNDO_REFUSED', 'UNDO_REFUSED'])
  })

  test('a revocation is final', () => {
    begin()
    say()
    done()
    decide({ kind: 'undo', incidentId: 'incident-1', actionId: actionOf('revoke')?.id ?? '' })
    expect(states()).toEqual({ revoke: 'verified', tell: 'done' })
    expect(flags()).toEqual(['UNDO_REFUSED'])
  })
})

describe('a deed that was proven and holds no more', () => {
  const suspend = revoke().replace('licensing.credential.revoke', 'licensing.credential.suspend')
  const dayMs = 24 * hourMs
  const revive = () => {
    const action = actionOf('revoke')!
    const fact = { ...action, version: action.version + 1, state: 'failed', reason: 'REVIVED', summary: 'On again.' }
    stage.feed({ kind: 'action', action: fact as Action })
  }
  beforeEach(() => {
    begin(suspend)
    say()
    done()
    stage.notes.length = 0
  })

  test('fails after all: its incident is flagged in words and opened again, once', () => {
    expect(stage.book.watched()).toEqual([actionOf('revoke')?.id])
    revive()
    revive()
    expect(states()).toMatchObject({ revoke: 'failed' })
    expect(stage.notes).toMatchObject([
      {
        kind: 'note',
        incidentId: 'incident-1',
        by: 'service:respond',
        text: expect.stringMatching(/^REVIVED: .*On again/),
      },
      { kind: 'reopen', incidentId: 'incident-1' },
    ])
    expect(stage.book.watched()).toEqual([])
  })

  test('opens the incident that has taken its own in', () => {
    say({ version: 2, status: 'merged', mergedInto: 'incident-2' })
    say({ id: 'incident-2', supersedes: ['incident-1'] })
    revive()
    expect(stage.notes.slice(-2)).toMatchObject([
      { incidentId: 'incident-2' },
      { kind: 'reopen', incidentId: 'incident-2' },
    ])
  })

  test('is no news once somebody here has asked for it back, whatever comes of that', () => {
    decide({ kind: 'undo', incidentId: 'incident-1', actionId: actionOf('revoke')?.id ?? '' })
    revive()
    expect([states()['revoke'], flags()]).toEqual(['verified', []])
    done()
    expect([states()['revoke'], stage.book.watched()]).toEqual(['undone', []])
  })

  test('goes on being watched when the undo failed, and for 30 days', () => {
    decide({ kind: 'undo', incidentId: 'incident-1', actionId: actionOf('revoke')?.id ?? '' })
    stage.perform(() => 'failed')
    expect(stage.book.watched()).toHaveLength(1)
    stage.pass(29 * dayMs)
    expect(stage.book.watched()).toHaveLength(1)
    stage.pass(2 * dayMs)
    expect(stage.book.watched()).toEqual([])
  })

  test('is looked at after a minute, then in gaps that double up to a day', () => {
    const looks: number[] = []
    for (let at = nextLookMs(0, undefined, 60_000); at !== Infinity; at = nextLookMs(0, at, 60_000))
      looks.push(at / 60_000)
    expect(looks.slice(0, 4)).toEqual([1, 3, 7, 15])
    expect(looks.length).toBeLessThan(45)
    expect(looks.at(-1)).toBeGreaterThan((29 * dayMs) / 60_000)
  })
})

describe('waiting, and forgetting', () => {
  test('a wait ends with the time of the log, not before', () => {
    begin(revoke('  - id: pause\n    wait: 10m\n'))
    say()
    done()
    stage.pass(9 * 60_000)
    expect(states()).toEqual({ revoke: 'verified' })
    stage.pass(60_000)
    expect(states()).toEqual({ revoke: 'verified', tell: 'reserved' })
  })

  test('what nobody can ask about any more is forgotten', () => {
    say()
    done()
    stage.pass(91 * 24 * hourMs)
    expect(
      [...stage.state.entries('')]
        .map(([key]) => key)
        .filter((key) => /^(incident|run|action|playbook|caps|target)\//.test(key)),
    ).toEqual([])
  })

  test('a message that was sent is not kept', () => {
    say()
    done()
    expect(stage.book.action(actionOf('tell')?.id ?? '')).toBeUndefined()
    expect(stage.book.action(actionOf('revoke')?.id ?? '')).toBeDefined()
  })
})
