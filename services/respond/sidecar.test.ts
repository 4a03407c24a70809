import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Action } from '../../core/action.ts'
import type { Effect } from '../../core/effect.ts'
import { FencedError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
} from '../../core/ports/connector.ts'
import { topics } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { silentTelemetry } from '../../runtime/telemetry.ts'
import { incidentOf } from '../../test/support/incident.ts'
import { Catalog } from './catalog.ts'
import { Rehearsal } from './rehearsal.ts'
import { RespondSidecar } from './sidecar.ts'

type Do = (text: string, context: ConnectorContext) => Promise<void>

const actionOf = (
  act: Do,
  changes: Partial<ConnectorAction<{ text: string }>> = {},
): ConnectorAction<{ text: string }> => ({
  args: z.strictObject({ text: z.string() }),
  destructive: false,
  once: 'none',
  timeoutMs: 5_000,
  describe: ({ text }) => `Act on ${text}`,
  target: ({ text }) => `thing:${text}`,
  do: async ({ text }, context) => {
    await act(text, context)
    return { summary: 'Acted.' }
  },
  ...changes,
})
const connectorOf = (name: string, act: Do, changes: Partial<ConnectorAction<{ text: string }>> = {}): Connector => ({
  name,
  actions: { act: actionOf(act, changes) },
  probe: async () => ({ ok: true, summary: '' }),
})

const playbook = (connector: string, attempts = 5, destructive = false) => ({
  path: `${connector}.yml`,
  text: `id: ${connector}\ntitle: T\ndestructive: ${destructive}\ntrigger: { severity: high }\nsteps:\n  - id: ${connector}\n    attempts: ${attempts}\n    action: ${connector}.act\n    with: { text: '{{incident.title}}' }\n`,
})

/** The step and the sidecar beside it, over a log in memory. */
class Stage {
  readonly rehearsal: Rehearsal
  readonly sidecar: RespondSidecar
  readonly over = new AbortController()
  fenced = false
  journaled: Action[] = []

  constructor(connectors: readonly Connector[], enabled: readonly string[] = [], lookAgainMs = 20) {
    const catalog = new Catalog(connectors)
    this.rehearsal = new Rehearsal(catalog, Date.now())
    this.sidecar = new RespondSidecar(
      {
        stage: 'respond',
        at: { topic: topics.effects, partition: 0 },
        partitions: 1,
        partitionsOf: () => 1,
        state: this.rehearsal.state,
        signal: this.over.signal,
        journal: async (records) => {
          await pause(1)
          if (this.fenced) throw new FencedError('taken over')
          for (const { value } of records) {
            const effect = JSON.parse(value as string) as Effect
            if (effect.kind === 'action') this.journaled.push(effect.action)
            this.rehearsal.nowMs = Date.now()
            this.rehearsal.feed(effect)
          }
          setImmediate(() => {
            this.sidecar.changed()
          })
        },
      },
      {
        catalog,
        clock: systemClock,
        log: silentLog,
        telemetry: silentTelemetry,
        lookAgainMs,
        policy: {
          enabled: [...enabled],
          protected: [],
          destructivePerTenantPerHourMax: 99,
          destructivePerPlaybookPerHourMax: 99,
          capRole: 'responder',
        },
      },
    )
    open.push(this)
  }

  incident(id: string, title: string): void {
    this.rehearsal.feed({ kind: 'incident', incident: incidentOf({ id, title, entities: [] }) })
    this.sidecar.changed()
  }

  states(): string[] {
    return this.rehearsal.actions().map(({ state }) => state)
  }

  async until(look: () => boolean, ms = 5_000): Promise<void> {
    const deadline = Date.now() + ms
    while (!look()) {
      if (Date.now() > deadline) throw new Error(`not within ${ms} ms; ${this.states().join()}`)
      await pause(2)
    }
  }
}

const open: Stage[] = []
afterEach(() => {
  for (const stage of open.splice(0)) stage.over.abort()
})

describe('the sidecar', () => {
  test('commands on one target go one after the other, on different targets side by side', async () => {
    let under = 0
    let most = 0
    const onOne = new Map<string, number>()
    const act: Do = async (text) => {
      onOne.set(text, (onOne.get(text) ?? 0) + 1)
      expect(onOne.get(text)).toBe(1)
      most = Math.max(most, ++under)
      await pause(20)
      under--
      onOne.set(text, (onOne.get(text) ?? 1) - 1)
    }
    const stage = new Stage([connectorOf('cut', act, { destructive: true })], ['cut'])
    stage.rehearsal.playbooks([playbook('cut', 5, true)])
    for (let i = 0; i < 6; i++) stage.incident(`i${i}`, i % 2 === 0 ? 'one' : 'two')
    await stage.until(() => stage.states().length === 6 && stage.states().every((state) => state === 'done'))
    expect(most).toBe(2)
  })

  test('a deed that was proven is looked at again, and one that holds no more is told, once', async () => {
    let state: 'done' | 'not-done' = 'done'
    let looks = 0
    const cut = connectorOf('cut', async () => undefined, {
      destructive: true,
      verify: async () => ({ state, summary: `It is ${(looks++, state)}.` }),
    })
    const stage = new Stage([cut], ['cut'])
    stage.rehearsal.playbooks([playbook('cut', 5, true)])
    stage.incident('i', 'text')
    await stage.until(() => looks > 4)
    expect(stage.states()).toEqual(['verified'])
    state = 'not-done'
    await stage.until(() => stage.states()[0] === 'failed')
    const told = looks
    expect(stage.journaled.at(-1)).toMatchObject({
      reason: 'REVIVED',
      summary: expect.stringContaining('It is not-done'),
    })
    await pause(100)
    expect([looks, stage.journaled.filter(({ reason }) => reason === 'REVIVED')]).toEqual([told, [expect.anything()]])
  })

  test('one answer alone, or none, takes no proof back', async () => {
    let looks = 0
    const answers = ['done', 'not-done', 'done', undefined, 'done'] as const
    const cut = connectorOf('cut', async () => undefined, {
      destructive: true,
      verify: async () => {
        const state = answers[Math.min(looks++, answers.length - 1)]
        if (state === undefined) throw new ConnectorUnavailableError('away')
        return { state, summary: '' }
      },
    })
    const stage = new Stage([cut], ['cut'])
    stage.rehearsal.playbooks([playbook('cut', 5, true)])
    stage.incident('i', 'text')
    await stage.until(() => looks >= 4)
    await pause(50)
    expect(stage.states()).toEqual(['verified'])
  })

  test('a connector that never answers holds back its own actions, and no others', async () => {
    const said: string[] = []
    const stuck = connectorOf('stuck', () => new Promise(() => undefined))
    const fine = connectorOf('fine', async (text) => void said.push(text))
    const stage = new Stage([stuck, fine])
    stage.rehearsal.playbooks([playbook('stuck'), playbook('fine')])
    for (let i = 0; i < 10; i++) stage.incident(`i${i}`, `text ${i}`)
    await stage.until(() => said.length === 10)
    expect(
      stage.rehearsal.actions().filter(({ connector, state }) => connector === 'stuck' && state === 'attempted'),
    ).toHaveLength(4)
  })

  test('a call that does not heed its signal is given up at its timeout, and made again', async () => {
    let calls = 0
    const stage = new Stage([
      connectorOf('slow', () => (++calls === 1 ? new Promise(() => undefined) : Promise.resolve()), { timeoutMs: 30 }),
    ])
    stage.rehearsal.playbooks([playbook('slow')])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'done')
    expect(stage.journaled.map(({ state, attempt, possiblyRepeated }) => [state, attempt, possiblyRepeated])).toEqual([
      ['attempted', 1, false],
      ['reserved', 1, true],
      ['attempted', 2, true],
      ['done', 2, true],
    ])
  })

  test('a message that was given up and may still be on its way is not looked for before it must have come', async () => {
    const calledMs: number[] = []
    const arrived: number[] = []
    const act: Do = async () => {
      calledMs.push(Date.now())
      // The other side puts it up, but after the caller has lost its patience, and even after the first retry would be made.
      setTimeout(() => arrived.push(Date.now()), 1_950)
      await pause(60_000, undefined, { ref: false })
    }
    const verify: ConnectorAction['verify'] = async () =>
      arrived.length > 0 ? { state: 'done', summary: 'It is there.' } : { state: 'not-done', summary: 'It is not.' }
    const stage = new Stage([connectorOf('say', act, { once: 'readable', timeoutMs: 1_200, verify })])
    stage.rehearsal.playbooks([playbook('say')])
    stage.incident('i', 'one')
    await stage.until(() => stage.states().includes('done') && arrived.length > 0)
    expect(calledMs).toHaveLength(1)
  })

  test('asked to wait, it waits that long, and what was surely not done is not marked as a repeat', async () => {
    const calls: number[] = []
    const act: Do = async () => {
      calls.push(Date.now())
      if (calls.length === 1) throw new ConnectorUnavailableError('too many', { retryAfterMs: 900, maybeDone: false })
    }
    const stage = new Stage([connectorOf('busy', act)])
    stage.rehearsal.playbooks([playbook('busy')])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'done')
    expect((calls[1] ?? 0) - (calls[0] ?? 0)).toBeGreaterThanOrEqual(890)
    expect(stage.journaled.at(-1)?.possiblyRepeated).toBe(false)
  })

  test('after its last attempt an action has failed, and a person is told', async () => {
    const stage = new Stage([
      connectorOf('down', () => Promise.reject(new ConnectorUnavailableError('down', { maybeDone: false }))),
    ])
    stage.rehearsal.playbooks([playbook('down', 2)])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'failed')
    expect(stage.journaled.at(-1)).toMatchObject({ attempt: 2, reason: 'CONNECTOR_UNAVAILABLE' })
    expect(stage.rehearsal.notes).toMatchObject([{ kind: 'note', text: expect.stringContaining('ACTION_FAILED') }])
  })

  test('a refusal is not tried again, and a secret in its message does not reach the log', async () => {
    const refuse: Do = () => Promise.reject(new ConnectorRefusedError('bad token xoxb-1234567890-abcdef'))
    const stage = new Stage([connectorOf('picky', refuse)])
    stage.rehearsal.playbooks([playbook('picky')])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'failed')
    expect(stage.journaled).toHaveLength(2)
    expect(JSON.stringify(stage.rehearsal.log)).not.toContain('xoxb-1234567890')
  })

  test('fenced off, it breaks off what is under way, begins nothing more and journals nothing more', async () => {
    let aborted = 0
    let calls = 0
    const act: Do = (_text, { signal }) => {
      calls++
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted++
          reject(new Error('aborted'))
        })
      })
    }
    const stage = new Stage([connectorOf('long', act, { timeoutMs: 60_000 })])
    stage.rehearsal.playbooks([playbook('long')])
    for (let i = 0; i < 3; i++) stage.incident(`i${i}`, `text ${i}`)
    await stage.until(() => calls === 3)
    stage.fenced = true
    stage.incident('late', 'late')
    await stage.until(() => aborted === 3, 1_000)
    const { length } = stage.journaled
    stage.incident('later', 'later')
    await pause(50)
    expect([calls, stage.journaled.length]).toEqual([3, length])
    expect(stage.journaled.every(({ state }) => state === 'attempted')).toBe(true)
  })

  test('nothing is attempted without its intent in the log', async () => {
    let calls = 0
    const act: Do = async () => {
      calls++
    }
    const stage = new Stage([connectorOf('any', act)])
    stage.rehearsal.playbooks([playbook('any')])
    await stage.until(() => stage.sidecar.pending() === 0)
    stage.fenced = true
    stage.incident('i', 'text')
    await pause(50)
    expect(calls).toBe(0)
  })

  test('asked to stop, it lets what is under way end and begins nothing more', async () => {
    let ended = 0
    const stage = new Stage([
      connectorOf('some', async () => {
        await pause(40)
        ended++
      }),
    ])
    stage.rehearsal.playbooks([playbook('some')])
    for (let i = 0; i < 6; i++) stage.incident(`i${i}`, `text ${i}`)
    await stage.until(() => stage.states().filter((state) => state === 'attempted').length === 4)
    await stage.sidecar.stop()
    expect(ended).toBe(4)
    expect(stage.states().sort()).toEqual(['done', 'done', 'done', 'done', 'reserved', 'reserved'])
    expect(stage.sidecar.pending()).toBe(2)
  })

  test('under the global stop nothing is begun, not even again', async () => {
    let calls = 0
    const act: Do = () => {
      calls++
      return Promise.reject(new ConnectorUnavailableError('down', { maybeDone: false }))
    }
    const stage = new Stage([connectorOf('down', act)])
    stage.rehearsal.playbooks([playbook('down', 9)])
    stage.incident('i', 'text')
    await stage.until(() => calls === 1 && stage.states()[0] === 'reserved')
    const base = { id: 'stop', at: new Date().toISOString(), by: 'operator:ana', roles: ['responder'], tenant: 'acme' }
    stage.rehearsal.feed({ kind: 'decision', decision: { kind: 'global-stop', ...base, stopped: true } })
    stage.sidecar.changed()
    await pause(900)
    expect(calls).toBe(1)
    expect(stage.states()).toEqual(['asked'])
  })

  test('an action whose proof never comes has failed, not succeeded', async () => {
    const unproven = connectorOf('vague', async () => undefined, {
      destructive: true,
      once: 'readable',
      verifyMsMax: 60,
      verify: async () => ({ state: 'not-done', summary: 'Still accepted.' }),
    })
    const stage = new Stage([unproven], ['vague'])
    stage.rehearsal.playbooks([playbook('vague', 5, true)])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'failed')
    expect(stage.journaled.at(-1)).toMatchObject({
      reason: 'NOT_VERIFIED',
      summary: expect.stringContaining('Still accepted.'),
    })
  })

  test('where nobody can prove it, it is done, and says that it is not proven', async () => {
    const unproven = connectorOf('vague', async () => undefined, {
      destructive: true,
      verify: async () => ({ state: 'unknown', summary: 'Nobody knows.' }),
    })
    const stage = new Stage([unproven], ['vague'])
    stage.rehearsal.playbooks([playbook('vague', 5, true)])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'done')
    expect(stage.journaled.at(-1)).toMatchObject({
      reason: 'NOT_VERIFIABLE',
      summary: 'Acted. It could not be proven: Nobody knows.',
    })
  })

  test('an undo by the connector restores what was before, and one that is refused before its intent was never attempted', async () => {
    const restored: unknown[] = []
    const connector = connectorOf('box', async () => undefined, {
      destructive: true,
      undo: async (_args, before) => {
        restored.push(before)
        return { summary: 'Restored.' }
      },
    })
    const withBefore: Connector = {
      ...connector,
      actions: {
        act: {
          ...(connector.actions['act'] as ConnectorAction<{ text: string }>),
          do: async () => ({ summary: 'Shut.', before: { lid: 'open' } }),
        },
      },
    }
    const stage = new Stage([withBefore], ['box'])
    stage.rehearsal.playbooks([playbook('box', 5, true)])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'done')
    const base = { id: 'undo', at: new Date().toISOString(), by: 'operator:ana', roles: ['responder'], tenant: 'acme' }
    const [done] = stage.rehearsal.actions()
    stage.rehearsal.feed({
      kind: 'decision',
      decision: { kind: 'undo', ...base, incidentId: 'i', actionId: done?.id ?? '' },
    })
    stage.sidecar.changed()
    await stage.until(() => stage.states()[0] === 'undone')
    expect(restored).toEqual([{ lid: 'open' }])
  })

  test('what rests is not gone through again each time that something happens', async () => {
    const proven = connectorOf('lock', async () => undefined, {
      destructive: true,
      once: 'readable',
      verify: async () => ({ state: 'done', summary: 'Refused.' }),
    })
    const stage = new Stage([proven], ['lock'], 60_000)
    stage.rehearsal.playbooks([playbook('lock', 5, true)])
    stage.incident('i', 'text')
    await stage.until(() => stage.states()[0] === 'verified')
    await pause(20)
    stage.sidecar.changed()
    const { state } = stage.rehearsal
    const get = vi.spyOn(state, 'get')
    for (let times = 0; times < 20; times++) stage.sidecar.changed()
    expect(get.mock.calls.filter(([key]) => key.startsWith('action/'))).toEqual([])
  })
})
