import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createOutboxConnector } from '../../../connectors/outbox/outbox.ts'
import { temporaryFolder } from '../../support/tmp.ts'
import { hostile, message } from './message.ts'
import { connectorContract } from './suite.ts'

const filesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

connectorContract(
  'outbox',
  async () => {
    const folder = join(await temporaryFolder('outbox'), 'not', 'there', 'yet')
    return {
      connector: createOutboxConnector({ name: 'slack', folder }),
      action: 'send',
      args: { ...message, channel: '#security' },
      secrets: [],
      effects: async (key) => (await filesOf(folder)).filter((name) => name.includes(key)).length,
      close: async () => undefined,
    }
  },
  { local: true },
)

test('a kept message can be read by a person, and verify finds it', async () => {
  const folder = await temporaryFolder('outbox')
  const { send } = createOutboxConnector({ name: 'email', folder }).actions
  const context = { idempotencyKey: 'key1', attempt: 1, possiblyRepeated: false, signal: AbortSignal.timeout(5_000) }
  expect(await send?.verify?.(message, context)).toMatchObject({ state: 'not-done' })
  await send?.do(message, context)
  expect(await send?.verify?.(message, context)).toMatchObject({ state: 'done' })
  const text = await readFile(join(folder, 'email-key1.txt'), 'utf8')
  expect(text).toContain('[high] Key key-a is revoked')
  expect(text).toContain('By whom:\n  principal acme/customer-7')
})

test('a hostile key does not become a path, hostile text no control character', async () => {
  const folder = await temporaryFolder('outbox')
  const { send } = createOutboxConnector({ name: 'slack', folder }).actions
  await send?.do(hostile, {
    idempotencyKey: '../../etc/passwd',
    attempt: 1,
    possiblyRepeated: false,
    signal: AbortSignal.timeout(5_000),
  })
  const [name = ''] = await filesOf(folder)
  expect(name).toMatch(/^slack-[0-9a-f]{32}\.txt$/)
  expect(await readFile(join(folder, name), 'utf8')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e\u200b]/)
})
