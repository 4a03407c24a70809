/**
 * Asks a suspect model: an OpenAI-compatible endpoint, or any HTTP endpoint with a template.
 *
 * Promises: only public addresses unless others are allowed by name (webhook/guard.ts); no redirect is followed; time and size
 * of an answer are bounded; the key is in no error.
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
      const answer = await request(url, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', ...authorization },
        body,
      }).catch((cause: unknown) => {
        throw new ConnectorUnavailableError(`The suspect can't be reached: ${describeError(cause)}.`, { cause })
      })
      const text = await answer.body.text()
      if (answer.statusCode === 429 || answer.statusCode >= 500) {
        throw new ConnectorUnavailableError(`The suspect answered with status ${answer.statusCode}.`)
      }
      if (answer.statusCode !== 200) {
        throw new ConnectorRefusedError(`The suspect answered with status ${answer.statusCode}.`)
      }
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

function answerIn(text: string, path: string): string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ConnectorRefusedError('The suspect’s answer is not JSON.', { cause })
  }
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
      throw new ConnectorRefusedError(`The suspect’s answer has nothing at ${path}.`)
    }
    value = (value as Record<string, unknown>)[step]
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}
