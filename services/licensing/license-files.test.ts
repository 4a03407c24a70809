import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ContentInvalidError, type Mistake } from '../../core/errors.ts'
import { credentialId } from '../../core/ids.ts'
import { Decision } from '../../core/decision.ts'
import { silentLog } from '../../runtime/log.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { readLicenseFiles } from './license-files.ts'

const hmacKey = new Uint8Array(32).fill(1)
const secret = 'sk-acme-0123456789'

async function read(text: string, env: Record<string, string> = {}, at = '2026-05-01T00:00:00Z') {
  const folder = await temporaryFolder('licenses')
  const path = join(folder, 'licenses.yml')
  writeFileSync(path, text)
  writeFileSync(join(folder, 'key'), `${secret}\n`, { mode: 0o600 })
  return readLicenseFiles([path], { env, hmacKey, log: silentLog, at })
}

async function mistakesOf(text: string, env: Record<string, string> = {}): Promise<readonly Mistake[]> {
  try {
    await read(text, env)
  } catch (error) {
    if (error instanceof ContentInvalidError) return error.mistakes
    throw error
  }
  throw new Error('There was no mistake.')
}

describe('license files', () => {
  it('become decisions, secrets digested as the events digest them, addresses and countries in one spelling', async () => {
    const decisions = await read(
      `
licenses:
  - { id: acme-api, tenant: acme, models: [llm-*], addresses: [203.0.113.7, "2001:DB8::/32"], countries: [de] }
credentials:
  - { secret: { file: key }, tenant: acme, principal: acme/bob, licenseId: acme-api, label: bob's laptop }
  - { secret: { env: KEY }, tenant: acme, principal: acme/eve }
  - { credentialId: hmac-00000000000000000000000000000000, tenant: acme, principal: acme/bot }
`,
      { KEY: 'Bearer sk-eve-123456' },
    )
    for (const decision of decisions) expect(Decision.parse(decision)).toEqual(decision)
    expect(decisions).toMatchObject([
      { license: { form: 'api', tier: 'standard', addresses: ['203.0.113.7/32', '2001:db8::/32'], countries: ['DE'] } },
      { credential: { id: credentialId(secret, hmacKey) } },
      { credential: { id: credentialId('sk-eve-123456', hmacKey) } },
      { credential: { id: 'hmac-00000000000000000000000000000000' } },
    ])
    expect(JSON.stringify(decisions)).not.toContain(secret)
  })

  it('have the same ids whenever they are read, and others once they are edited', async () => {
    const text = (cap: number) => `licenses: [{ id: a, tenant: t, models: ["*"], requestsPerDayMax: ${cap} }]`
    const ids = async (cap: number, at: string) => (await read(text(cap), {}, at)).map((decision) => decision.id)
    expect(await ids(5, '2026-05-01T00:00:00Z')).toEqual(await ids(5, '2027-01-01T00:00:00Z'))
    expect(await ids(5, '2026-05-01T00:00:00Z')).not.toEqual(await ids(6, '2026-05-01T00:00:00Z'))
  })

  it('tell every mistake with its place, and no secret', async () => {
    const mistakes = await mistakesOf(
      [
        'licenses:',
        '  - { id: a, tenant: acme, models: ["x*y"], addresses: [10.0.0.0/33, 010.1.1.1, 10.1], countries: [DEU] }',
        '  - { id: b, tenant: acme, models: [m], validFrom: "2026-02-01T00:00:00Z", validUntil: "2026-01-01T00:00:00Z" }',
        'credentials:',
        `  - { secret: ${secret}, tenant: acme, principal: acme/bob }`,
        '  - { credentialId: x, tenant: acme, principal: other/bob }',
        '  - { tenant: acme, principal: acme/bob, colour: red }',
      ].join('\n'),
    )
    expect(JSON.stringify(mistakes)).not.toContain(secret)
    const lines = mistakes.map((mistake) => mistake.place?.line)
    expect(lines.filter((line) => line === 2)).toHaveLength(5)
    for (const line of [5, 6, 7]) expect(lines).toContain(line)
    expect(mistakes.every((mistake) => mistake.place !== undefined)).toBe(true)
  })

  it('tell secrets that are missing, too short or given away by their label, and what stands there twice', async () => {
    const mistakes = await mistakesOf(
      `credentials:
  - { secret: { env: NONE }, tenant: t, principal: t/a }
  - { secret: { env: SHORT }, tenant: t, principal: t/b }
  - { secret: { file: key }, tenant: t, principal: t/c, label: "key ${secret.slice(0, 12)}…" }
  - { credentialId: k, tenant: t, principal: t/d }
  - { credentialId: k, tenant: t, principal: t/e }
`,
      { SHORT: 'abc' },
    )
    expect(mistakes.map((mistake) => [mistake.code, mistake.place?.line])).toEqual([
      ['LICENSE_FILE_SECRET', 2],
      ['LICENSE_FILE_SECRET', 3],
      ['LICENSE_FILE_SECRET', 4],
      ['LICENSE_FILE_TWICE', 6],
    ])
    expect(() => readLicenseFiles(['/nowhere.yml'], { env: {}, hmacKey, log: silentLog, at: '' })).toThrow(/nowhere/)
  })
})
