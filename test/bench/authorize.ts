/**
 * How long a gateway waits for `POST /v1/authorize` with 100,000 credentials in memory, beside a route of the same listener
 * that parses the same question and answers a constant. Over loopback; rounds in turn, medians.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { topics } from '../../core/topics.ts'
import { credentialRecord, idOf, licenseRecord, startLicensing } from '../support/licensing.ts'
import { type Bench, type Figure, median, quantile } from './figures.ts'
import type { LoadOrder, LoadResult } from './http-load-worker.ts'

const credentials = 100_000
const licenses = 1_000
const rounds = 3
const roundMs = 2_000
const connections = 8
const publishRecords = 5_000

const secretOf = (n: number): string => `sk-bench-${n}-0123456789abcdef`

export const authorizeBench: Bench = {
  name: 'authorize',
  async run() {
    const running = await startLicensing({
      services: ['authorize'],
      routes: (app) =>
        void app.post('/bare', { config: { roles: ['gateway'] } }, () => ({ decision: 'allow', code: 'OK' })),
    })
    const worker = new Worker(new URL('./http-load-worker.ts', import.meta.url))
    try {
      await fill(running)
      const ask = (path: string): Promise<LoadResult> => load(worker, orderFor(`${running.url}${path}`))
      await ask('/v1/authorize')
      const bare: LoadResult[] = []
      const authorize: LoadResult[] = []
      for (let round = 0; round < rounds; round++) {
        bare.push(await ask('/bare'))
        authorize.push(await ask('/v1/authorize'))
      }
      return figures(authorize, bare)
    } finally {
      await worker.terminate()
      await running.stop()
    }
  },
}

type Running = Awaited<ReturnType<typeof startLicensing>>

/** Puts licenses and credentials on the topic, and waits until the last of them is let through. */
async function fill({ bus, authorize }: Running): Promise<void> {
  const caps = {
    requestsPerMinuteMax: 1_000_000,
    requestsPerDayMax: 1_000_000_000,
    addresses: ['203.0.113.0/24', '10.0.0.0/8'],
  }
  await bus.publish(
    Array.from({ length: licenses }, (_, n) =>
      licenseRecord({ id: `license-${n}`, models: ['llm-*', 'embed'], ...caps }),
    ),
  )
  for (let from = 0; from < credentials; from += publishRecords) {
    const records = Array.from({ length: publishRecords }, (_, n) => {
      const number = from + n
      const whose = { principal: `acme/user-${number}`, licenseId: `license-${number % licenses}` }
      return credentialRecord({ id: idOf(secretOf(number)), ...whose })
    })
    await bus.publish(records)
  }
  const last = { credential: secretOf(credentials - 1), address: '10.1.2.3' }
  while ((await authorize(last)).code !== 'OK') await pause(50)
  const [{ high } = { high: 0 }] = await bus.offsets(topics.licenses)
  if (high < credentials) throw new Error(`only ${high} records stand on ${topics.licenses}`)
}

function orderFor(url: string): LoadOrder {
  const bodies = Array.from({ length: 1_000 }, (_, n) => {
    const credential = secretOf((n * 7_919) % credentials)
    return JSON.stringify({
      credential,
      model: 'llm-7b',
      address: '10.1.2.3',
      country: 'DE',
      tokens: 500,
      requestId: `r-${n}`,
    })
  })
  const headers = { 'content-type': 'application/json', authorization: 'Bearer gateway-token-0123456789' }
  return { url, headers, bodies, connections, durationMs: roundMs }
}

function load(worker: Worker, order: LoadOrder): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (result: LoadResult) => {
      worker.off('error', reject)
      if (result.failed > 0) reject(new Error(`${result.failed} questions were not answered with 200`))
      else resolve(result)
    })
    worker.postMessage(order)
  })
}

function figures(authorize: readonly LoadResult[], bare: readonly LoadResult[]): readonly Figure[] {
  const of = (results: readonly LoadResult[], q: number): number =>
    median(results.map((result) => quantile(result.latenciesMs, q)))
  const rate = (results: readonly LoadResult[]): number =>
    median(results.map((result) => result.latenciesMs.length / (roundMs / 1_000)))
  const beside = (value: number) => ({ name: 'bare route', value })
  const what = `authorize, ${credentials / 1_000}k credentials, ${connections} connections`
  return [
    {
      name: `${what}: p50`,
      value: of(authorize, 0.5),
      unit: 'ms',
      baseline: beside(of(bare, 0.5)),
      target: { most: 1.5 },
    },
    {
      name: `${what}: p99`,
      value: of(authorize, 0.99),
      unit: 'ms',
      baseline: beside(of(bare, 0.99)),
      target: { most: 1.5 },
    },
    {
      name: `${what}: rate`,
      value: rate(authorize),
      unit: 'answers/s',
      baseline: beside(rate(bare)),
      target: { least: 0.66 },
    },
  ]
}
