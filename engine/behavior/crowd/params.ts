/**
 * The parameters of `account-crowd`, and what travels to the step that pools.
 */
import { z } from 'zod'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { Duration } from '../units.ts'

export const CrowdParams = z.strictObject({
  type: z.literal('account-crowd'),
  /** The line: what accounts share is mistaken for one hand at most once in this many queries of those who share it. */
  queriesPerFalseAlarm: z.number().min(1e3).max(1e15).default(1e7),
  /**
   * Of so many kinds of prompts on networks that tenants share, one is ever mistaken for accounts between which a load
   * is dealt.
   */
  kindsPerFalseAlarm: z.number().min(10).max(1e12).default(1e3),
  /** Fewest accounts, of as many tenants, that make a crowd. */
  accountsMin: z.int().min(3).max(100).default(4),
  /** Queries of one account and model that are told to the pooling step in a day of event time. */
  queriesPerDayMax: z.int().min(16).max(100_000).default(256),
  /** What honest accounts may differ from their model's traffic, as in `model-queries`. */
  allowance: z.number().min(0.2).max(1).default(0.5),
  /** Silence after which an account, or what accounts share, is forgotten. */
  forget: Duration.prefault('7d'),
})
export type CrowdParams = z.output<typeof CrowdParams>

/** One query, as it is pooled. JSON. */
export interface Sight {
  readonly timeMs: number
  readonly principal: string
  readonly tenant: string
  readonly network: string
  readonly agent: string
  /** Steps on a straight line, such as pixels, are told from directions. */
  readonly kind: 'features' | 'embedding' | 'hash' | 'output' | 'none'
  /** At most 64 numbers, packed; empty where there is no input to look at. An earlier version spells them out. */
  readonly x: string | readonly number[]
  /** Logarithm of the evidence that the query by itself is unlike honest ones; 0 where none has been learned. */
  readonly novelty: number
  /**
   * Lines of novelty that it is past, and the share of honest traffic past the last of them; absent where none has been
   * learned.
   */
  readonly past?: readonly [lines: number, rarest: number] | undefined
  /**
   * The same where its account's inputs are honest ones with noise in all values, as far as so many of them tell;
   * absent where they aren't.
   */
  readonly noisy?: readonly [lines: number, novelty: number] | undefined
  /** Tokens of a language model's answer and of its prompt. */
  readonly answer?: number | undefined
  readonly prompt?: number | undefined
  /** What all ask has just changed: neither novelty nor steps say anything. */
  readonly drifted?: true | undefined
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}

/** Kinds of evidence that are pooled; the order of queries first. */
export const sorts = ['turns', 'steps', 'alike', 'novel', 'relay'] as const
export type Sort = (typeof sorts)[number]
/** What is added up: each sort by itself, and all but the order of queries together. */
export const sums = [...sorts, 'all'] as const
/** Place of the sum over all in lists that have one value for each. */
export const all = sorts.length
/** Place of each sort in such lists. */
export const placeOfSort: Readonly<Record<Sort, number>> = { turns: 0, steps: 1, alike: 2, novel: 3, relay: 4 }
/** What one query brings: a value for each sort, in thousandths; 0: it says nothing. */
export type Logs = Int32Array
