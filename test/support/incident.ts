/** Incidents as correlate writes them, for tests of what comes after. */
import type { Incident } from '../../core/incident.ts'

const at = '2026-01-01T00:00:00.000Z'

/** A grave, open incident about one stolen key; `changes` replaces what matters to a test. */
export function incidentOf(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'incident-1',
    version: 1,
    tenant: 'acme',
    status: 'open',
    settled: false,
    severity: 'critical',
    risk: 95,
    title: 'A model is being extracted',
    summary: 'The key key-a asked model llm-7b 12,000 questions in 10 minutes.',
    primary: { type: 'credential', id: 'key-a' },
    entities: [
      { type: 'credential', id: 'key-a' },
      { type: 'principal', id: 'acme/customer-7' },
      { type: 'model', id: 'llm-7b' },
    ],
    techniques: [{ framework: 'atlas', id: 'AML.T0024.002' }],
    firstSeen: at,
    lastSeen: at,
    openedAt: at,
    updatedAt: at,
    signalCount: 1,
    signals: [
      {
        id: 'signal-1',
        version: 1,
        rule: 'extraction',
        title: 'Extraction',
        level: 'critical',
        risk: 95,
        at,
        explanation: 'Many.',
        evidence: 12,
        shadow: false,
      },
    ],
    exposure: { queries: 12_000 },
    notes: [],
    supersedes: [],
    flags: [],
    next: ['Ask the customer.'],
    ...changes,
  }
}
