/** What of an event, or of a finding, travels from the first step of detect to the second. */
import type { Entity } from '../../core/signal.ts'
import type { Observation } from '../../engine/sigma/types.ts'

export interface ObservedBySigma {
  readonly engine: 'sigma'
  readonly rule: string
  /** Version of the rule, as in state keys. */
  readonly key: string
  readonly scope: string
  readonly group: readonly string[]
  readonly observation: Observation
  readonly context: ObservationContext
}

export interface ObservedByBehavior {
  readonly engine: 'behavior'
  readonly rule: string
  readonly key: string
  readonly scope: string
  readonly group: readonly string[]
  readonly observation: unknown
}

export type Observed = ObservedBySigma | ObservedByBehavior

/** What a correlation's signal will say beside what its operator knows. */
export interface ObservationContext {
  readonly entities: readonly Entity[]
  /** Bytes and queries that the event exposed. */
  readonly bytes?: number
  readonly queries?: number
}
