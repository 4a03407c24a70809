import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { poolPrefix } from './prompts/likeness.ts'
import { CrowdParams, type Sight } from './params.ts'
import { PoolStep } from './pool-step.ts'

const dayMs = 86_400_000

test('accounts with prompts of one kind that were silent for a week are forgotten, and the pool that they were in', () => {
  const entries = new KeptEntries()
  const step = new PoolStep(CrowdParams.parse({ type: 'account-crowd' }))
  const normal = normalOf(randomOf(1))
  const ask = (who: number, timeMs: number): void => {
    const x = [0, 1, 2].map((k) => (k === Math.min(2, Math.floor(who / 4)) ? 1 : 0) + 0.2 * normal())
    const sight: Sight = {
      timeMs,
      principal: `p${who}`,
      tenant: `t${who}`,
      network: `n${who}`,
      agent: '',
      kind: 'embedding',
      x: x.map((value) => value / Math.hypot(...x)),
      novelty: 0,
      entities: [],
      evidence: { eventId: `e${timeMs}`, hash: 'h', position: { topic: 't', partition: 0, offset: timeMs, index: 0 } },
    } as unknown as Sight
    step.apply(['m'], entries, sight)
  }
  for (let n = 0; n < 16 * 12; n++) ask(n % 12, n)
  const pools = (): string[] => entries.names().filter((name) => name.startsWith(poolPrefix))
  expect(pools().length).toBeGreaterThan(1)
  // One pool lives on.
  for (let n = 0; n < 4; n++) ask(n, 3 * dayMs)
  expect(step.advance(['m'], entries, 8 * dayMs)).not.toHaveProperty('forget')
  expect(pools()).toHaveLength(1)
  expect(entries.names().filter((name) => /^[aq]\//.test(name))).toHaveLength(8)
  expect(step.advance(['m'], entries, 11 * dayMs)).toMatchObject({ forget: true })
})
