import type { UsageRecord } from '../../core/usage.ts'

const none = { calls: 0, inputTokens: 0, outputTokens: 0, bytes: 0, callsWithoutTokens: 0 }

/** A settled day of one account. */
export function usageOf(tenant: string, changes: Partial<UsageRecord> = {}): UsageRecord {
  return {
    id: `usage-${tenant}`,
    version: 1,
    kind: 'total',
    period: 'day',
    start: '2026-03-01T00:00:00.000Z',
    end: '2026-03-02T00:00:00.000Z',
    state: 'settled',
    tenant,
    principal: `${tenant}/bob`,
    credentialId: `hmac-${tenant}`,
    licenseId: `${tenant}-api`,
    model: 'llm-7b',
    form: 'api',
    success: { ...none, calls: 10, inputTokens: 1_000, outputTokens: 500 },
    failure: { ...none, calls: 1, callsWithoutTokens: 1 },
    unknown: none,
    firstAt: '2026-03-01T08:00:00.000Z',
    lastAt: '2026-03-01T09:00:00.000Z',
    ...changes,
  }
}
