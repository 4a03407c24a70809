import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CheckpointTurns, type TurnTaker } from './checkpoint-turns.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Tasks that write when it is their turn, each for as long as it takes. */
function tasksOf(takes: Readonly<Record<string, number>>) {
  const written: [name: string, atMs: number][] = []
  const startMs = Date.now()
  const tasks = Object.entries(takes).map(([name, ms]): TurnTaker => ({
    checkpoint: async () => {
      written.push([name, Date.now() - startMs])
      await new Promise((resolve) => setTimeout(resolve, ms))
    },
  }))
  return { tasks, written }
}

describe('checkpoints of tasks', () => {
  it('come once in an interval each, at even distances', async () => {
    const { tasks, written } = tasksOf({ a: 5, b: 5, c: 5, d: 5 })
    const turns = new CheckpointTurns(1_000, () => tasks)
    turns.start()
    await vi.advanceTimersByTimeAsync(2_000)
    turns.stop()
    expect(written.map(([name]) => name).join('')).toBe('abcdabcd')
    expect(written.map(([, ms]) => ms)).toEqual([250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(written).toHaveLength(8)
  })

  it('do not wait for one that takes long, which misses its turn', async () => {
    const { tasks, written } = tasksOf({ slow: 1_500, quick: 5 })
    const turns = new CheckpointTurns(1_000, () => tasks)
    turns.start()
    await vi.advanceTimersByTimeAsync(4_000)
    turns.stop()
    expect(written.filter(([name]) => name === 'slow').map(([, ms]) => ms)).toEqual([500, 2_500])
    expect(written.filter(([name]) => name === 'quick').map(([, ms]) => ms)).toEqual([1_000, 2_000, 3_000, 4_000])
  })

  it('go on with those that stay where some leave and others come', async () => {
    const { tasks, written } = tasksOf({ a: 5, b: 5, c: 5 })
    const held = [tasks[0]!]
    const turns = new CheckpointTurns(900, () => held)
    turns.start()
    await vi.advanceTimersByTimeAsync(900)
    held.push(tasks[1]!, tasks[2]!)
    await vi.advanceTimersByTimeAsync(1_800)
    held.shift()
    await vi.advanceTimersByTimeAsync(1_800)
    turns.stop()
    const names = written.map(([name]) => name).join('')
    expect(names).toMatch(/^ab?c?/)
    expect(names.slice(-4)).toMatch(/^(bcbc|cbcb)$/)
  })

  it('are not written where there are no tasks', async () => {
    const turns = new CheckpointTurns(100, () => [])
    turns.start()
    await vi.advanceTimersByTimeAsync(1_000)
    turns.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
