/**
 * Kills respond at any point between intent, call and result, and looks at what arrived outside.
 *
 * The log, the step and the sidecar are the real ones; the runner around them is a small one that can die: whatever it was
 * about to do then never happens, and the next owner starts from a checkpoint and the log.
 */
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Effect } from '../../core/effect.ts'
import { FencedError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import {
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
} from '../../core/ports/connector.ts'
import { topics } from '../../core/topics.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { silentLog } from '../../runtime/log.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { silentTelemetry } from '../../runtime/telemetry.ts'
import { Catalog } from '../../services/respond/catalog.ts'
import { RespondLogic } from '../../services/respond/logic.ts'
import { RespondSidecar } from '../../services/respond/sidecar.ts'
import { incidentOf } from '../support/incident.ts'

const timeoutMs = 250

type Once = ConnectorAction['once']

interface Delivery {
  readonly key: string
  readonly possiblyRepeated: boolean
  readonly attempt: number
}

/** A receiver that keeps every delivery; what it makes of a repeat is up to the kind. */
class Receiver {
  readonly deliveries: Delivery[] = []

  /** How often a key has had its effect. */
  effects(once: Once): number {
    return once === 'key' ? new Set(this.deliveries.map(({ key }) => key)).size : this.deliveries.length
  }
}

/** The next step of the process is its last. */
class Killed extends Error {}

class World {
  readonly once: Once
  readonly receiver = new Receiver()
  readonly log: { readonly effect: Effect; readonly appendedMs: number }[] = []
  readonly #published = new Set<string>()
  #crashes: number[]
  #points = 0
  #checkpoint: { state: [string, unknown][]; next: number } = { state: [], next: 0 }
  readonly #checkpointEvery: number
  readonly #failuresLeft: { count: number }
  owners = 0

  constructor(options: { once: Once; crashes: readonly number[]; checkpointEvery: number; failures: number }) {
    this.once = options.once
    this.#crashes = [...options.crashes]
    this.#checkpointEvery = options.checkpointEvery
    this.#failuresLeft = { count: options.failures }
  }

  /** A place where a process may die. */
  point(owner: Owner): void {
    if (owner.dead) throw new Killed()
    this.#points++
    if (this.#crashes[0] !== undefined && this.#points >= this.#crashes[0]) {
      this.#crashes.shift()
      this.#points = 0
      owner.kill()
      throw new Killed()
    }
  }

  append(effect: Effect): void {
    this.log.push({ effect: JSON.parse(JSON.stringify(effect)) as Effect, appendedMs: Date.now() })
  }

  /** Outputs of a record that was worked through before are redeliveries. */
  publish(mark: string, effect: Effect): void {
    if (this.#published.has(mark)) return
    this.#published.add(mark)
    this.append(effect)
  }

  connector(owner: Owner): Connector {
    const { once, receiver } = this
    const send: ConnectorAction<{ text: string }> = {
      args: z.strictObject({ text: z.string() }),
      destructive: false,
      once,
      timeoutMs,
      describe: ({ text }) => `Say ${text}`,
      target: () => 'world:one',
      do: async (_args, context) => {
        await pause(1)
        this.point(owner)
        if (this.#failuresLeft.count > 0) {
          this.#failuresLeft.count--
          throw new ConnectorUnavailableError('busy', { maybeDone: false })
        }
        context.signal.throwIfAborted()
        receiver.deliveries.push({
          key: context.idempotencyKey,
          possiblyRepeated: context.possiblyRepeated,
          attempt: context.attempt,
        })
        await pause(1)
        this.point(owner)
        return { summary: 'Said.' }
      },
      ...(once === 'readable'
        ? {
            verify: async (_args: unknown, context: ConnectorContext) => {
              await pause(1)
              this.point(owner)
              const there = receiver.deliveries.some(({ key }) => key === context.idempotencyKey)
              return there
                ? { state: 'done' as const, summary: 'It is there.' }
                : { state: 'not-done' as const, summary: 'It is not there.' }
            },
          }
        : {}),
    }
    return { name: 'world', actions: { send }, probe: async () => ({ ok: true, summary: '' }) }
  }

  checkpoint(state: MemoryState, next: number): void {
    if (next % this.#checkpointEvery !== 0) return
    this.#checkpoint = structuredClone({ state: [...state.entries('')], next })
  }

  restore(): { state: MemoryState; next: number } {
    const state = new MemoryState()
    const { state: entries, next } = structuredClone(this.#checkpoint)
    for (const [key, value] of entries) state.restore(key, value)
    return { state, next }
  }

  settled(): boolean {
    const last = [...this.log].reverse().find(({ effect }) => effect.kind === 'run')?.effect
    return last?.kind === 'run' && last.run.state !== 'running'
  }
}

const playbook = `id: say
title: Say
destructive: false
trigger: { severity: high }
steps:
  - id: say
    action: world.send
    attempts: 5
    with: { text: '{{incident.title}}' }
`

class Owner {
  dead = false
  readonly #world: World
  readonly #over = new AbortController()
  readonly #state: MemoryState
  readonly #logic: RespondLogic
  readonly #sidecar: RespondSidecar
  #next: number

  constructor(world: World) {
    this.#world = world
    world.owners++
    const { state, next } = world.restore()
    this.#state = state
    this.#next = next
    const catalog = new Catalog([world.connector(this)])
    const at = { topic: topics.effects, partition: 0 }
    const context = { stage: 'respond', at, partitions: 1, partitionsOf: () => 1, state }
    this.#logic = new RespondLogic(context, catalog)
    this.#logic.content('playbooks', { set: 'playbooks', digest: '', files: [] }, [{ path: 'say.yml', text: playbook }])
    this.#sidecar = new RespondSidecar(
      {
        ...context,
        signal: this.#over.signal,
        journal: async (records) => {
          if (this.dead) throw new FencedError('killed')
          await pause(1)
          this.#orFenced(() => {
            world.point(this)
          })
          for (const { value } of records) world.append(JSON.parse(value as string) as Effect)
          await pause(1)
          this.#orFenced(() => {
            world.point(this)
          })
        },
      },
      {
        catalog,
        clock: systemClock,
        log: silentLog,
        telemetry: silentTelemetry,
        lookAgainMs: 60_000,
        policy: {
          enabled: [],
          protected: [],
          destructivePerTenantPerHourMax: 1,
          destructivePerPlaybookPerHourMax: 1,
          capRole: 'responder',
        },
      },
    )
  }

  kill(): void {
    this.dead = true
    this.#over.abort(new FencedError('killed'))
  }

  async run(): Promise<void> {
    try {
      while (!this.dead && !(this.#world.settled() && this.#next >= this.#world.log.length)) {
        const record = this.#world.log[this.#next]
        if (record === undefined) await pause(1)
        else this.#step(record)
        this.#sidecar.changed()
      }
    } catch (error) {
      if (!(error instanceof Killed)) throw error
    }
    await this.#sidecar.stop()
  }

  #step({ effect, appendedMs }: World['log'][number]): void {
    const offset = this.#next
    const out = new CollectedOutcome()
    const value = Buffer.from(JSON.stringify(effect))
    this.#logic.record(
      {
        topic: topics.effects,
        partition: 0,
        offset,
        key: undefined,
        value,
        headers: {},
        appendedMs,
        arrivedMs: appendedMs,
      },
      out,
    )
    this.#next++
    for (const [index, output] of out.emitted.entries()) {
      this.#world.point(this)
      if (output.topic === topics.effects) this.#world.publish(`${offset}.${index}`, output.value as Effect)
    }
    this.#world.checkpoint(this.#state, this.#next)
  }

  #orFenced(work: () => void): void {
    try {
      work()
    } catch {
      throw new FencedError('killed')
    }
  }
}

async function live(world: World): Promise<void> {
  world.append({ kind: 'incident', incident: incidentOf() })
  for (let owners = 0; owners < 20 && !world.settled(); owners++) await new Owner(world).run()
}

/** What the receiver saw, held against what was promised. */
function judge(world: World): void {
  const { deliveries } = world.receiver
  const label = JSON.stringify({ once: world.once, deliveries, owners: world.owners })
  expect(world.settled(), label).toBe(true)
  // None is lost.
  expect(deliveries.length, label).toBeGreaterThanOrEqual(1)
  // One key over all owners: what can be told apart, is.
  expect(new Set(deliveries.map(({ key }) => key)).size, label).toBe(1)
  if (world.once !== 'none') expect(world.receiver.effects(world.once), label).toBe(1)
  // Where nobody can tell, each further delivery says that it may be one, and there is at most one for each kill (or
  // answer that did not come in time, which a busy machine brings about too).
  for (const repeat of deliveries.slice(1)) expect(repeat.possiblyRepeated, label).toBe(true)
  const late = world.log.filter(
    ({ effect }) => effect.kind === 'action' && effect.action.summary.includes('No answer within'),
  )
  expect(deliveries.length, label).toBeLessThanOrEqual(world.owners + late.length)
  // No call without its intent in the log.
  const intents = world.log.flatMap(({ effect }) =>
    effect.kind === 'action' && effect.action.state === 'attempted' ? [effect.action.attempt] : [],
  )
  for (const { attempt } of deliveries) expect(intents, label).toContain(attempt)
  const last = world.log.flatMap(({ effect }) => (effect.kind === 'action' ? [effect.action] : [])).at(-1)
  expect(last?.state, label).toBe('done')
}

const kinds: readonly Once[] = ['key', 'readable', 'none']

describe('an action whose process is killed', () => {
  test.each(kinds)(
    'at every single point has its effect once where that can be told (%s), and never not at all',
    async (once) => {
      const worlds = Array.from(
        { length: 16 },
        (_, index) => new World({ once, crashes: [index + 1], checkpointEvery: 1 + (index % 4), failures: 0 }),
      )
      await Promise.all(worlds.map(live))
      for (const world of worlds) judge(world)
      // The sweep is not empty talk: kills fell before the call, within it, and after it.
      expect(worlds.filter(({ owners }) => owners > 1).length).toBeGreaterThan(8)
    },
    30_000,
  )

  test('in more attempts than it has is not given up: its other side has refused nothing', async () => {
    const worlds = kinds.flatMap((once) =>
      Array.from(
        { length: 8 },
        (_, index) => new World({ once, crashes: Array<number>(8).fill(index + 1), checkpointEvery: 2, failures: 2 }),
      ),
    )
    await Promise.all(worlds.map(live))
    for (const world of worlds) judge(world)
    expect(
      worlds.some(({ log }) => log.some(({ effect }) => effect.kind === 'action' && (effect.action.cutOffs ?? 0) > 5)),
    ).toBe(true)
  }, 60_000)

  test('several times over, at any points, with a connector that fails in between, it is the same', async () => {
    const scenario = fc.record({
      once: fc.constantFrom(...kinds),
      crashes: fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 4 }),
      checkpointEvery: fc.integer({ min: 1, max: 7 }),
      failures: fc.integer({ min: 0, max: 2 }),
    })
    const worlds = fc.sample(scenario, { numRuns: 60 }).map((options) => new World(options))
    await Promise.all(worlds.map(live))
    for (const world of worlds) judge(world)
  }, 60_000)
})
