/**
 * Reaction: from a record published to `inference.events` to the authorize endpoint refusing its key; all services as
 * processes of their own on Kafka, other events flowing. Beside it, as many bare Kafka hops as the record's way has, and what
 * each hop costs (reaction-hops.ts), beside the bare one.
 *
 * Both are timed once they are warm, after as many seconds: the compilers' work is over then, as it is in a service that runs
 * for days. Of the pipeline's first 50 reactions the middle one takes twice as long as of those after the first 100, and all of
 * the slowest hundredth were among them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { credentialId } from '../../core/ids.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { startFleet } from '../support/fleet.ts'
import { withBroker } from './broker.ts'
import { mean, quantile, type Bench, type Figure } from './figures.ts'
import { bareHops, type HopTimes } from './kafka-hops.ts'
import { hopCosts, type Probe } from './reaction-hops.ts'
import { gatewayRecords } from './records.ts'

const probes = 250
/** About 5 s of them. */
const warmProbes = 100
const bareProbes = { probes: 400, probeEveryMs: 20, warmProbes: 250 }
const othersPerSecond = 300
/**
 * Other events pass three of our hops (raw, events, observations), but would pass all of the bare ones: as many records are
 * moved in both.
 */
const othersPerHop = Math.round((othersPerSecond * 3) / 7)
/** events, signals, incidents, effects (the incident), effects (the intent), license commands, licenses. */
const hops = 7
const refusedMsMax = 15_000

export const reactionBench: Bench = {
  name: 'reaction',
  run: () =>
    withBroker(async (brokers) => {
      const bare = await bareHops({ brokers, hops, ...bareProbes, othersPerSecond: othersPerHop })
      const folder = await mkdtemp(join(tmpdir(), 'modelwarden-bench-'))
      const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
      try {
        const timed = await timeReactions(bus, brokers, folder)
        return [...figuresOf(timed, bare), ...(await hopFigures(bus, timed, bare))]
      } finally {
        await bus.close()
        await rm(folder, { recursive: true, force: true })
      }
    }),
}

function figuresOf(timed: readonly Probe[], bare: HopTimes): Figure[] {
  const times = timed.map(({ startedMs, refusedMs }) => refusedMs - startedMs)
  const figure = (name: string, q: number, baseline: number): Figure => ({
    name: `a record arrives -> its key is refused, ${name}`,
    value: quantile(times, q),
    unit: 'ms',
    baseline: { name: `${hops} bare hops, ${name}`, value: baseline },
    target: { most: 3 },
  })
  return [figure('p50', 0.5, bare.p50Ms), figure('p99', 0.99, bare.p99Ms)]
}

async function hopFigures(bus: Bus, timed: readonly Probe[], bare: HopTimes): Promise<Figure[]> {
  const costs = await hopCosts(bus, timed)
  const rows = (name: string, of: (values: readonly number[]) => number): Figure[] =>
    costs.map(({ hop, costsMs }, at) => ({
      name: `${at}. ${hop}, ${name}`,
      value: of(costsMs),
      unit: 'ms',
      baseline: { name: `a bare hop, ${name}`, value: of(bare.hopsMs) },
    }))
  return [...rows('mean', mean), ...rows('p99', (values) => quantile(values, 0.99))]
}

/** The repo's rules, and one that takes a single call for a theft: what is measured is the way, not the finding. */
const benchRule = `title: A call that is a theft by itself
id: 6a0e5c0e-64c2-4a55-9d0f-0f2c52f4a6c1
status: test
level: critical
logsource: { product: modelwarden, category: inference }
tags: [atlas.aml.t0024.002]
detection:
  selection: { user_agent.original: bench-thief }
  condition: selection
`

async function timeReactions(bus: Bus, brokers: readonly string[], folder: string): Promise<Probe[]> {
  const rules = join(folder, 'rules')
  await mkdir(rules, { recursive: true })
  await writeFile(join(rules, 'bench.yml'), benchRule)
  const fleet = await startFleet({
    brokers,
    folder,
    processes: ['normalize', 'detect', 'correlate', 'respond', 'licensing', 'authorize'],
    config: {
      content: { rules: [rules] },
      respond: {
        enable: ['revoke-stolen-key'],
        destructivePerTenantPerHourMax: 100_000,
        destructivePerPlaybookPerHourMax: 100_000,
      },
    },
  })
  const others = setInterval(() => void flow(bus), 100)
  try {
    const authorize = { url: fleet.members.get('authorize')!.url, token: fleet.token }
    const timed: Probe[] = []
    for (let probe = -warmProbes; probe < probes; probe++) {
      const key = `bench-key-${Date.now()}-${probe}`
      const one = await timeOne(bus, authorize, key, credentialId(key, fleet.hmacKey))
      if (probe >= 0) timed.push(one)
      await sleep(20)
    }
    return timed
  } finally {
    clearInterval(others)
    await fleet.stop()
  }
}

let flowed = 0
async function flow(bus: Bus): Promise<void> {
  const records = gatewayRecords({
    count: othersPerSecond / 10,
    startMs: Date.now() - 200,
    stepMs: 3,
    principals: 300,
    seed: ++flowed,
  })
  await bus.publish(
    records.map((value) => ({ topic: topics.inference, value, headers: { [headers.source]: 'gateway' } })),
  )
}

interface Endpoint {
  readonly url: string
  readonly token: string
}

async function timeOne(bus: Bus, authorize: Endpoint, key: string, id: string): Promise<Probe> {
  const user = `thief-${id.slice(-8)}`
  const credential = { id, tenant: 'bench', principal: `bench/${user}` }
  const base = { id: `register-${id}`, at: new Date().toISOString(), by: 'bench', roles: ['admin'], tenant: 'bench' }
  const decision = { kind: 'credential.put', ...base, credential }
  await bus.publish([{ topic: topics.decisions, key: 'bench', value: JSON.stringify(decision) }])
  await until(authorize, id, 'active')
  const [template] = gatewayRecords({ count: 1, startMs: Date.now(), stepMs: 1, principals: 1 })
  const record = {
    ...(JSON.parse(template ?? '{}') as object),
    id: `theft-${id}`,
    tenant: 'bench',
    principal: user,
    apiKey: key,
    userAgent: 'bench-thief',
  }
  const startedMs = nowMs()
  await bus.publish([
    { topic: topics.inference, value: JSON.stringify(record), headers: { [headers.source]: 'gateway' } },
  ])
  await until(authorize, id, 'revoked')
  return { credentialId: id, user, startedMs, refusedMs: nowMs() }
}

/** With parts of a ms. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

async function until(authorize: Endpoint, id: string, state: string): Promise<void> {
  const deadline = performance.now() + refusedMsMax
  for (;;) {
    const response = await fetch(`${authorize.url}/v1/credentials/check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${authorize.token}` },
      body: JSON.stringify({ credentialId: id }),
    })
    const answer = (await response.json()) as { state?: string }
    if (answer.state === state) return
    if (performance.now() > deadline)
      throw new Error(`the key was not ${state} after ${refusedMsMax} ms, but ${answer.state ?? response.status}`)
    await sleep(2)
  }
}
