/**
 * Laws of licensing and authorize over generated histories and calls.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Action } from '../../core/action.ts'
import { LicenseRecord, type CredentialState, type License } from '../../core/license.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { decide, type Call, type UsageReading } from '../../services/authorize/decide.ts'
import { LicenseMap } from '../../services/authorize/license-map.ts'
import { UsageBook } from '../../services/authorize/usage-book.ts'
import { LicensingLogic } from '../../services/licensing/logic.ts'

const now = Date.parse('2026-05-01T12:00:00Z')
const count = fc.nat({ max: 20 })
const cap = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined })
const time = fc.option(
  fc.integer({ min: -5, max: 5 }).map((hours) => new Date(now + hours * 3_600_000).toISOString()),
  { nil: undefined },
)

const license: fc.Arbitrary<License> = fc
  .record(
    {
      id: fc.constant('l'),
      tenant: fc.constantFrom('acme', 'globex'),
      models: fc.array(fc.constantFrom('*', 'm1', 'm2', 'm*'), { minLength: 1, maxLength: 3 }),
      form: fc.constantFrom('api', 'weights', 'training-data'),
      tier: fc.constantFrom('trusted', 'standard', 'watched'),
      requestsPerMinuteMax: cap,
      requestsPerDayMax: cap,
      tokensPerDayMax: cap,
      concurrencyMax: cap,
      addresses: fc.option(fc.subarray(['10.0.0.0/8', '192.0.2.0/24', '::/0', 'broken']), { nil: undefined }),
      countries: fc.option(fc.subarray(['DE', 'FR']), { nil: undefined }),
      validFrom: time,
      validUntil: time,
    },
    { noNullPrototype: true },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as License)

const call: fc.Arbitrary<Call> = fc.record(
  {
    model: fc.constantFrom('m1', 'm2', 'm3', 'other'),
    operation: fc.constantFrom('chat', 'weights.read', 'training-data.read'),
    address: fc.constantFrom('10.1.2.3', '192.0.2.7', '::ffff:10.1.2.3', '2001:db8::1', 'nonsense'),
    country: fc.constantFrom('DE', 'fr', 'US'),
    tokens: fc.nat({ max: 30 }),
  },
  { requiredKeys: [] },
)

const usage: fc.Arbitrary<UsageReading> = fc.record({
  second: count,
  secondUntilMs: fc.constant(now + 500),
  minute: count,
  minuteUntilMs: fc.constant(now + 500),
  day: count,
  tokens: count,
  dayUntilMs: fc.constant(now + 500),
  concurrent: count,
  concurrentUntilMs: fc.constant(now + 500),
  leasable: fc.boolean(),
})

const standing = fc.record({
  state: fc.constantFrom<CredentialState[]>('active', 'suspended', 'revoked'),
  tenant: fc.constantFrom('acme', 'globex'),
  expiresAtMs: fc.constantFrom(undefined, now - 1, now, now + 1),
})

function known(of: License) {
  const map = new LicenseMap()
  map.apply({ kind: 'license', version: 1, updatedAt: '2026-05-01T00:00:00Z', license: of })
  return map.license(of.id)
}

describe('the decision', () => {
  it('never allows a credential that is not active, has expired, or has no license of its own tenant', () => {
    fc.assert(
      fc.property(
        call,
        fc.option(standing, { nil: undefined }),
        fc.option(license, { nil: undefined }),
        usage,
        (...given) => {
          const [asked, credential, of, counted] = given
          const { decision } = decide(asked, credential, of === undefined ? undefined : known(of), counted, now)
          const expired = credential?.expiresAtMs !== undefined && credential.expiresAtMs <= now
          if (credential?.state !== 'active' || expired || of?.tenant !== credential.tenant)
            expect(decision).toBe('deny')
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('refuses a revoked credential with the same code whatever else is true', () => {
    fc.assert(
      fc.property(call, standing, fc.option(license, { nil: undefined }), usage, (asked, credential, of, counted) => {
        const revoked = { ...credential, state: 'revoked' as const }
        const verdict = decide(asked, revoked, of === undefined ? undefined : known(of), counted, now)
        expect(verdict).toMatchObject({ decision: 'deny', code: 'CREDENTIAL_REVOKED' })
      }),
    )
  })

  it('more usage, or a tighter license, never turns a refusal into a pass', () => {
    fc.assert(
      fc.property(call, standing, license, usage, usage, cap, (asked, credential, of, counted, added, tighter) => {
        const before = decide(asked, credential, known(of), counted, now)
        const more = {
          ...counted,
          minute: counted.minute + added.minute,
          day: counted.day + added.day,
          tokens: counted.tokens + added.tokens,
          concurrent: counted.concurrent + added.concurrent,
          leasable: counted.leasable && added.leasable,
        }
        const less = (limit: number | undefined): { readonly max?: number } =>
          tighter === undefined
            ? limit === undefined
              ? {}
              : { max: limit }
            : { max: Math.min(limit ?? tighter, tighter) }
        const { requestsPerMinuteMax, ...rest } = of
        const { max } = less(requestsPerMinuteMax)
        const tight = { ...rest, ...(max === undefined ? {} : { requestsPerMinuteMax: max }) }
        for (const after of [
          decide(asked, credential, known(of), more, now),
          decide(asked, credential, known(tight), counted, now),
        ]) {
          if (before.decision !== 'allow') expect(after.decision).not.toBe('allow')
          // How much is used says nothing about whether it may be used at all.
          if (before.decision === 'deny') expect(after.code).toBe(before.code)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the usage book', () => {
  it('within one copy no 60 s hold more admitted requests than the cap', () => {
    const gaps = fc.array(fc.oneof(fc.nat({ max: 3_000 }), fc.nat({ max: 70_000 })), { maxLength: 120 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 8 }), (waits, max) => {
        const book = new UsageBook({ leaseTtlMs: 1_000, leasesMax: 10 })
        const admitted: number[] = []
        let at = now
        for (const wait of waits) {
          at += wait
          if (book.read('l', at).minute >= max) continue
          book.admit('l', 0, at)
          admitted.push(at)
        }
        for (const [index, from] of admitted.entries()) {
          const within = admitted.slice(index).filter((each) => each < from + 60_000)
          expect(within.length).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})

describe('licensing', () => {
  const step = fc.record({
    verb: fc.constantFrom('suspend', 'revoke', 'reinstate', 'put'),
    tenant: fc.constantFrom('acme', 'globex', 'operator'),
    credential: fc.constantFrom('c1', 'c2'),
    action: fc.constantFrom('a1', 'a2', 'a3', 'a4', 'a5'),
    undoes: fc.constantFrom(undefined, 'a1', 'a2', 'a3'),
    principal: fc.boolean(),
  })
  type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

  function run(steps: readonly Step[], twice = false) {
    const state = new MemoryState()
    let logic = new LicensingLogic({ state })
    const records: LicenseRecord[] = []
    let offset = 0
    const take = (command: unknown): void => {
      const out = new CollectedOutcome()
      const bytes = Buffer.from(JSON.stringify(command))
      const place = {
        topic: 't',
        partition: 0,
        offset: offset++,
        key: 'k',
        headers: {},
        appendedMs: now,
        arrivedMs: now,
      }
      logic.record({ ...place, value: bytes }, out)
      records.push(...out.emitted.map((output) => LicenseRecord.parse(output.value)))
      // A restart between any two records changes nothing.
      logic = new LicensingLogic({ state })
    }
    for (const [index, each] of steps.entries()) {
      const command = each.verb === 'put' ? put(each, index) : order(each)
      take(command)
      if (twice) take(command)
    }
    return records
  }

  /** c1 is acme's, c2 globex's. */
  const ownerOf = (credential: string) => (credential === 'c1' ? 'acme' : 'globex')
  function put({ credential, tenant }: Step, index: number) {
    const owner = ownerOf(credential)
    const value = { id: credential, tenant: owner, principal: `${owner}/user`, label: `n${index}` }
    const by = { id: `d${index}`, at: '2026-05-01T00:00:00Z', by: 'operator:x', roles: ['admin'], tenant }
    return { kind: 'decision', decision: { ...by, kind: 'credential.put', credential: value } }
  }
  function order({ verb, tenant, credential, action: id, undoes, principal }: Step) {
    const about = principal ? { principal: `${ownerOf(credential)}/user` } : { credentialId: credential }
    const action: Action = {
      id: `${id}-${verb}-${tenant}-${credential}-${String(undoes)}`,
      version: 1,
      tenant,
      incidentId: 'i',
      runId: 'r',
      playbook: { id: 'p', version: '1' },
      step: 's',
      connector: 'licensing',
      action: `credential.${verb}`,
      target: 't',
      args: { ...about, ...(undoes === undefined ? {} : { ifActionId: undoes }) },
      digest: 'd',
      destructive: true,
      state: 'attempted',
      attempt: 1,
      possiblyRepeated: false,
      at: '2026-05-01T00:00:00Z',
      summary: 's',
      evidence: 'e',
    }
    return { kind: 'action', action }
  }

  it('once revoked, a credential is revoked in all that follows', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const revoked = new Set<string>()
        for (const record of run(steps)) {
          if (record.kind !== 'credential') continue
          if (revoked.has(record.credential.id)) expect(record.state).toBe('revoked')
          if (record.state === 'revoked') revoked.add(record.credential.id)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('commands applied twice leave what they left when applied once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const shape = (records: readonly LicenseRecord[]) => records.map(({ version: _, ...rest }) => rest)
        expect(shape(run(steps, true))).toEqual(shape(run(steps)))
      }),
      { numRuns: 300 },
    )
  })

  it('a registered credential does not change by what another tenant orders', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const registered = (['c1', 'c2'] as const).map((credential, index) =>
          put({ credential, tenant: 'operator' } as Step, 1_000 + index),
        )
        const state = new MemoryState()
        const logic = new LicensingLogic({ state })
        const foreign = steps.filter((each) => each.tenant !== 'operator' && each.tenant !== ownerOf(each.credential))
        const commands = [
          ...registered,
          ...foreign.map((each, index) => (each.verb === 'put' ? put(each, index) : order(each))),
        ]
        const emitted = commands.flatMap((command, offset) => {
          const out = new CollectedOutcome()
          const value = Buffer.from(JSON.stringify(command))
          logic.record(
            { topic: 't', partition: 0, offset, key: 'k', headers: {}, appendedMs: now, arrivedMs: now, value },
            out,
          )
          return out.emitted
        })
        expect(emitted).toHaveLength(registered.length)
      }),
    )
  })

  it('versions of one key grow', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const last = new Map<string, number>()
        for (const record of run(steps)) {
          const key = record.kind === 'credential' ? record.credential.id : record.license.id
          expect(record.version).toBeGreaterThan(last.get(key) ?? 0)
          last.set(key, record.version)
        }
      }),
    )
  })
})
