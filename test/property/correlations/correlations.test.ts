/**
 * Correlations against a brute-force reference that shares no code with the engine: random rules, orders, duplicates, lateness,
 * restarts, over fresh runs of 1, 4 and 16 partitions. `CORRELATION_CASES=100000` runs the full number, `CORRELATION_SEED`
 * begins elsewhere; a difference tells its seed.
 */
import { describe, expect, test } from 'vitest'
import { compareSeed } from './compare.ts'

const cases = Number(process.env['CORRELATION_CASES'] ?? 300)
const firstSeed = Number(process.env['CORRELATION_SEED'] ?? 1)

describe('correlations, whatever their rules and the way of their events', { timeout: 6 * 3_600_000 }, () => {
  test('find what a reading of every window finds', () => {
    let compared = 0
    let findings = 0
    for (let seed = firstSeed; compared < cases; seed++) {
      const result = compareSeed(seed)
      if (result === undefined) continue
      compared++
      findings += result.findings
      if (result.difference !== undefined) expect.fail(`a difference: ${result.difference}`)
    }
    expect(findings).toBeGreaterThan(cases * 3)
  })
})
