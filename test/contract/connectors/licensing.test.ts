import { describe, expect, test } from 'vitest'
import { createLicensingConnector } from '../../../connectors/licensing/licensing.ts'
import type { ConnectorContext } from '../../../core/ports/connector.ts'
import { startHttpReceiver } from '../../support/http-receiver.ts'

const token = 'responder-token-0123456789'
const context: ConnectorContext = {
  idempotencyKey: 'action-1',
  attempt: 1,
  possiblyRepeated: false,
  signal: AbortSignal.timeout(5_000),
}

interface Standing {
  state: string
  decision: string
  actionId?: string
}

/** A copy of authorize, as far as its endpoint for questions about credentials goes. */
async function startAuthorize(standings: Record<string, Standing>, ofPrincipal: Record<string, string[]> = {}) {
  const answerOf = (credentialId: string) => ({
    credentialId,
    ...(standings[credentialId] ?? { state: 'unknown', decision: 'deny' }),
  })
  return startHttpReceiver(({ path, headers, body }) => {
    if (path !== '/v1/credentials/check') return { status: 404 }
    if (headers.authorization !== `Bearer ${token}`) return { status: 401 }
    const { credentialId, principal } = JSON.parse(body) as { credentialId?: string; principal?: string }
    if (principal !== undefined)
      return { status: 200, body: { credentials: (ofPrincipal[principal] ?? []).map(answerOf) } }
    return { status: 200, body: answerOf(credentialId ?? '') }
  })
}

const connectorOf = (urls: readonly string[], given: string | undefined = token) =>
  createLicensingConnector({ authorizeUrls: urls, token: given, timeoutMs: 2_000, verifyMsMax: 1_000 })
const revoke = { credentialId: 'key-a', reason: 'Stolen.' }
const verify = (urls: readonly string[], action = 'credential.revoke', args: object = revoke) =>
  connectorOf(urls).actions[action]?.verify?.(args, context)

describe('licensing as a connector', () => {
  test('a revocation is proven when every copy of authorize refuses the key, not before', async () => {
    const [first, second] = [
      { 'key-a': { state: 'revoked', decision: 'deny' } },
      { 'key-a': { state: 'active', decision: 'allow' } },
    ]
    const copies = [await startAuthorize(first), await startAuthorize(second)]
    const urls = copies.map(({ url }) => url)
    expect(await verify(urls)).toMatchObject({ state: 'not-done', summary: expect.stringContaining('active') })
    second['key-a'] = { state: 'revoked', decision: 'deny' }
    expect(await verify(urls)).toMatchObject({ state: 'done', details: { copies: 2, credentials: 1 } })
    await Promise.all(copies.map((copy) => copy.close()))
  })

  test('a copy that can not be asked leaves it unproven, to be asked again', async () => {
    const copy = await startAuthorize({ 'key-a': { state: 'revoked', decision: 'deny' } })
    await expect(verify([copy.url, 'http://127.0.0.1:1'])).rejects.toMatchObject({ retryable: true })
    await copy.close()
    expect(await verify([])).toMatchObject({ state: 'unknown' })
  })

  test('a principal’s credentials must all be refused, and one without any is told as such', async () => {
    const standings: Record<string, Standing> = {
      a: { state: 'suspended', decision: 'deny' },
      b: { state: 'active', decision: 'allow' },
    }
    const copy = await startAuthorize(standings, { 'acme/insider': ['a', 'b'] })
    const args = { principal: 'acme/insider', reason: 'Leaving with weights.' }
    expect(await verify([copy.url], 'credential.suspend', args)).toMatchObject({ state: 'not-done' })
    standings['b'] = { state: 'suspended', decision: 'deny' }
    expect(await verify([copy.url], 'credential.suspend', args)).toMatchObject({
      state: 'done',
      details: { credentials: 2 },
    })
    expect(await verify([copy.url], 'credential.suspend', { ...args, principal: 'acme/nobody' })).toMatchObject({
      state: 'unknown',
    })
    await copy.close()
  })

  test('a suspension is taken back only while it stands as it was left; a revocation never', async () => {
    const standings: Record<string, Standing> = {
      'key-a': { state: 'suspended', decision: 'deny', actionId: 'action-1' },
    }
    const copy = await startAuthorize(standings)
    const { actions } = connectorOf([copy.url])
    expect(actions['credential.revoke']?.undoAs).toBeUndefined()
    const undo = actions['credential.suspend']?.undoAs?.(revoke, { actionId: 'action-1', before: undefined })
    expect(undo).toEqual({
      action: 'credential.reinstate',
      args: { credentialId: 'key-a', reason: 'Taken back by a person.', ifActionId: 'action-1' },
    })
    const check = () => actions['credential.reinstate']?.check?.(undo?.args, context)
    await expect(check()).resolves.toBeUndefined()
    standings['key-a'] = { state: 'revoked', decision: 'deny', actionId: 'action-2' }
    await expect(check()).rejects.toMatchObject({
      code: 'CONNECTOR_REFUSED',
      message: expect.stringContaining('changed by somebody else'),
    })
    await copy.close()
  })

  test('a token that is not accepted is no reason to try again, and is not told', async () => {
    const copy = await startAuthorize({})
    const probe = await connectorOf([copy.url], 'wrong-token-0123456789').probe()
    expect(probe).toMatchObject({ ok: false, summary: expect.stringContaining('refuses our token') })
    expect(probe.summary).not.toContain('wrong-token')
    expect(await connectorOf([copy.url]).probe()).toMatchObject({ ok: true })
    await copy.close()
  })
})
