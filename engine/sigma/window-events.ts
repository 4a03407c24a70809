/** The events behind the entries of a window where one that several rules match has an entry for each. Pure. */
import type { EvidenceRef } from '../../core/signal.ts'
import type { Entry } from './window-entries.ts'

/** An event that several rules match is one event. */
export function distinctEvents(entries: readonly Entry[]): number {
  const bulk = entries.reduce((sum, { id, n }) => (id === '' ? sum + n : sum), 0)
  const ids = entries.flatMap(({ id }) => (id === '' ? [] : [id.slice(0, id.lastIndexOf('/'))]))
  return bulk + new Set(ids).size
}

export function distinctEvidence(entries: readonly Entry[]): readonly EvidenceRef[] {
  return [...new Map(entries.flatMap(({ e }) => (e === undefined ? [] : [[e.id, e] as const]))).values()]
}
