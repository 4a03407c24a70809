import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openEmbedded, temporary } from '../../adapters/embedded/open.ts'
import type { Event } from '../../core/event.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { topics, topicSpecs } from '../../core/topics.ts'
import { defaultConfig } from '../../runtime/config/config.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import type { ContentReader } from '../../runtime/content/content-reader.ts'
import { silentLog } from '../../runtime/log.ts'
import { silentTelemetry } from '../../runtime/telemetry.ts'
import { createNormalizeService } from '../normalize/service.ts'
import { Board } from './board.ts'
import { syntheticSource } from './own-records.ts'
import { createScheduleService } from './service.ts'

const folder = new URL('../../sources/', import.meta.url)
const files = readdirSync(folder).map((name) => ({ path: name, text: readFileSync(new URL(name, folder), 'utf8') }))
const bundle = bundleOf('sources', files)
const content: ContentReader = {
  current: () => bundle.digest,
  bundle: async () => ({ bundle, files }),
  waitForCurrent: async () => bundle.digest,
  reportMistakes: () => undefined,
  mistakes: () => [],
}

test('a synthetic record goes through normalize, is measured when its signal returns, and tells that the pipeline lives', async () => {
  const embedded = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
  const { bus } = embedded
  await bus.createTopics(topicSpecs(2))
  const measured: number[] = []
  const telemetry = { ...silentTelemetry, endToEnd: (_stage: string, ms: number) => void measured.push(ms) }
  const context = {
    bus,
    content,
    config: defaultConfig(),
    clock: systemClock,
    log: silentLog,
    hmacKey: new Uint8Array(32),
  }
  const normalize = createNormalizeService({ ...context, telemetry: silentTelemetry, ticking: () => false })
  const [one, other] = [
    createScheduleService({ ...context, telemetry }),
    createScheduleService({ ...context, telemetry }),
  ]
  try {
    await normalize.start()
    await Promise.all([one.start(), other.start()])
    const events = async (): Promise<Event[]> => {
      const found: Event[] = []
      for (const { partition } of await bus.offsets(topics.events)) {
        await bus.read({ topic: topics.events, partition }, 'start', (batch) => {
          for (const { value, headers } of batch)
            if (headers['w-control'] === undefined) found.push(JSON.parse(String(value)) as Event)
        })
      }
      return found
    }
    await expect.poll(async () => (await events()).length, { timeout: 8_000 }).toBeGreaterThan(0)
    const made = await events()
    expect(made[0]?.warden).toMatchObject({ synthetic: true, principal: 'own/modelwarden-synthetic' })
    // A minute may have turned between the two starts; in one minute there is one.
    const minutes = new Set(made.map((event) => event['@timestamp'].slice(0, 16)))
    expect(made).toHaveLength(minutes.size)
    const board = new Board(bus)
    await expect
      .poll(async () => (await board.refresh(), board.lastSeen().has(syntheticSource)), { timeout: 8_000 })
      .toBe(true)
    await bus.publish([
      { topic: topics.signals, key: 'own', value: JSON.stringify({ synthetic: true, arrivedMs: Date.now() - 5 }) },
      { topic: topics.signals, key: 'own', value: JSON.stringify({ explanation: '"synthetic":true' }) },
    ])
    await expect.poll(() => measured.length, { timeout: 8_000 }).toBe(1)
    expect(measured[0]).toBeGreaterThanOrEqual(5)
    expect([one.health().state, other.health().state]).toEqual(['ready', 'ready'])
  } finally {
    await Promise.all([one.stop(), other.stop()])
    await normalize.stop()
    await embedded.close()
  }
}, 30_000)
