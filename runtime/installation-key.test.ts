import { afterEach, describe, expect, it } from 'vitest'
import { openEmbedded, temporary } from '../adapters/embedded/open.ts'
import { systemClock } from '../core/ports/clock.ts'
import { topicSpecs } from '../core/topics.ts'
import { followContent } from './content/content-reader.ts'
import { agreeOnKey, HmacKeyDiffersError, keyFingerprint } from './installation-key.ts'
import { silentLog } from './log.ts'
import { silentTelemetry } from './telemetry.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const [ours, theirs] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

async function installation() {
  const { bus, close } = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
  closing.push(close)
  await bus.createTopics(topicSpecs(1))
  /** Another process of it: what it complains of. */
  const begin = async (hmacKey: Uint8Array, more: { publishes?: boolean; replaces?: string } = {}) => {
    const content = await followContent(bus, silentLog, silentTelemetry)
    closing.push(() => content.stop())
    const errors: unknown[] = []
    const log = { ...silentLog, error: (_message: string, fields: unknown) => void errors.push(fields) }
    const { publishes = false, replaces } = more
    await agreeOnKey({ bus, content, hmacKey, publishes, replaces, log })
    return { errors, content }
  }
  return begin
}

describe('a process with another hmacKey than its installation', () => {
  it('does not start, whether it publishes or not, and is told both keys by names that give nothing away', async () => {
    const begin = await installation()
    await begin(ours, { publishes: true })
    for (const publishes of [true, false]) {
      const refused = await begin(theirs, { publishes }).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(HmacKeyDiffersError)
      expect((refused as HmacKeyDiffersError).message).toContain(keyFingerprint(ours))
      expect((refused as HmacKeyDiffersError).hint).toContain(`hmacKeyReplaces: "${keyFingerprint(ours)}"`)
    }
    await begin(ours)
  })

  it('that was there first learns of it when somebody publishes', async () => {
    const begin = await installation()
    const { errors } = await begin(theirs)
    await begin(ours, { publishes: true })
    await expect.poll(() => errors).toEqual([{ ours: keyFingerprint(theirs), theirs: keyFingerprint(ours) }])
  })

  it('starts where its configuration says that its key takes the place of the other, which then is refused', async () => {
    const begin = await installation()
    const before = await begin(ours, { publishes: true })
    const replaces = keyFingerprint(ours)
    const gateway = await begin(theirs, { replaces })
    const { content } = await begin(theirs, { publishes: true, replaces })
    await expect.poll(() => content.keyFingerprint()).toBe(keyFingerprint(theirs))
    await expect(begin(ours)).rejects.toThrow(HmacKeyDiffersError)
    await begin(theirs, { replaces })
    await begin(theirs)
    expect(gateway.errors).toEqual([])
    await expect.poll(() => before.errors).toHaveLength(1)
  })
})

it('a fingerprint is no id of a credential that is spelled like its purpose', () => {
  expect(keyFingerprint(ours)).toMatch(/^[0-9a-f]{16}$/)
  expect(keyFingerprint(ours)).not.toBe(keyFingerprint(theirs))
})
