import { expect, test } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../core/errors.ts'
import { silentLog } from '../runtime/log.ts'
import { onceBusIsThere } from './bus-there.ts'

test('a process that starts while the broker restarts waits for it', async () => {
  let tries = 0
  const task = async (): Promise<void> => {
    tries += 1
    await Promise.resolve()
    if (tries < 3) throw new BusUnavailableError('no broker yet')
  }
  await onceBusIsThere(task, silentLog)
  expect(tries).toBe(3)
})

test('a broker that stays away, and one that refuses, end the start with what was said last', async () => {
  const away = () => Promise.reject(new BusUnavailableError('still away'))
  await expect(onceBusIsThere(away, silentLog, 1_500)).rejects.toThrow('still away')
  let tries = 0
  const refusing = async (): Promise<void> => {
    tries += 1
    await Promise.reject(new BusRefusedError('no right to make topics'))
  }
  await expect(onceBusIsThere(refusing, silentLog)).rejects.toThrow('no right')
  expect(tries).toBe(1)
})
