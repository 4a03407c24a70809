/**
 * One record's turn: what time it is in the log, and where what comes of it goes.
 *
 * Everything is written into the partition that was read: the log of a tenant's effects stays in one place.
 */
import type { Action } from '../../core/action.ts'
import type { Decision } from '../../core/decision.ts'
import type { Flag, Run } from '../../core/effect.ts'
import { derivedId } from '../../core/ids.ts'
import { headers, topics } from '../../core/topics.ts'
import type { Outcome } from '../../runtime/stage/stage.ts'

/** Who says what respond says. */
export const respondName = 'service:respond'

export class Turn {
  /** Append time of the record, ms since 1970. */
  readonly nowMs: number
  readonly arrivedMs: number
  readonly out: Outcome
  readonly #partition: number
  /** Runs that may be able to go on. */
  readonly ready = new Set<string>()

  constructor(out: Outcome, partition: number, nowMs: number, arrivedMs: number) {
    this.out = out
    this.nowMs = nowMs
    this.arrivedMs = arrivedMs
    this.#partition = partition
  }

  get at(): string {
    return new Date(this.nowMs).toISOString()
  }

  action(action: Action): void {
    this.#effect(action.tenant, { kind: 'action', action }, action.arrivedMs)
  }

  run(run: Run): void {
    this.#effect(run.tenant, { kind: 'run', run })
  }

  /** Raises a flag: on the log of effects, and as a note on the incident, where people read. */
  flag(about: string, flag: Omit<Flag, 'id' | 'at'>): void {
    const id = derivedId('flag', flag.incidentId, flag.code, about)
    this.#effect(flag.tenant, { kind: 'flag', flag: { ...flag, id, at: this.at } })
    const note: Decision = {
      kind: 'note',
      id,
      at: this.at,
      by: respondName,
      roles: [],
      tenant: flag.tenant,
      incidentId: flag.incidentId,
      text: `${flag.code}: ${flag.message}`,
    }
    this.out.emit({ topic: topics.decisions, key: flag.incidentId, value: note })
  }

  /** A closed incident is not over after all; an open one stays as it is. */
  reopen(about: string, tenant: string, incidentId: string): void {
    const id = derivedId('reopen', incidentId, about)
    const decision: Decision = { kind: 'reopen', id, at: this.at, by: respondName, roles: [], tenant, incidentId }
    this.out.emit({ topic: topics.decisions, key: incidentId, value: decision })
  }

  #effect(tenant: string, value: unknown, arrivedMs = this.arrivedMs): void {
    const told = { [headers.arrived]: String(arrivedMs) }
    this.out.emit({ topic: topics.effects, partition: this.#partition, key: tenant, value, headers: told })
  }
}
