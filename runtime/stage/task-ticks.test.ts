import { expect, it } from 'vitest'
import { BusUnavailableError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { TaskTicks } from './task-ticks.ts'

it('a tick that failed is forgotten once records come by themselves, since no other would be written then', async () => {
  let nowMs = 0
  const bus = { publish: () => Promise.reject(new BusUnavailableError('down')) } as never
  const ticks = new TaskTicks(
    { topic: 't', partition: 0 },
    { bus, clock: { ...systemClock, monotonicMs: () => nowMs } },
  )
  nowMs = 1_000
  await ticks.writeIfIdle(1_000)
  expect(ticks.failing).toBe(true)
  ticks.taken((nowMs = 1_500))
  await ticks.writeIfIdle(1_000)
  expect(ticks.failing).toBe(false)
})
