import { describe, expect, it } from 'vitest'
import type { Action } from '../../core/action.ts'
import { Control } from '../../core/control.ts'
import { credentialId } from '../../core/ids.ts'
import { LicenseRecord, type Credential, type License } from '../../core/license.ts'
import { topics } from '../../core/topics.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { attempted } from '../../test/support/licensing.ts'
import { Command, commandsRelay } from './commands.ts'
import { fileAuthor, LicensingLogic } from './logic.ts'
import { licensesTelling } from './telling.ts'

const key = new Uint8Array(32).fill(7)
const idOf = (secret: string) => credentialId(secret, key)
const startMs = Date.parse('2026-05-01T12:00:00Z')

/** A licensing with its log: each call appends one command, and gives what came of it. */
function licensing(state = new MemoryState()) {
  const log: unknown[] = []
  let logic = new LicensingLogic({ state })
  const take = (command: unknown) => {
    const offset = log.push(command) - 1
    const out = new CollectedOutcome()
    const record = {
      topic: topics.licenseCommands,
      partition: 0,
      offset,
      key: 'licensing',
      value: Buffer.from(JSON.stringify(command)),
      headers: {},
      appendedMs: startMs + offset * 1_000,
      arrivedMs: startMs,
    }
    logic.record(record, out)
    const records = out.emitted.map((output) => LicenseRecord.parse(output.value))
    return {
      records,
      keys: out.emitted.map((output) => output.key),
      reasons: out.dropped.map((drop) => drop.reason),
      out,
    }
  }
  return {
    take,
    restart: () => {
      const saved = state.takeChanges()
      const restored = new MemoryState()
      for (const [entry, json] of saved) if (json !== null) restored.restore(entry, JSON.parse(json))
      state = restored
      logic = new LicensingLogic({ state })
    },
  }
}

const order = (verb: string, args: Record<string, unknown>, more: Partial<Action> = {}) => ({
  kind: 'action',
  action: attempted(verb, args, { version: 3, at: '2026-05-01T12:00:00Z', arrivedMs: 42, ...more }),
})

let decisions = 0
const signed = (tenant: string) => ({
  id: `decision-${++decisions}`,
  at: '2026-05-01T12:00:00Z',
  by: 'operator:ana',
  roles: ['admin'],
  tenant,
})
const credential = (secret: string, more: Partial<Credential> = {}): Credential => ({
  id: idOf(secret),
  tenant: 'acme',
  principal: 'acme/bob',
  licenseId: 'acme-api',
  ...more,
})
const put = (value: Credential, more: Record<string, unknown> = {}) => ({
  kind: 'decision',
  decision: { ...signed(value.tenant), kind: 'credential.put', credential: value, ...more },
})
const license: License = { id: 'acme-api', tenant: 'acme', models: ['*'], form: 'api', tier: 'standard' }
const putLicense = (value: License, more: Record<string, unknown> = {}) => ({
  kind: 'decision',
  decision: { ...signed(value.tenant), kind: 'license.put', license: value, ...more },
})

describe('licensing', () => {
  it('registers licenses and credentials under their keys, with versions that grow', () => {
    const { take } = licensing()
    expect(take(putLicense(license))).toMatchObject({
      keys: ['license/acme-api'],
      records: [{ kind: 'license', version: 1 }],
    })
    expect(take(put(credential('one')))).toMatchObject({
      keys: [`credential/${idOf('one')}`],
      records: [{ state: 'active', version: 2, updatedAt: '2026-05-01T12:00:01.000Z' }],
    })
    const [changed] = take(putLicense({ ...license, requestsPerDayMax: 5 })).records
    expect(changed).toMatchObject({ license: { requestsPerDayMax: 5 }, version: 3 })
  })

  it('suspends, reinstates and revokes, and says why and by which action', () => {
    const { take } = licensing()
    const id = idOf('one')
    take(put(credential('one')))
    expect(
      take(order('suspend', { credentialId: id, reason: 'odd\u0000\nhours' }, { id: 'a1' })).records,
    ).toMatchObject([{ state: 'suspended', reason: 'odd hours', actionId: 'a1', arrivedMs: 42 }])
    expect(take(order('reinstate', { credentialId: id, ifActionId: 'a1' }, { id: 'a2' })).records).toMatchObject([
      { state: 'active', actionId: 'a2' },
    ])
    expect(take(order('revoke', { credentialId: id }, { id: 'a3' })).records).toMatchObject([
      { state: 'revoked', actionId: 'a3' },
    ])
  })

  it('never brings a revoked credential back: not by reinstating, suspending, registering, nor undoing', () => {
    const { take } = licensing()
    const id = idOf('one')
    take(put(credential('one')))
    take(order('revoke', { credentialId: id }, { id: 'r' }))
    for (const command of [
      order('reinstate', { credentialId: id }),
      order('reinstate', { credentialId: id, ifActionId: 'r' }),
      order('suspend', { credentialId: id, ifActionId: 'r' }),
      order('reinstate', { principal: 'acme/bob' }, { tenant: 'operator' }),
    ]) {
      expect(take(command)).toMatchObject({ records: [], reasons: ['revoked-is-final'] })
    }
    const [again] = take(put(credential('one', { label: 'new name' }))).records
    expect(again).toMatchObject({ state: 'revoked', actionId: 'r', credential: { label: 'new name' } })
    expect(again).not.toHaveProperty('arrivedMs')
  })

  it('remembers a deny for a credential that nobody knows, and keeps it when that is registered later', () => {
    for (const verb of ['suspend', 'revoke']) {
      const { take } = licensing()
      const state = verb === 'suspend' ? 'suspended' : 'revoked'
      expect(take(order(verb, { credentialId: idOf('late') })).records).toMatchObject([
        { state, credential: { tenant: 'acme' } },
      ])
      expect(take(put(credential('late'))).records).toMatchObject([{ state, credential: { principal: 'acme/bob' } }])
    }
    const { take } = licensing()
    expect(take(order('reinstate', { credentialId: idOf('never') })).reasons).toEqual(['credential-unknown'])
  })

  it('does nothing for an action attempted again, even after it was undone', () => {
    const { take } = licensing()
    const id = idOf('one')
    take(put(credential('one')))
    const suspend = order('suspend', { credentialId: id }, { id: 'a1' })
    take(suspend)
    expect(take({ ...suspend, action: { ...suspend.action, attempt: 2, version: 4 } }).reasons).toEqual(['repeated'])
    take(order('reinstate', { credentialId: id, ifActionId: 'a1' }))
    expect(take(suspend)).toMatchObject({ records: [], reasons: ['repeated'] })
  })

  it('an undo takes back its own suspension only: another one stays in force', () => {
    const { take } = licensing()
    const id = idOf('one')
    take(put(credential('one')))
    take(order('suspend', { credentialId: id }, { id: 'a1' }))
    take(order('suspend', { credentialId: id }, { id: 'a2' }))
    expect(take(order('reinstate', { credentialId: id, ifActionId: 'a2' })).records).toMatchObject([
      { state: 'suspended', actionId: 'a1' },
    ])
    expect(take(order('reinstate', { credentialId: id, ifActionId: 'a2' })).reasons).toEqual(['not-put-by-that-action'])
    expect(take(order('reinstate', { credentialId: id, ifActionId: 'a1' })).records).toMatchObject([
      { state: 'active' },
    ])
    expect(take(order('reinstate', { credentialId: id })).reasons).toEqual(['not-suspended'])
  })

  it('takes a principal for all its known credentials, those named after a key included', () => {
    const { take } = licensing()
    take(put(credential('one')))
    take(put(credential('two')))
    take(put(credential('other', { principal: 'acme/eve' })))
    const { records } = take(order('revoke', { principal: 'acme/bob' }))
    expect(records.map((record) => record.kind === 'credential' && record.credential.id)).toEqual(
      [idOf('one'), idOf('two')].sort(),
    )
    expect(take(order('revoke', { principal: `acme/${idOf('bare')}` })).records).toMatchObject([
      { credential: { id: idOf('bare') } },
    ])
    expect(take(order('revoke', { principal: 'acme/nobody' })).reasons).toEqual(['principal-unknown'])
    // A key issued afterwards is a new one.
    expect(take(put(credential('three'))).records).toMatchObject([{ state: 'active' }])
  })

  it('keeps tenants apart: only the operator reaches across', () => {
    const { take } = licensing()
    take(put(credential('theirs', { tenant: 'globex', principal: 'globex/ann' })))
    for (const args of [{ credentialId: idOf('theirs') }, { principal: 'globex/ann' }]) {
      expect(take(order('revoke', args))).toMatchObject({ records: [], reasons: ['foreign-tenant'] })
    }
    expect(take(put(credential('theirs'))).reasons).toEqual(['foreign-tenant'])
    expect(take(put(credential('mine'), { tenant: 'globex' })).reasons).toEqual(['foreign-tenant'])
    take(putLicense({ ...license, id: 'shared', tenant: 'globex' }))
    expect(take(putLicense({ ...license, id: 'shared' })).reasons).toEqual(['foreign-tenant'])
    expect(take(order('revoke', { principal: 'globex/ann' }, { tenant: 'operator' })).records).toMatchObject([
      { state: 'revoked' },
    ])
  })

  it('does not remember an order against a principal of another tenant, and forgets whose a key was before', () => {
    const { take } = licensing()
    const foreign = take(order('revoke', { principal: `globex/${idOf('bare')}` }))
    expect(foreign).toMatchObject({ records: [], reasons: ['foreign-tenant'] })
    take(put(credential('one')))
    take(put(credential('one', { principal: 'acme/eve' })))
    expect(take(order('revoke', { principal: 'acme/bob' })).reasons).toEqual(['principal-unknown'])
    expect(take(order('revoke', { principal: 'acme/eve' })).records).toMatchObject([{ state: 'revoked' }])
  })

  it('lets nobody but an administrator register, and no principal of another tenant', () => {
    const { take } = licensing()
    expect(take(put(credential('one'), { roles: ['analyst'] })).reasons).toEqual(['role-missing'])
    expect(take(put(credential('one', { principal: 'acmeevil/bob' }))).out.deadLetters).toMatchObject([
      { code: 'FIELD_INVALID' },
    ])
  })

  it('a file published again at each start changes nothing, and does not undo what was put since', () => {
    const { take } = licensing()
    const fromFile = { id: 'file-1', by: fileAuthor }
    take(putLicense({ ...license, requestsPerDayMax: 100 }, fromFile))
    take(putLicense({ ...license, requestsPerDayMax: 50 }))
    expect(take(putLicense({ ...license, requestsPerDayMax: 100 }, fromFile))).toMatchObject({
      records: [],
      reasons: ['repeated'],
    })
    // An edited file is news, and so is one that was edited back.
    expect(
      take(putLicense({ ...license, requestsPerDayMax: 70 }, { id: 'file-2', by: fileAuthor })).records,
    ).toHaveLength(1)
    expect(take(putLicense({ ...license, requestsPerDayMax: 100 }, fromFile)).records).toMatchObject([
      { license: { requestsPerDayMax: 100 } },
    ])
  })

  it('goes on after a restart where it was', () => {
    const stage = licensing()
    stage.take(put(credential('one')))
    stage.take(order('suspend', { principal: 'acme/bob' }, { id: 'a1' }))
    stage.restart()
    expect(stage.take(order('suspend', { principal: 'acme/bob' }, { id: 'a1' })).reasons).toEqual(['repeated'])
    expect(stage.take(order('reinstate', { principal: 'acme/bob', ifActionId: 'a1' })).records).toMatchObject([
      { state: 'active', version: 4 },
    ])
  })

  it('versions grow past those written before the state was lost', () => {
    const first = licensing()
    const commands = [
      put(credential('one')),
      order('suspend', { credentialId: idOf('one') }),
      order('reinstate', { credentialId: idOf('one') }),
    ]
    const before = commands.flatMap((command) => first.take(command).records).map((record) => record.version)
    const again = licensing()
    const after = commands.flatMap((command) => again.take(command).records).map((record) => record.version)
    expect(after).toEqual(before)
    expect(again.take(order('revoke', { credentialId: idOf('one') })).records[0]!.version).toBeGreaterThan(
      Math.max(...before),
    )
  })

  it('turns what has not the form of a command into a dead letter, without repeating its values', () => {
    const { take } = licensing()
    const secret = 'sk-very-secret'
    for (const args of [
      { reason: 'x' },
      { credentialId: secret, principal: secret },
      { credentialId: '' },
      { credentialId: secret, x: 1 },
    ]) {
      const { out } = take(order('revoke', args))
      expect(out.deadLetters).toMatchObject([{ code: 'FIELD_INVALID' }])
      expect(JSON.stringify(out.deadLetters)).not.toContain(secret)
    }
    expect(take(order('constructor', { credentialId: 'x' })).out.deadLetters).toMatchObject([{ code: 'FIELD_INVALID' }])
    expect(take({ kind: 'action' }).out.deadLetters).toMatchObject([{ code: 'NOT_AN_EFFECT' }])
  })
})

describe('the telling of licenses', () => {
  it('tells each change to every partition of the log of events, without why', () => {
    const out = new CollectedOutcome()
    const logic = licensesTelling.create({
      stage: 'licensing-telling',
      at: { topic: topics.licenses, partition: 0 },
      partitions: 1,
      partitionsOf: (topic) => (topic === topics.events ? 3 : 1),
      state: new MemoryState(),
    })
    const standing: LicenseRecord = {
      kind: 'credential',
      version: 4,
      updatedAt: '2026-03-01T10:00:00.000Z',
      credential: { id: 'hmac-a', tenant: 'acme', principal: 'acme/bob', licenseId: 'acme-api' },
      state: 'revoked',
      reason: 'stolen',
      actionId: 'a-1',
    }
    const at = { topic: topics.licenses, partition: 0, key: 'credential/hmac-a', headers: {} }
    for (const [offset, text] of [JSON.stringify(standing), '{"kind":"nonsense"}', 'no json'].entries()) {
      logic.record({ ...at, offset, value: Buffer.from(text), appendedMs: 0, arrivedMs: 0 }, out)
    }
    expect(out.emitted.map(({ topic, partition }) => [topic, partition])).toEqual(
      [0, 1, 2].map((n) => [topics.events, n]),
    )
    const { reason: _reason, actionId: _actionId, ...told } = standing
    for (const { value, headers: named } of out.emitted) {
      expect(named).toEqual({ 'w-control': 'licenses' })
      expect(Control.parse(JSON.parse(value as string))).toEqual({ control: 'licenses', records: [told] })
    }
    expect(out.dropped.map(({ reason }) => reason)).toEqual(['not-a-license', 'not-a-license'])
    expect(out.deadLetters).toEqual([])
  })
})

describe('the relay of commands', () => {
  function relayed(value: unknown) {
    const out = new CollectedOutcome()
    const logic = commandsRelay.create({
      stage: 'x',
      at: { topic: topics.effects, partition: 0 },
      partitions: 1,
      partitionsOf: () => 1,
      state: new MemoryState(),
    })
    const headers = {}
    const bytes = Buffer.from(JSON.stringify(value))
    logic.record(
      {
        topic: topics.effects,
        partition: 0,
        offset: 0,
        key: 'acme',
        value: bytes,
        headers,
        appendedMs: 0,
        arrivedMs: 0,
      },
      out,
    )
    return out
  }

  it('carries attempted actions of licensing and registrations into one partition, and nothing else', () => {
    for (const command of [order('revoke', { credentialId: 'x' }), putLicense(license), put(credential('one'))]) {
      const { emitted } = relayed(command)
      expect(emitted).toMatchObject([{ topic: topics.licenseCommands, key: 'licensing' }])
      expect(Command.parse(emitted[0]!.value)).toEqual(command)
    }
    for (const other of [
      order('revoke', { credentialId: 'x' }, { state: 'reserved' }),
      order('revoke', { credentialId: 'x' }, { state: 'dry-run' }),
      order('revoke', { credentialId: 'x' }, { connector: 'slack' }),
      { kind: 'decision', decision: { ...signed('acme'), kind: 'global-stop', stopped: true } },
      { kind: 'incident', incident: {} },
      null,
      7,
    ]) {
      expect(relayed(other)).toMatchObject({ emitted: [], deadLetters: [], dropped: [{ reason: 'not-for-relay' }] })
    }
    expect(
      relayed({ kind: 'action', action: { connector: 'licensing', state: 'attempted' } }).deadLetters,
    ).toMatchObject([{ code: 'NOT_AN_EFFECT' }])
  })
})
