import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageIdOf } from '../../../connectors/email/compose.ts'
import { createEmailConnector, type EmailOptions } from '../../../connectors/email/email.ts'
import { startSmtp, type Smtp } from '../../support/smtp.ts'
import { hostile, message } from './message.ts'
import { closedPort, connectorContract } from './suite.ts'

const password = 'correct-horse-battery-staple'
const domain = 'warden.example'
const optionsFor = (smtp: Pick<Smtp, 'host' | 'port'>, changes: Partial<EmailOptions> = {}): EmailOptions => ({
  host: smtp.host,
  port: smtp.port,
  tls: 'none',
  from: `modelwarden@${domain}`,
  to: ['soc@acme.example'],
  timeoutMs: 5_000,
  ...changes,
})

connectorContract('email', async () => {
  const smtp = await startSmtp({ auth: { user: 'warden', pass: password } })
  const options = optionsFor(smtp, { user: 'warden', password })
  return {
    connector: createEmailConnector(options),
    unreachable: createEmailConnector({ ...options, port: await closedPort() }),
    unwelcome: createEmailConnector({ ...options, password: `${password}-of-yesterday` }),
    action: 'send',
    args: message,
    secrets: [password],
    effects: (key) => smtp.mails.filter(({ headers }) => headers['message-id'] === messageIdOf(key, domain)).length,
    failNext: (how) => {
      smtp.refuse(1, how === 'passing' ? 451 : 550)
    },
    close: () => smtp.close(),
  }
})

describe('a mail', () => {
  let smtp: Smtp
  beforeAll(async () => {
    smtp = await startSmtp()
  })
  afterAll(() => smtp.close())

  const send = async (args: unknown, possiblyRepeated = false, key = 'key1') => {
    const { send: action } = createEmailConnector(optionsFor(smtp)).actions
    await action?.do(args, { idempotencyKey: key, attempt: 1, possiblyRepeated, signal: AbortSignal.timeout(5_000) })
    const mail = smtp.mails.at(-1)
    if (mail === undefined) throw new Error('no mail')
    return mail
  }

  test('a repeat is marked, and has the Message-ID of the first sending', async () => {
    const first = await send(message)
    const again = await send(message, true)
    expect(again.headers['message-id']).toBe(first.headers['message-id'])
    expect(first.headers['subject']).toBe('[high] Key key-a is revoked')
    expect(again.headers['subject']).toBe('[possibly repeated] [high] Key key-a is revoked')
    expect(again.headers['x-modelwarden-possibly-repeated']).toBe('yes')
    expect(first.headers['x-modelwarden-possibly-repeated']).toBeUndefined()
  })

  test('hostile content makes no header, no recipient and no markup', async () => {
    const mail = await send(hostile, false, 'key2')
    expect(mail.to).toEqual(['soc@acme.example'])
    expect(mail.headers['bcc']).toBeUndefined()
    expect(mail.raw.slice(0, mail.raw.indexOf('\r\n\r\n'))).not.toMatch(/^bcc:/im)
    const html = mail.raw.slice(mail.raw.indexOf('Content-Type: text/html'))
    expect(html).toContain('&lt;script&gt;')
    expect(html).not.toContain('<script')
  })

  test.each([
    'eve@x.example\r\nBcc: a@b.example',
    'a b@c.example',
    '"x"@c.example',
    '<a@c.example>',
    'a@c.example,b@c.example',
    'a@',
  ])('a recipient like %j is refused before anything is called', (to) => {
    const { send: action } = createEmailConnector(optionsFor(smtp)).actions
    expect(action?.args.safeParse({ ...message, to: [to] }).success).toBe(false)
  })

  test('where TLS is required and not offered, nothing is sent and nothing is tried again', async () => {
    const { send: action } = createEmailConnector(optionsFor(smtp, { tls: 'starttls' })).actions
    const before = smtp.mails.length
    const sending = action?.do(message, {
      idempotencyKey: 'k',
      attempt: 1,
      possiblyRepeated: false,
      signal: AbortSignal.timeout(5_000),
    })
    await expect(sending).rejects.toMatchObject({ retryable: false })
    expect(smtp.mails.length).toBe(before)
  })
})
