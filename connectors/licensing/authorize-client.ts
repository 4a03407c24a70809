/**
 * Asks the copies of authorize how a credential stands: `POST /v1/credentials/check` with `{credentialId}`, or
 * `{principal}` for all credentials of one.
 */
import { z } from 'zod'
import { credentialStates } from '../../core/license.ts'
import { describeError } from '../../core/errors.ts'
import { ConnectorRefusedError, ConnectorUnavailableError } from '../../core/ports/connector.ts'
import { plainLine } from '../notice-text.ts'

const Check = z.object({
  credentialId: z.string(),
  state: z.enum([...credentialStates, 'unknown']),
  actionId: z.string().optional(),
  decision: z.enum(['allow', 'deny']),
})
export type CredentialCheck = z.infer<typeof Check>
const Answer = z.union([z.object({ credentials: z.array(Check).max(10_000) }), Check])

const answerBytesMax = 4 * 1024 * 1024

export class AuthorizeClient {
  readonly #urls: readonly URL[]
  readonly #token: string | undefined
  readonly #timeoutMs: number

  constructor(options: {
    readonly authorizeUrls: readonly string[]
    readonly token: string | undefined
    readonly timeoutMs: number
  }) {
    this.#urls = options.authorizeUrls.map(
      (url) => new URL('v1/credentials/check', url.endsWith('/') ? url : `${url}/`),
    )
    this.#token = options.token
    this.#timeoutMs = options.timeoutMs
  }

  get copies(): number {
    return this.#urls.length
  }

  /** The answer of every copy. Rejects where one can't be asked: what it would have said counts. */
  checkAll(
    about: { readonly credentialId: string } | { readonly principal: string },
    signal: AbortSignal,
  ): Promise<readonly (readonly CredentialCheck[])[]> {
    const body = JSON.stringify(
      'credentialId' in about ? { credentialId: about.credentialId } : { principal: about.principal },
    )
    return Promise.all(this.#urls.map((url) => this.#check(url, body, signal)))
  }

  async probe(): Promise<{ readonly ok: boolean; readonly summary: string }> {
    if (this.copies === 0)
      return {
        ok: false,
        summary: 'No authorize endpoint is configured (respond.authorizeUrls): revocations cannot be verified.',
      }
    try {
      await this.checkAll({ credentialId: 'probe' }, AbortSignal.timeout(this.#timeoutMs))
      return { ok: true, summary: `${this.copies} authorize endpoints answer.` }
    } catch (error) {
      return { ok: false, summary: describeError(error) }
    }
  }

  async #check(url: URL, body: string, signal: AbortSignal): Promise<readonly CredentialCheck[]> {
    let response: Response
    let text: string
    try {
      response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        signal,
        headers: {
          'content-type': 'application/json',
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        },
        body,
      })
      text = await response.text()
    } catch (cause) {
      throw new ConnectorUnavailableError(`${url.host} can't be asked: ${plainLine(describeError(cause), 200)}`, {
        maybeDone: false,
      })
    }
    if (response.status === 401 || response.status === 403)
      throw new ConnectorRefusedError(`${url.host} refuses our token (${response.status}).`)
    if (response.status === 400 || response.status === 404)
      throw new ConnectorRefusedError(`${url.host} does not answer such questions (${response.status}).`)
    if (!response.ok)
      throw new ConnectorUnavailableError(`${url.host} answers ${response.status}.`, { maybeDone: false })
    return read(url, text)
  }
}

function read(url: URL, text: string): readonly CredentialCheck[] {
  try {
    if (text.length > answerBytesMax) throw new Error('too large')
    const answer = Answer.parse(JSON.parse(text))
    return 'credentials' in answer ? answer.credentials : [answer]
  } catch (cause) {
    throw new ConnectorUnavailableError(`${url.host} gives an answer that makes no sense.`, { cause, maybeDone: false })
  }
}
