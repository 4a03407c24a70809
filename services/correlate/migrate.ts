/**
 * Correlate's state as earlier versions of this program saved it, and what it is today.
 *
 * Version 1 knew of a signal only what its last version said, and named an incident by the millisecond in which its first
 * signal was completed. Its incidents keep their names.
 */
import { primaryOf, type Contribution } from './contribution.ts'
import { incidentPrefix, type StoredIncident } from './incident-book.ts'
import { signalPrefix } from './signal-book.ts'

export const correlateStateVersion = 2

export function migrateCorrelate(key: string, value: unknown): unknown {
  if (key.startsWith(incidentPrefix)) return { ...(value as StoredIncident), namedToTheMs: true }
  if (!key.startsWith(signalPrefix)) return value
  const contribution = value as Omit<Contribution, 'first'>
  const { version, atMs } = contribution
  return { ...contribution, first: { version, atMs, primary: primaryOf(contribution) } }
}
