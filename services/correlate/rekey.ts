/** Whose records correlate's state belongs to: its log is keyed by tenant. */
import type { Rekey } from '../../runtime/stage/rekey.ts'
import { least } from '../../runtime/stage/rekey.ts'
import type { Contribution } from './contribution.ts'
import { incidentPrefix, type StoredIncident } from './incident-book.ts'
import { signalPrefix } from './signal-book.ts'
import type { SweepState } from './sweep.ts'

export const correlateRekey: Rekey = {
  deal(key, value) {
    if (key.startsWith(signalPrefix)) return [{ home: { logKey: (value as Contribution).scope }, key, value }]
    if (key.startsWith(incidentPrefix))
      return [{ home: { logKey: (value as StoredIncident).incident.tenant }, key, value }]
    // How far event time was swept: as far as it is complete for all.
    return [{ home: 'everywhere', key, value }]
  },
  join(_key, values) {
    const sweeps = values as readonly SweepState[]
    return {
      completeMs: least(sweeps.map(({ completeMs }) => completeMs)),
      forgotMs: least(sweeps.map(({ forgotMs }) => forgotMs)),
    }
  },
}
