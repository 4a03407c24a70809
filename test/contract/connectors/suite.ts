/**
 * What every connector keeps, whatever stands behind it. Run by one file for each connector against a real counterpart.
 *
 * Tests of one file share a counterpart; each test gives its messages keys of their own.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
} from '../../../core/ports/connector.ts'

export interface ConnectorUnderTest {
  readonly connector: Connector
  /** The action that the suite tries, with arguments that the counterpart accepts. */
  readonly action: string
  readonly args: unknown
  /** What must not be seen anywhere. */
  readonly secrets: readonly string[]
  /** How often the counterpart has taken what this key stands for as something new. */
  effects(key: string): number | Promise<number>
  /** Makes the counterpart fail the next call so that trying again can help, or so that it can't. */
  failNext?(how: 'passing' | 'for-good'): void
  /** The same connector, pointed at where nobody listens. */
  readonly unreachable?: Connector
  /** The same connector with a secret that the counterpart does not accept. */
  readonly unwelcome?: Connector
  close(): Promise<void>
}

/** A port of this machine on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const newKey = (): string => randomBytes(16).toString('hex')

const contextOf = (changes: Partial<ConnectorContext> = {}): ConnectorContext => ({
  idempotencyKey: newKey(),
  attempt: 1,
  possiblyRepeated: false,
  signal: AbortSignal.timeout(20_000),
  ...changes,
})

/** `local`: it reaches nobody else, so nobody can refuse it or be out of reach. */
export function connectorContract(name: string, open: () => Promise<ConnectorUnderTest>, { local = false } = {}): void {
  describe(`the connector contract, kept by ${name}`, () => {
    let under: ConnectorUnderTest
    let action: ConnectorAction
    let args: unknown

    beforeAll(async () => {
      under = await open()
      action = under.connector.actions[under.action] as ConnectorAction
      args = action.args.parse(under.args)
    })
    afterAll(async () => {
      await under.connector.close?.()
      await under.unreachable?.close?.()
      await under.unwelcome?.close?.()
      await under.close()
    })

    const failure = async (connector: Connector, context = contextOf()): Promise<unknown> => {
      const found = connector.actions[under.action] as ConnectorAction
      return found.do(found.args.parse(under.args), context).then(
        () => expect.unreachable('it should have failed'),
        (error: unknown) => error,
      )
    }

    test('a probe says that the other side answers', async () => {
      expect(await under.connector.probe()).toMatchObject({ ok: true })
    })

    test('what an action would do, and to what, is told without doing it', async () => {
      const key = newKey()
      expect(action.describe(args).length).toBeGreaterThan(10)
      expect(action.target(args).length).toBeGreaterThan(3)
      expect(await under.effects(key)).toBe(0)
    })

    test('unknown arguments are refused before anything is called', () => {
      expect(action.args.safeParse({ ...(under.args as object), surprise: 1 }).success).toBe(false)
    })

    test('an action has its effect once, and says so in one sentence', async () => {
      const context = contextOf()
      const result = await action.do(args, context)
      expect(result.summary).not.toBe('')
      expect(await under.effects(context.idempotencyKey)).toBe(1)
    })

    test('done again with the same key, the other side can tell, or verify can, or the action admits that nobody can', async () => {
      const context = contextOf()
      await action.do(args, context)
      if (action.once === 'readable') expect(await action.verify?.(args, context)).toMatchObject({ state: 'done' })
      if (action.once !== 'key') return
      await action.do(args, contextOf({ idempotencyKey: context.idempotencyKey, attempt: 2, possiblyRepeated: true }))
      expect(await under.effects(context.idempotencyKey)).toBe(1)
    })

    if (!local) {
      test('a passing failure may be tried again, a lasting one may not', async () => {
        under.failNext?.('passing')
        expect(await failure(under.connector)).toBeInstanceOf(ConnectorUnavailableError)
        under.failNext?.('for-good')
        expect(await failure(under.connector)).toBeInstanceOf(ConnectorRefusedError)
      })
    }

    if (!local) {
      test('where nobody listens the action may be tried again, is known not to be done, and the probe says so', async () => {
        expect(await failure(under.unreachable as Connector)).toMatchObject({ retryable: true, maybeDone: false })
        expect(await under.unreachable?.probe()).toMatchObject({ ok: expect.any(Boolean) })
      })
    }

    test('an aborted call comes back at once', async () => {
      const startedMs = performance.now()
      await action.do(args, contextOf({ signal: AbortSignal.abort() })).catch(() => undefined)
      expect(performance.now() - startedMs).toBeLessThan(2_000)
    })

    test('no secret is in a result, an error or a description', async () => {
      const said: unknown[] = [action.describe(args), await action.do(args, contextOf()), await under.connector.probe()]
      for (const connector of [under.unreachable, under.unwelcome]) {
        if (connector !== undefined)
          said.push(await failure(connector).catch((error: unknown) => error), await connector.probe())
      }
      const text = inspect(said, { depth: 20, showHidden: true })
      for (const secret of under.secrets) expect(text).not.toContain(secret)
    })

    if (!local) {
      test('a secret that is not accepted is no reason to try again', async () => {
        expect(await failure(under.unwelcome as Connector)).toBeInstanceOf(ConnectorRefusedError)
      })
    }
  })
}
