/**
 * A rehearsal: playbooks at work on incidents without a bus and without the world. Whatever is let go is reported back as
 * done, or as failed where that is wanted.
 *
 * Used by the cases beside playbooks (cases.ts) and by tests. Pure: time is what it is told.
 */
import type { Action } from '../../core/action.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Effect, Policy } from '../../core/effect.ts'
import { formatMistake } from '../../core/errors.ts'
import { topics } from '../../core/topics.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { Book } from './book.ts'
import type { Catalog } from './catalog.ts'
import { RespondLogic } from './logic.ts'

/** What becomes of an action that is let go. */
export type Outcome = 'done' | 'failed' | 'pending'

export class Rehearsal {
  readonly state = new MemoryState()
  readonly book = new Book(this.state)
  /** All that was put into the log of effects, in order. */
  readonly log: Effect[] = []
  /** What was put out elsewhere, and what was dropped. */
  readonly notes: unknown[] = []
  readonly drops: string[] = []
  readonly deadLetters: string[] = []
  readonly #logic: RespondLogic
  #offset = 0
  nowMs: number

  constructor(catalog: Catalog, startMs: number) {
    this.nowMs = startMs
    this.#logic = new RespondLogic(
      {
        stage: 'respond',
        at: { topic: topics.effects, partition: 0 },
        partitions: 1,
        partitionsOf: () => 1,
        state: this.state,
      },
      catalog,
    )
  }

  /** Puts playbooks in force; throws where they have mistakes. */
  playbooks(files: readonly ContentFile[]): void {
    const mistakes = this.#logic.content('playbooks', { set: 'playbooks', digest: '', files: [] }, files)
    if (mistakes.length > 0) throw new Error(mistakes.map(formatMistake).join('\n'))
  }

  policy(policy: Partial<Policy> = {}): void {
    const all: Policy = {
      claim: 'rehearsal',
      at: new Date(this.nowMs).toISOString(),
      enabled: [],
      protected: [],
      destructivePerTenantPerHourMax: 20,
      destructivePerPlaybookPerHourMax: 10,
      capRole: 'responder',
      ...policy,
    }
    this.feed({ kind: 'policy', policy: all })
  }

  /** Appends to the log, and everything that comes of it after it. */
  feed(effect: Effect): void {
    const waiting: Effect[] = [effect]
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      this.log.push(next)
      waiting.push(...this.#step(next))
    }
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.nowMs += ms
    const out = new CollectedOutcome()
    this.#logic.tick(this.nowMs, out)
    for (const effect of this.#collect(out)) this.feed(effect)
  }

  /** Does all that is let go, until nothing more comes of it. */
  perform(outcomeOf: (action: Action) => Outcome): void {
    for (let rounds = 0; rounds < 1_000; rounds++) {
      const entry = this.book
        .open()
        .map((id) => this.book.action(id))
        .find((each) => each?.action.state === 'reserved' && outcomeOf(each.action) !== 'pending')
      if (entry === undefined) return
      const { action } = entry
      const attempted: Action = {
        ...action,
        version: action.version + 1,
        state: 'attempted',
        attempt: action.attempt + 1,
        summary: 'Attempted.',
      }
      this.feed({ kind: 'action', action: attempted })
      const failed = outcomeOf(action) === 'failed'
      const state = failed ? 'failed' : entry.verify ? 'verified' : 'done'
      const told: Action = {
        ...attempted,
        version: attempted.version + 1,
        state,
        summary: failed ? 'It failed.' : 'It is done.',
      }
      this.feed({ kind: 'action', action: failed ? { ...told, reason: 'CONNECTOR_REFUSED' } : told })
    }
  }

  /** The last version of every action in the log, in the order in which they were asked for. */
  actions(): readonly Action[] {
    const last = new Map<string, Action>()
    for (const effect of this.log) {
      if (effect.kind !== 'action') continue
      const known = last.get(effect.action.id)
      if (known === undefined || known.version < effect.action.version) last.set(effect.action.id, effect.action)
    }
    return [...last.values()]
  }

  #step(effect: Effect): Effect[] {
    const out = new CollectedOutcome()
    this.#logic.record(
      {
        topic: topics.effects,
        partition: 0,
        offset: this.#offset++,
        key: undefined,
        value: Buffer.from(JSON.stringify(effect)),
        headers: {},
        appendedMs: this.nowMs,
        arrivedMs: this.nowMs,
      },
      out,
    )
    return this.#collect(out)
  }

  #collect(out: CollectedOutcome): Effect[] {
    this.drops.push(...out.dropped.map(({ reason }) => reason))
    this.deadLetters.push(...out.deadLetters.map(({ code, message }) => `${code}: ${message}`))
    const effects: Effect[] = []
    for (const { topic, value } of out.emitted) {
      if (topic === topics.effects) effects.push(value as Effect)
      else this.notes.push(value)
    }
    return effects
  }
}
