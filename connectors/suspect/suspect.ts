/**
 * Asks a suspect model: an OpenAI-compatible endpoint, or any HTTP endpoint with a template.
 *
 * Promises: only public addresses unless others are allowed by name (webhook/guard.ts); no redirect is followed; time and size
 * of an answer are bounded, from the connection to its last byte; the key is in no error. An answer that is streamed
 * (server-sent events, whether that was asked for or not) is put together.
 */
import { Agent, request } from 'undici'
import { describeError } from '../../core/errors.ts'
import { ConnectorRefusedError, ConnectorUnavailableError } from '../../core/ports/connector.ts'
import { AddressGuard } from '../webhook/guard.ts'

export interface SuspectOptions {
  readonly url: string
  readonly model: string
  readonly apiKey: string | undefined
  /** JSON with `{{prompt}}` and `{{model}}` in texts; undefined: the chat API of OpenAI. */
  readonly template: string | undefined
  /** Where the answer is, such as `choices.0.message.content`. */
  readonly answerPath: string
  readonly timeoutMs: number
  readonly allowHttp: boolean
  /** CIDR blocks that may be asked although they are not public. */
  readonly allowAddresses: readonly string[]
}

const answerBytesMax = 1_000_000
const chatTemplate = JSON.stringify({
  model: '{{model}}',
  messages: [{ role: 'user', content: '{{prompt}}' }],
  temperature: 0,
  max_tokens: 200,
})

export interface Suspect {
  ask(prompt: string): Promise<string>
  close(): Promise<void>
}

export function openSuspect(options: SuspectOptions): Suspect {
  const guard = new AddressGuard(options)
  const url = new URL(options.url)
  if (url.protocol === 'http:' && !options.allowHttp) {
    throw new ConnectorRefusedError('The suspect’s address has no TLS.', { hint: 'Allow that with --allow-http.' })
  }
  guard.checkUrl(url)
  const template: unknown = JSON.parse(options.template ?? chatTemplate)
  const agent = new Agent({
    connect: { lookup: guard.lookup, timeout: options.timeoutMs },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    maxResponseSize: answerBytesMax,
    connections: 1,
  })
  return {
    ask: async (prompt) => {
      const body = JSON.stringify(filled(template, { prompt, model: options.model }))
      const authorization = options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }
      // The agent's own limits begin anew with each byte.
      const signal = AbortSignal.timeout(options.timeoutMs)
      const { statusCode, headers, text } = await request(url, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', ...authorization },
        body,
        signal,
      })
        .then(async (answer) => ({ ...answer, text: await answer.body.text() }))
        .catch((cause: unknown) => {
          if (signal.aborted) {
            throw new ConnectorUnavailableError(`The suspect did not answer within ${options.timeoutMs / 1_000} s.`, {
              cause,
            })
          }
          throw new ConnectorUnavailableError(`No answer came from the suspect: ${describeError(cause)}.`, { cause })
        })
      if (statusCode === 429 || statusCode >= 500) {
        throw new ConnectorUnavailableError(`The suspect answered with status ${statusCode}.`)
      }
      if (statusCode !== 200) throw new ConnectorRefusedError(`The suspect answered with status ${statusCode}.`)
      if (String(headers['content-type']).startsWith('text/event-stream')) return streamed(text, options.answerPath)
      return answerIn(text, options.answerPath)
    },
    close: () => agent.close(),
  }
}

function filled(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return value.replace(/\{\{(prompt|model)\}\}/g, (_, name: string) => values[name]!)
  if (Array.isArray(value)) return value.map((item) => filled(item, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, values)]))
}

/** Pieces of an answer, each a JSON document behind `data:` (WHATWG, server-sent events). OpenAI calls a piece `delta`. */
function streamed(text: string, path: string): string {
  const pieces = text.split(/\r\n|\n|\r/).flatMap((line) => {
    const data = /^data: ?(\{.*)$/.exec(line)?.[1]
    if (data === undefined) return []
    const value = parsed(data)
    const piece = at(value, path) ?? at(value, path.replace(/\bmessage\b/, 'delta'))
    return typeof piece === 'string' ? [piece] : []
  })
  if (pieces.length === 0) throw new ConnectorRefusedError(`The suspect’s streamed answer has no text at ${path}.`)
  return pieces.join('')
}

function answerIn(text: string, path: string): string {
  const value = at(parsed(text), path)
  if (value === undefined) throw new ConnectorRefusedError(`The suspect’s answer has nothing at ${path}.`)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ConnectorRefusedError('The suspect’s answer is not JSON.', { cause })
  }
}

function at(value: unknown, path: string): unknown {
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}
