import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { randomOf } from '../../../test/support/random.ts'
import type { BehaviorFinding } from '../types.ts'
import { CrowdParams, type Sight } from './params.ts'
import { PoolStep } from './pool-step.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const startMs = Date.parse('2026-03-02T00:00:00.000Z')
const accounts = 8

interface Story {
  /** They share a program; otherwise they come in strict turn at one model. */
  readonly program?: boolean
  /** They have been customers for two days. */
  readonly known: boolean
  /** Queries of all, from when on they ask what nobody asked before, after which a drift is told. */
  readonly driftAfter?: number
  readonly queries: number
  readonly everyMs?: number
}

/**
 * Queries of all of them, since they ask otherwise, after which anybody is told of. Every now and then the state comes
 * back from a checkpoint.
 */
function toldAfter({
  program = false,
  known,
  driftAfter = Infinity,
  queries,
  everyMs = 5 * minuteMs,
}: Story): number | undefined {
  const random = randomOf(7)
  const step = new PoolStep(CrowdParams.parse({ type: 'account-crowd' }))
  const entries = new KeptEntries()
  let asked = 0
  const ask = (who: number, timeMs: number, novelty: number, drifted: boolean): readonly BehaviorFinding[] => {
    if (asked++ % 50 === 0) entries.restart()
    const sight: Sight = {
      timeMs,
      principal: `t${who}/a`,
      tenant: `t${who}`,
      network: `10.0.${who}.0/24`,
      agent: program ? 'vendor-sdk' : `agent-${who}`,
      kind: 'features',
      x: Array.from({ length: 8 }, () => Math.round(1e3 * random()) / 1e3),
      novelty: drifted ? 0 : novelty,
      ...(drifted ? { drifted: true } : {}),
      entities: [],
      evidence: {
        id: `e${asked}`,
        timestamp: '',
        hash: 'h',
        position: { topic: 't', partition: 0, offset: asked, index: 0 },
      },
    }
    return step.apply(['m'], entries, sight).findings
  }
  let timeMs = startMs
  const before = known ? 60 * accounts : 0
  for (let n = 0; n < before; n++) {
    timeMs += (2 * dayMs * -Math.log(1 - random())) / (60 * accounts)
    ask(Math.floor(random() * accounts), timeMs, -0.3, false)
  }
  for (let n = 0; n < queries; n++) {
    timeMs += everyMs * (0.2 + 1.6 * random())
    const who = program ? Math.floor(random() * accounts) : n % accounts
    if (ask(who, timeMs, 0.9, n >= driftAfter).length > 0) return n + 1
  }
  return undefined
}

describe('known customers that all of a sudden ask what nobody asked before', () => {
  test.each([{ program: true }, { program: false }])('are not told of where a drift is told in time: %o', (by) => {
    expect(toldAfter({ ...by, known: true, driftAfter: 160, queries: 1_000 })).toBeUndefined()
  })

  test.each([{ program: true }, { program: false }])(
    'are told of where none is, sixteen queries of each later: %o',
    (by) => {
      const at = toldAfter({ ...by, known: true, queries: 1_000 })
      expect(at).toBeGreaterThan(16 * accounts)
      expect(at).toBeLessThan(28 * accounts)
    },
  )

  test('are told of half a day later at most', () => {
    const at = toldAfter({ program: true, known: true, queries: 1_000, everyMs: hourMs })
    expect(at).toBeLessThan(10 * accounts)
  })
})

test('accounts that are new do not wait', () => {
  expect(toldAfter({ program: true, known: false, queries: 1_000 })).toBeLessThan(6 * accounts)
  expect(toldAfter({ program: false, known: false, queries: 1_000 })).toBeLessThan(17 * accounts)
})
