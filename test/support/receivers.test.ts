import { createHmac } from 'node:crypto'
import { LogLevel, retryPolicies, WebClient } from '@slack/web-api'
import { createTransport } from 'nodemailer'
import { expect, onTestFinished, test } from 'vitest'
import { startSlack } from './slack.ts'
import { startSmtp } from './smtp.ts'
import { startWebhook } from './webhook.ts'

async function slackWithClient(token?: string) {
  const slack = await startSlack()
  onTestFinished(() => slack.close())
  const client = new WebClient(token ?? slack.token, {
    slackApiUrl: slack.url,
    retryConfig: retryPolicies.rapidRetryPolicy,
    logLevel: LogLevel.ERROR,
  })
  return { slack, client }
}

test("Slack's own client posts a message with blocks and reads back who it is", async () => {
  const { slack, client } = await slackWithClient()
  expect(await client.auth.test()).toMatchObject({ ok: true, user: 'modelwarden' })
  const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: '*hello*' } }]
  const posted = await client.chat.postMessage({ channel: 'C1', text: 'hello', blocks })
  expect(slack.messages).toEqual([{ ts: posted.ts, args: expect.objectContaining({ channel: 'C1', blocks }) }])
})

test("Slack's own client waits out a rate limit and is told of a wrong token", async () => {
  const { slack, client } = await slackWithClient()
  slack.rateLimit(1, 1)
  const startedMs = performance.now()
  await client.chat.postMessage({ channel: 'C1', text: 'hello' })
  expect(performance.now() - startedMs).toBeGreaterThan(900)
  expect(slack.calls).toHaveLength(2)
  expect(slack.messages).toHaveLength(1)

  const stranger = new WebClient('xoxb-other', { slackApiUrl: slack.url, logLevel: LogLevel.ERROR })
  await expect(stranger.auth.test()).rejects.toMatchObject({ data: { ok: false, error: 'invalid_auth' } })
})

test('mail sent by nodemailer arrives with its headers; a refused one does not', async () => {
  const smtp = await startSmtp({ auth: { user: 'warden', pass: 'pass' } })
  onTestFinished(() => smtp.close())
  const transport = createTransport({ host: smtp.host, port: smtp.port, auth: { user: 'warden', pass: 'pass' } })
  const mail = { from: 'warden@example.org', to: 'soc@example.org', subject: 'Incident', text: 'what happened' }
  smtp.refuse(1)
  await expect(transport.sendMail(mail)).rejects.toMatchObject({ responseCode: 451 })
  await transport.sendMail({ ...mail, messageId: '<inc-1@modelwarden>' })
  expect(smtp.mails).toHaveLength(1)
  expect(smtp.mails[0]).toMatchObject({
    to: ['soc@example.org'],
    headers: { subject: 'Incident', 'message-id': '<inc-1@modelwarden>' },
  })
})

test('a webhook takes a signed delivery, refuses a forged one, and fails as often as it was told', async () => {
  const secret = `whsec_${Buffer.from('a key of some length').toString('base64')}`
  const webhook = await startWebhook({ secret })
  onTestFinished(() => webhook.close())
  const deliver = async (signWith: string) => {
    const body = JSON.stringify({ incident: 1 })
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', signWith).update(`msg_1.${timestamp}.${body}`).digest('base64')
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
    return (await fetch(webhook.url, { method: 'POST', body, headers })).status
  }
  webhook.failNext(2, 500)
  expect([await deliver('a key of some length'), await deliver('a key of some length')]).toEqual([500, 500])
  expect(await deliver('another key')).toBe(401)
  expect(await deliver('a key of some length')).toBe(204)
  expect(webhook.accepted).toEqual([expect.objectContaining({ id: 'msg_1', json: { incident: 1 } })])

  webhook.hangUpNext(1)
  await expect(deliver('a key of some length')).rejects.toThrow()
})
