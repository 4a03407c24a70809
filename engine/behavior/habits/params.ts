/**
 * The parameters of `credential-habits`, and what it reads from an event.
 */
import { z } from 'zod'
import type { Event } from '../../../core/event.ts'
import { Duration } from '../units.ts'

export const HabitsParams = z.strictObject({
  type: z.literal('credential-habits'),
  /** Nobody gets from one place to another faster; airliners cruise at 900. */
  kmPerHourMax: z.number().min(100).max(10_000).default(1_000),
  /** How long a place counts as in use after its last call. */
  active: Duration.prefault('1h'),
  /** Places in use at a time, on networks of their own, with several kinds of programs, that one owner may have. */
  placesMax: z.int().min(2).max(8).default(4),
  /** What a benign account shows at most: the share of its calls that change to a place that can't be its own. */
  benignShare: z.number().min(0.001).max(0.5).default(0.05),
  /** The line: a false alarm comes at most once in this many calls. */
  callsPerFalseAlarm: z.number().min(100).max(1e12).default(1e6),
  /** What must be known of an account before new habits of it can be told: calls, and over how long. */
  knownCallsMin: z.int().min(10).max(10_000).default(40),
  knownSpan: Duration.prefault('12h'),
  /** Calls with entirely new habits before they are one. */
  newCallsMin: z.int().min(3).max(1_000).default(10),
  /** How much faster than before the new calls come, where the country stayed. */
  rateRatio: z.number().min(1.5).max(1_000).default(5),
})
export type HabitsParams = z.output<typeof HabitsParams>

export interface KeyUse {
  readonly timeMs: number
  /** The key; the principal where events name no key. */
  readonly credential: string
  readonly network: string
  /** Family of the user agent; '' where none is named. */
  readonly agent: string
  /** '' where none is named. */
  readonly country: string
  /** Where it is asked for who and what it names, which is seldom. */
  readonly event: Event
}
