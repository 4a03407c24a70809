/** Where this process will listen, known before it does: its own services call it there. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import type { AccessToken } from '../runtime/http/http-access.ts'
import { isLoopback } from '../runtime/loopback.ts'
import { listenAddress } from '../runtime/http/http.ts'
import type { Redactor } from '../runtime/redact.ts'

/** `address:port` with the port that a 0 stands for. */
export async function settledListen(listen: string): Promise<string> {
  const { host, port } = listenAddress(listen)
  if (port !== 0) return listen
  return `${host}:${await bound(host, port)}`
}

/** Listens for a moment; the port that it got. */
async function bound(host: string, port: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: bare(host), port }, resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : port
}

/** The address as it is, or with any free port where another process listens there already. */
export async function freeListen(listen: string): Promise<string> {
  const { host, port } = listenAddress(listen)
  const taken = await bound(host, port).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'EADDRINUSE',
  )
  return taken ? settledListen(`${host}:0`) : listen
}

/** How this process reaches itself, with a token that lives as long as it does. */
export function ownAccess(
  listen: string,
  redactor: Redactor,
): { readonly url: string; readonly token: AccessToken & { readonly token: string } } {
  const { host, port } = listenAddress(listen)
  const token = randomBytes(32).toString('hex')
  redactor.remember(token)
  const everywhere = host === '0.0.0.0' || host === '[::]'
  return {
    url: `http://${everywhere && !isLoopback(host) ? '127.0.0.1' : host}:${port}`,
    token: { name: 'this-process', token, roles: ['gateway'] },
  }
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
