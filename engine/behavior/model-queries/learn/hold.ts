/**
 * When a finding waits: accounts of several tenants that are long known ask unlike before, all of a sudden and at the
 * same time. That may be a drift, of which `drift` knows some answers later.
 *
 * Who is new does not wait, nor what speaks against an account without regard to what was learned. Promises: nothing is
 * lost, a finding that waits is given out after `heldQueriesMax` different queries of its account or `holdMs`, unless a
 * drift was told; an account waits once a week at most, however often this is told: that is all that feigned accounts
 * gain for each other.
 */
import { NamedValues } from '../../named-values.ts'
import { ToldName } from '../../told-name.ts'
import type { BaselineTold, BehaviorFinding, GroupEntries, StepContext } from '../../types.ts'

const dayMs = 86_400_000
export const holdMs = dayMs / 2
const againMs = 7 * dayMs
export const heldQueriesMax = 16
/** Tenants whose accounts become suspect within `holdMs`: one is a theft. */
const tenantsMin = 2
/** Queries of an account that nothing spoke against, over a day at least, before its word counts. */
export const ordinaryMin = 40

const stirred = new ToldName('stirred')

interface StirredTold {
  readonly version: 1
  readonly timeMs: number
}

/** Of one model and kind of input, in the step that learns: tenants whose long known accounts became suspect, and when. JSON. */
export interface Stir {
  readonly tenants: Record<string, { timeMs: number }>
  toldMs?: number
}

const named = new NamedValues<{ timeMs: number }>()

/** A long known account became suspect: what is told, where it is not the only one. */
export function stir(kept: Stir, principal: string, model: string, timeMs: number): readonly BaselineTold[] {
  for (const [tenant, { timeMs: atMs }] of named.of(kept.tenants)) {
    if (atMs + holdMs <= timeMs) named.delete(kept.tenants, tenant)
  }
  named.set(kept.tenants, principal.slice(0, principal.indexOf('/') + 1), { timeMs })
  const isNews = kept.toldMs === undefined || kept.toldMs + againMs <= timeMs
  if (named.of(kept.tenants).size < tenantsMin || !isNews) return []
  kept.toldMs = timeMs
  const value: StirredTold = { version: 1, timeMs }
  return [{ name: stirred.of(model), value }]
}

/** What waits of one account and model. JSON. */
interface Held {
  /** Of what was told. */
  readonly timeMs: number
  /** Different queries of the account when it began to wait. */
  readonly from: number
  readonly findings: Record<string, BehaviorFinding>
}

const heldName = 'held'

/** The account of a query, as far as it matters here. */
interface Asking {
  readonly firstMs: number
  readonly distinct: number
}

/** Whether a finding of this account waits now; `finding` is what is given out in the end. */
export function holds(
  entries: GroupEntries,
  context: StepContext,
  model: string,
  { firstMs, distinct }: Asking,
  timeMs: number,
  finding: () => BehaviorFinding,
): boolean {
  const told = context.baseline(stirred.of(model)) as Partial<StirredTold> | null | undefined
  if (told?.version !== 1 || told.timeMs === undefined) return false
  if (timeMs < told.timeMs || timeMs >= told.timeMs + holdMs || firstMs + dayMs > timeMs) return false
  let held = entries.get<Held>(heldName)
  if (held?.timeMs !== told.timeMs) {
    // It is told of each kind of input: who asks in several waits for one of them.
    const hasWaited = held !== undefined && told.timeMs < held.timeMs + againMs
    if (hasWaited || distinct < ordinaryMin) return false
    held = { timeMs: told.timeMs, from: distinct, findings: {} }
  }
  if (distinct >= held.from + heldQueriesMax) return false
  const kept = finding()
  held.findings[kept.threat!] = kept
  entries.set(heldName, held)
  return true
}

/** It was given out. */
export function givenOut(entries: GroupEntries, threat: string): void {
  const held = entries.get<Held>(heldName)
  if (held === undefined || !Object.hasOwn(held.findings, threat)) return
  Reflect.deleteProperty(held.findings, threat)
  entries.set(heldName, held)
}

/** A drift was told: what waits says nothing. */
export function dropHeld(entries: GroupEntries): void {
  for (const threat of Object.keys(entries.get<Held>(heldName)?.findings ?? {})) givenOut(entries, threat)
}

/** When what waits is due, Infinity: nothing does. */
export function heldUntil(entries: GroupEntries): number {
  const held = entries.get<Held>(heldName)
  return held === undefined || Object.keys(held.findings).length === 0 ? Infinity : held.timeMs + holdMs
}

/** What has waited for as long as it may; it is taken out. */
export function takeDue(entries: GroupEntries, watermarkMs: number): readonly BehaviorFinding[] {
  const held = entries.get<Held>(heldName)
  if (held === undefined || held.timeMs + holdMs > watermarkMs) return []
  const findings = Object.values(held.findings)
  dropHeld(entries)
  return findings
}
