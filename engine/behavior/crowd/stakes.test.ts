import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { randomOf } from '../../../test/support/random.ts'
import { CrowdParams, type Sight } from './params.ts'
import { PoolStep } from './pool-step.ts'

const shares = [0.05, 0.01, 0.002, 0.0005]
const hits = shares.map((share) => (share ** 0.5 + (1 - share ** 0.5) / 2) / share ** 0.5)
/** What a bet over all lines of novelty, and as many of the margin, brings where so many of the first are passed. */
const novelty = (lines: number): number =>
  Math.log((hits.reduce((sum, hit, n) => sum + (n < lines ? hit : 0.5), 0) + 2) / 8)

interface World {
  /** How often theirs are past each line. */
  readonly beyond: readonly number[]
  readonly shares: 'network' | 'agent'
  readonly tellsLines?: boolean
}

/** Queries of eight accounts, dealt at random beside those of thirty others, after which anybody is told of. */
function toldAfter({ beyond, shares: shared, tellsLines = true }: World): number | undefined {
  const random = randomOf(11)
  const step = new PoolStep(CrowdParams.parse({ type: 'account-crowd' }))
  const entries = new KeptEntries()
  let theirs = 0
  for (let asked = 0; theirs < 500; asked++) {
    if (asked % 50 === 0) entries.restart()
    const who = Math.floor(38 * random())
    const isTheirs = who < 8
    if (isTheirs) theirs++
    const drawn = random()
    const lines = (isTheirs ? beyond : shares).filter((share) => drawn < share).length
    const sight: Sight = {
      timeMs: Date.parse('2026-03-02T00:00:00.000Z') + 20_000 * asked,
      principal: `t${who}/a`,
      tenant: `t${who}`,
      network: isTheirs && shared === 'network' ? '10.9.9.0/24' : `10.0.${who}.0/24`,
      agent: isTheirs && shared === 'agent' ? 'vendor-sdk' : `agent-${who}`,
      kind: 'features',
      x: Array.from({ length: 8 }, () => Math.round(1e3 * random()) / 1e3),
      novelty: novelty(lines),
      ...(tellsLines ? { past: [lines, shares[3]!] as const } : {}),
      entities: [],
      evidence: {
        id: `e${asked}`,
        timestamp: '',
        hash: 'h',
        position: { topic: 't', partition: 0, offset: asked, index: 0 },
      },
    }
    if (step.apply(['m'], entries, sight).findings.length > 0) return theirs
  }
  return undefined
}

describe('what is staked on novelty', () => {
  const letters = [0.82, 0.55, 0.15, 0.05]

  test('goes by what those on one network have asked: far pictures and letters are told by a third of the queries', () => {
    expect(toldAfter({ beyond: letters, shares: 'network' })).toBeLessThan(120)
    expect(toldAfter({ beyond: letters, shares: 'network', tellsLines: false })).toBeGreaterThan(300)
  })

  test('random vectors are told after four queries each', () => {
    expect(toldAfter({ beyond: [1, 1, 1, 1], shares: 'network' })).toBeLessThan(32)
  })

  test('noisy scanners and sensors of one vendor are left alone on one network, noisier ones with one program', () => {
    expect(toldAfter({ beyond: [0.61, 0.11, 0.02, 0.01], shares: 'network' })).toBeUndefined()
    expect(toldAfter({ beyond: [0.82, 0.37, 0.05, 0.02], shares: 'agent' })).toBeUndefined()
  })
})
