import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOf } from '../../../connectors/slack/blocks.ts'
import { createSlackConnector } from '../../../connectors/slack/slack.ts'
import type { ConnectorContext } from '../../../core/ports/connector.ts'
import { startSlack, type Slack } from '../../support/slack.ts'
import { hostile, message } from './message.ts'
import { closedPort, connectorContract } from './suite.ts'

const optionsFor = (slack: Pick<Slack, 'url' | 'token'>) => ({
  token: slack.token,
  channel: 'C0000000001',
  apiUrl: slack.url,
  timeoutMs: 5_000,
})
const keyOf = ({ args }: Slack['messages'][number]): unknown =>
  (args['metadata'] as { event_payload?: { key?: unknown } }).event_payload?.key

connectorContract('slack', async () => {
  const slack = await startSlack()
  const options = optionsFor(slack)
  return {
    connector: createSlackConnector(options),
    unreachable: createSlackConnector({ ...options, apiUrl: `http://127.0.0.1:${await closedPort()}/api/` }),
    unwelcome: createSlackConnector({ ...options, token: 'xoxb-0000-of-yesterday' }),
    action: 'send',
    args: message,
    secrets: [slack.token, 'xoxb-0000-of-yesterday'],
    effects: (key) => slack.messages.filter((each) => keyOf(each) === key).length,
    failNext: (how) => {
      slack.failWith(how === 'passing' ? 'service_unavailable' : 'channel_not_found')
    },
    close: () => slack.close(),
  }
})

describe('a Slack message', () => {
  let slack: Slack
  beforeAll(async () => {
    slack = await startSlack()
  })
  afterAll(() => slack.close())

  const context = (key: string): ConnectorContext => ({
    idempotencyKey: key,
    attempt: 1,
    possiblyRepeated: false,
    signal: AbortSignal.timeout(5_000),
  })
  const action = () => createSlackConnector(optionsFor(slack)).actions['send']

  test('a rate limit comes back with the time that Slack asks for, after one call', async () => {
    slack.rateLimit(1, 7)
    const before = slack.calls.length
    await expect(action()?.do(message, context('limited'))).rejects.toMatchObject({
      retryable: true,
      retryAfterMs: 7_000,
      maybeDone: false,
    })
    expect(slack.calls.length).toBe(before + 1)
  })

  test('a connection that breaks before the answer may have delivered, and history tells that it has', async () => {
    slack.hangUpAfterNextMessage()
    await expect(action()?.do(message, context('broken'))).rejects.toMatchObject({ retryable: true, maybeDone: true })
    expect(await action()?.verify?.(message, context('broken'))).toMatchObject({ state: 'done' })
    expect(await action()?.verify?.(message, context('never-sent'))).toMatchObject({ state: 'not-done' })
  })

  test('without the right to read history, verify says that it can not tell', async () => {
    slack.failWith('missing_scope')
    expect(await action()?.verify?.(message, context('any'))).toMatchObject({ state: 'unknown' })
  })

  test('hostile content mentions nobody, links nowhere, and stays within the limits', () => {
    const blocks = blocksOf(hostile.headline, hostile.notice, false)
    expect(blocks.length).toBeLessThanOrEqual(50)
    const texts: { type: string; text: string }[] = []
    JSON.stringify(blocks, (_key, value: unknown) => {
      const object = value as { type?: string; text?: unknown } | null
      if ((object?.type === 'mrkdwn' || object?.type === 'plain_text') && typeof object.text === 'string')
        texts.push(object as never)
      return value
    })
    for (const { type, text } of texts) {
      expect(text.length).toBeLessThanOrEqual(3_000)
      if (type === 'mrkdwn') expect(text).not.toMatch(/[<>]/)
    }
    expect(texts.filter(({ type }) => type === 'mrkdwn').map(({ text }) => text)).toContain('*What happened*')
    expect(JSON.stringify(blocks)).not.toMatch(/\\u0000|\\u202e|\\u200b|\\ud800/)
  })

  test('what Slack shows without blocks is escaped', async () => {
    await action()?.do(hostile, context('hostile'))
    expect(slack.messages.at(-1)?.args['text']).toContain('&lt;!channel&gt; &lt;https://evil.example|click&gt;')
  })
})
