/**
 * When what is found of accounts with one program, or of those in turn at a model, waits: most of them are long known
 * and ask what nobody asked before, all of a sudden and at the same time. That may be a drift, of which `drift` knows
 * some answers later.
 *
 * Who is new does not wait, nor what speaks against accounts without regard to what was learned (steps, likeness,
 * reliefs, a network in common). Promises: it waits for half a day at most, and for 16 queries of each member in the
 * mean, once a week; where a drift was told meanwhile, the novelty that was gathered says nothing.
 */
import { backing, type Cell, type Hold } from './cell.ts'
import type { Account } from './kept.ts'
import { placeOfSort } from './params.ts'

const dayMs = 86_400_000
const holdMs = dayMs / 2
const againMs = 7 * dayMs
const queriesOfEach = 16
/** Queries of an account, a day at least after its first, before it is one that is known; how many of the members must be. */
const ordinaryMin = 40
const knownShare = 0.75

/** Whether it waits now, one query more. */
export function waits(cell: Cell, members: readonly Account[], timeMs: number): boolean {
  if (cell.kind !== 'agent' && cell.kind !== 'model') return false
  const { steps, alike, relay } = placeOfSort
  if ([steps, alike, relay].some((sort) => cell.sums[sort]! >= backing)) return false
  const known = members.filter(({ firstMs, queries }) => firstMs + dayMs <= timeMs && queries >= ordinaryMin)
  if (known.length < knownShare * members.length) return false
  const last = cell.hold
  const hold: Hold = last === undefined || last.sinceMs + againMs <= timeMs ? { sinceMs: timeMs, queries: 0 } : last
  hold.queries++
  cell.hold = hold
  return timeMs < hold.sinceMs + holdMs && hold.queries <= queriesOfEach * members.length
}
