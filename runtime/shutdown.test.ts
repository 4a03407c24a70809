import { expect, it, vi } from 'vitest'
import { WardenError } from '../core/errors.ts'
import type { Log } from './log.ts'
import { onStopRequest } from './shutdown.ts'

it('work that a signal interrupts ends with a sentence that names it, not with what looks like a bug', () => {
  const log = { info: vi.fn(), warn: vi.fn() } as unknown as Log
  const request = onStopRequest(log)
  try {
    process.emit('SIGHUP', 'SIGHUP')
    const reason: unknown = request.signal.reason
    expect(reason).toBeInstanceOf(WardenError)
    expect(reason).toMatchObject({ code: 'STOP_REQUESTED', message: 'Stopped by SIGHUP before it was done.' })
  } finally {
    request.dispose()
  }
})
