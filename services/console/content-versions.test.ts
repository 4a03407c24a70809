import { expect, test } from 'vitest'
import { BusRefusedError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { topics } from '../../core/topics.ts'
import { defaultConfig } from '../../runtime/config/config.ts'
import { createHttpHost } from '../../runtime/http/http.ts'
import { silentLog } from '../../runtime/log.ts'
import { createMetrics } from '../../runtime/metrics.ts'
import { mountVersions } from './content-versions.ts'

const token = 'responder-token-0123456789'

test('a console that the broker lets write no content says so, and what to do instead', async () => {
  const { registry, telemetry } = createMetrics({ processMetrics: false })
  const published: string[] = []
  const bus = {
    publish: async (records: readonly { topic: string }[]) => {
      if (records.some(({ topic }) => topic === topics.content)) throw new BusRefusedError('TOPIC_AUTHORIZATION_FAILED')
      published.push(...records.map(({ topic }) => topic))
    },
  } as never
  const host = await createHttpHost({
    http: { ...defaultConfig().http, listen: '127.0.0.1:0' },
    tokens: [{ name: 'one', token, roles: ['responder'] }],
    shutdownGraceMs: 300,
    log: silentLog,
    telemetry,
    registry,
    health: () => ({}),
    bus,
  })
  const [then, now] = ['a'.repeat(64), 'b'.repeat(64)]
  const content = {
    current: () => now,
    versions: () => [then, now].map((digest) => ({ set: 'rules', digest, files: 0, publishedMs: 0 })),
    bundle: async () => ({ bundle: {}, files: [] }),
  } as never
  mountVersions(host.app, { bus, content, checks: { rules: () => [] } as never, clock: systemClock })
  const url = await host.start()
  const answer = await fetch(`${url}/v1/content/rollback`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ digest: then, reason: 'too loud' }),
  })
  const told = { error: { code: 'CONTENT_NOT_WRITABLE', hint: expect.stringContaining('content rollback') as string } }
  expect([answer.status, await answer.json()]).toMatchObject([409, told])
  expect(new Set(published)).toEqual(new Set([topics.deeds]))
  await host.stop()
})
