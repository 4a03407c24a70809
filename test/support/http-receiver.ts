/** A local HTTP endpoint that keeps what it got: what slack.ts and webhook.ts stand on. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ReceivedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly receivedMs: number
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text, or anything else as JSON. */
  readonly body?: unknown
  /** Answers this much later. */
  readonly delayMs?: number
  /** Breaks the connection instead of answering. */
  readonly hangUp?: boolean
}

export interface HttpReceiver {
  readonly url: string
  close(): Promise<void>
}

export async function startHttpReceiver(answer: (request: ReceivedRequest) => Answer): Promise<HttpReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, headers, body, delayMs, hangUp } = answer({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        receivedMs: Date.now(),
      })
      setTimeout(() => {
        if (hangUp) {
          request.socket.destroy()
          return
        }
        const isText = typeof body === 'string' || body === undefined
        response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
        response.end(isText ? body : JSON.stringify(body))
      }, delayMs ?? 0)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}
