/**
 * The OpenAPI document against the API: no answer that it does not describe, no failure inside, nothing taken that it rules
 * out.
 */
import { afterAll, beforeAll, describe, expect, test, type TaskMeta } from 'vitest'
import { apiTokens, startApi, type Api } from '../support/api.ts'
import { missingSchemathesis, runSchemathesis } from '../support/schemathesis.ts'
import { temporaryFolder } from '../support/tmp.ts'

const missing = await missingSchemathesis()
const meta: Partial<TaskMeta> = missing === undefined ? {} : { serverMissing: missing }

describe.skipIf(missing !== undefined)('the OpenAPI document', { meta }, () => {
  let api: Api
  beforeAll(async () => {
    // A stream that ends by itself, so that its answer can be judged as any other.
    api = await startApi({ live: { lifetimeMs: 20, streamsPerCallerMax: 200 } })
  }, 120_000)
  afterAll(() => api.close(), 60_000)

  test('describes all that the API answers, and the API refuses what it does not describe', async () => {
    const folder = await temporaryFolder('schemathesis')
    const findings = await runSchemathesis(api.url, apiTokens[0].token, folder, 2)
    expect(findings.ok, `${findings.output}\n${api.errors.join('\n')}`).toBe(true)
    expect(findings.generated).toBeGreaterThan(2_000)
    expect(api.errors).toEqual([])
  }, 600_000)
})
