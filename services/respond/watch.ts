/**
 * Which deeds are looked at again after they were proven, and when: nobody tells us that a key which was switched off has
 * been put back on elsewhere.
 *
 * Pure. Used by the step, which keeps the list, and by the sidecar, which looks.
 */
import type { Action } from '../../core/action.ts'
import type { ActionEntry } from './book.ts'
import type { Turn } from './turn.ts'

/** Why an action that was proven has failed after all. */
export const revived = 'REVIVED'

const dayMs = 86_400_000
/** How long a proven deed is watched. */
export const watchedForMs = 30 * dayMs

/** It was proven to have taken something away, and nobody has asked for it back. */
export function isWatched({ action, undo, undoOf }: ActionEntry): boolean {
  return action.destructive && action.state === 'verified' && undo === undefined && undoOf === undefined
}

/** A fact that takes the proof of what is known back. */
export function takesBackProof(fact: Action, known: Action): boolean {
  return (
    fact.state === 'failed' && fact.reason === revived && known.state === 'verified' && fact.attempt === known.attempt
  )
}

/** When to look next at what was proven then: after `firstMs`, then in gaps that double, up to a day. Infinity: no more. */
export function nextLookMs(provenMs: number, lookedMs: number | undefined, firstMs: number): number {
  const afterMs = Math.max(provenMs, lookedMs ?? -Infinity)
  let atMs = provenMs
  for (let gapMs = firstMs; atMs <= provenMs + watchedForMs; gapMs = Math.min(2 * gapMs, dayMs)) {
    atMs += gapMs
    if (atMs > afterMs) return atMs
  }
  return Infinity
}

/** What was switched off is on again, and not by us: the incident says so in words, and is opened again. */
export function tellRevived({ action, what }: ActionEntry, incidentId: string, turn: Turn): void {
  const { tenant, id, summary } = action
  const message = `${what} — ${summary}`.slice(0, 1_000)
  turn.flag(id, { tenant, incidentId, code: 'REVIVED', message, actions: [id] })
  turn.reopen(id, tenant, incidentId)
}
