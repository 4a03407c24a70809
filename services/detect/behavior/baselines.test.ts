import { expect, test } from 'vitest'
import { MemoryState } from '../../../runtime/stage/memory-state.ts'
import { Baselines } from './baselines.ts'

const told = (rule: string, name: string, value: unknown) => ({ control: 'baseline' as const, rule, name, value })

test('the last value told under a name is known, also after a restart', () => {
  const state = new MemoryState()
  const baselines = new Baselines(state)
  baselines.use(new Set(['r']))
  baselines.told(told('r', 'm', 1))
  baselines.told(told('r', 'm', 2))
  const again = new Baselines(state)
  again.use(new Set(['r']))
  expect(again.get('r', 'm')).toBe(2)
})

test('what a rule that has gone had told is forgotten, and what it tells late is refused', () => {
  const baselines = new Baselines(new MemoryState())
  baselines.use(new Set(['old']))
  baselines.told(told('old', 'm', 1))
  baselines.use(new Set(['new']))
  expect(baselines.get('old', 'm')).toBeUndefined()
  expect(baselines.told(told('old', 'm', 1))).toBe(false)
})
