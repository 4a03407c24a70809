/**
 * Asks an HTTP endpoint over kept-open connections, one question at a time on each, and tells how long each answer took.
 *
 * In a thread of its own, so that asking does not delay answering.
 */
import { Agent, request } from 'node:http'
import { parentPort } from 'node:worker_threads'

export interface LoadOrder {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Asked in turn. */
  readonly bodies: readonly string[]
  readonly connections: number
  readonly durationMs: number
}
export interface LoadResult {
  readonly latenciesMs: readonly number[]
  readonly failed: number
}

parentPort?.on('message', (order: LoadOrder) => {
  void load(order).then((result) => parentPort?.postMessage(result))
})

async function load(order: LoadOrder): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: order.connections })
  const latenciesMs: number[] = []
  let failed = 0
  let next = 0
  const untilMs = performance.now() + order.durationMs
  const connection = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const startedMs = performance.now()
      const status = await ask(order, order.bodies[next++ % order.bodies.length]!, agent)
      latenciesMs.push(performance.now() - startedMs)
      if (status !== 200) failed++
    }
  }
  await Promise.all(Array.from({ length: order.connections }, connection))
  agent.destroy()
  return { latenciesMs, failed }
}

function ask(order: LoadOrder, body: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { ...order.headers, 'content-length': Buffer.byteLength(body) }
    const sent = request(order.url, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
