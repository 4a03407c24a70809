/**
 * What Kafka itself costs here: bare hops (a record through N topics, each hop a process), and a bare
 * consume-parse-produce loop. Baselines for the pipeline's own figures, and our adapter's beside kafkajs' own clients.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { silentLog } from '../../runtime/log.ts'
import { withBroker } from './broker.ts'
import { quantile, type Bench, type Figure } from './figures.ts'
import { benchClient, type BenchClient, type ClientName } from './kafka-clients.ts'
import { gatewayRecords } from './records.ts'

const partitions = 4
const sentHeader = 'sent'

export interface HopsOptions {
  readonly brokers: readonly string[]
  readonly client?: ClientName
  /** Topics passed after the first: as many processes stand between. */
  readonly hops: number
  /** Records whose way is timed, one after the other. */
  readonly probes: number
  readonly probeEveryMs: number
  /** Sent before these, and not counted: compilers are at work then. Default: a tenth as many. */
  readonly warmProbes?: number
  /** Other records, flowing all the while. */
  readonly othersPerSecond: number
}

export interface HopTimes {
  readonly p50Ms: number
  readonly p99Ms: number
  /** From topic to topic as the broker dates them, in whole ms: of each record and hop. */
  readonly hopsMs: readonly number[]
}

/** From before a record is published to when the last topic's reader has it. */
export async function bareHops(options: HopsOptions): Promise<HopTimes> {
  const { brokers, client: clientName = 'bus', hops, probes, warmProbes = Math.floor(probes / 9) } = options
  const run = randomBytes(4).toString('hex')
  const topics = Array.from({ length: hops + 1 }, (_, hop) => `hop-${run}-${hop}`)
  await createTopics(brokers, topics)
  const workers = topics.slice(0, -1).map((from, hop) => startHop(clientName, brokers, from, topics[hop + 1]!))
  const client = benchClient(clientName, brokers)
  try {
    await Promise.all(workers.map((worker) => once(worker.stdout!, 'data')))
    const times: number[] = []
    await client.consume(topics[hops]!, `end-${run}`, async (_partition, batch) => {
      const nowMs = performance.now()
      for (const { headers } of batch) if (sentHeader in headers) times.push(nowMs - Number(headers[sentHeader]))
    })
    await send(client, topics[0]!, options, warmProbes + probes)
    for (let waited = 0; times.length < warmProbes + probes && waited < 10_000; waited += 20) await sleep(20)
    const warm = times.slice(warmProbes)
    const hopsMs = (await hopsBetween(brokers, topics)).slice(warmProbes).flat()
    return { p50Ms: quantile(warm, 0.5), p99Ms: quantile(warm, 0.99), hopsMs }
  } finally {
    await Promise.all(workers.map(stopHop))
    await client.close()
  }
}

/** Of each timed record, in the order they were sent: how long it was from each topic to the next. */
async function hopsBetween(brokers: readonly string[], topics: readonly string[]): Promise<readonly number[][]> {
  const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
  const appended = new Map<string, number[]>()
  try {
    for (const topic of topics) {
      for (let partition = 0; partition < partitions; partition += 1) {
        await bus.read({ topic, partition }, 'start', (batch) => {
          for (const { headers, appendedMs } of batch) {
            const sent = headers[sentHeader]
            if (sent === undefined) continue
            const times = appended.get(sent)
            if (times === undefined) appended.set(sent, [appendedMs])
            else times.push(appendedMs)
          }
        })
      }
    }
  } finally {
    await bus.close()
  }
  return [...appended]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, times]) => times.slice(1).map((ms, hop) => ms - times[hop]!))
}

async function send(client: BenchClient, topic: string, options: HopsOptions, probes: number): Promise<void> {
  const others = gatewayRecords({ count: 500, startMs: Date.now(), stepMs: 10, principals: 50 }).map((text) =>
    Buffer.from(text),
  )
  const everyMs = 20
  let sent = 0
  const flow = setInterval(() => {
    const count = Math.round((options.othersPerSecond * everyMs) / 1_000)
    const records = Array.from({ length: count }, () => ({
      key: `u-${sent % 50}`,
      value: others[sent++ % 500]!,
      headers: {},
    }))
    if (count > 0) void client.produce(topic, records)
  }, everyMs)
  try {
    for (let probe = 0; probe < probes; probe += 1) {
      await sleep(options.probeEveryMs)
      const headers = { [sentHeader]: String(performance.now()) }
      void client.produce(topic, [{ key: `u-${probe % 50}`, value: others[probe % 500]!, headers }])
    }
  } finally {
    clearInterval(flow)
  }
}

function startHop(client: ClientName, brokers: readonly string[], from: string, to: string): ChildProcess {
  const worker = join(import.meta.dirname, 'kafka-hop-worker.ts')
  return spawn(process.execPath, [worker, client, brokers.join(), from, to], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function stopHop(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return
  const ended = once(worker, 'exit')
  worker.kill('SIGKILL')
  await ended
}

export interface LoopOptions {
  readonly brokers: readonly string[]
  readonly client?: ClientName
  readonly records: readonly Buffer[]
  /** Measures what it calls: the loop with what fills its topic, without the making of topics. */
  readonly measure?: (loop: () => Promise<number>) => Promise<number>
}

/** Records a second through consume, JSON.parse, produce of the same bytes; all partitions, one process. */
export async function bareLoop(options: LoopOptions): Promise<number> {
  const { brokers, client: clientName = 'bus', records, measure } = options
  const run = randomBytes(4).toString('hex')
  const [from, to] = [`loop-${run}-in`, `loop-${run}-out`]
  await createTopics(brokers, [from, to])
  const filler = benchClient('bus', brokers)
  const client = benchClient(clientName, brokers)
  const loop = async (): Promise<number> => {
    let passed = 0
    let startedMs = 0
    const done = Promise.withResolvers<number>()
    await client.consume(from, `loop-${run}`, async (_partition, batch) => {
      startedMs ||= performance.now()
      for (const { value } of batch) JSON.parse(value.toString())
      await client.produce(to, batch)
      passed += batch.length
      if (passed >= records.length) done.resolve((passed / (performance.now() - startedMs)) * 1_000)
    })
    for (let at = 0; at < records.length; at += 5_000) {
      const part = records.slice(at, at + 5_000)
      await filler.produce(
        from,
        part.map((value, index) => ({ key: `u-${index % 300}`, value, headers: {} })),
      )
    }
    return await done.promise
  }
  try {
    return await (measure === undefined ? loop() : measure(loop))
  } finally {
    await client.close()
    await filler.close()
  }
}

async function createTopics(brokers: readonly string[], names: readonly string[]): Promise<void> {
  const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
  await bus.createTopics(names.map((name) => ({ name, partitions, cleanup: 'delete' })))
  await bus.close()
}

const hopsOptions = { hops: 4, probes: 300, probeEveryMs: 10, othersPerSecond: 500 }
const loopRecords = 40_000

export const kafkaHopsBench: Bench = {
  name: 'kafka-hops',
  run: () =>
    withBroker(async (brokers) => {
      const records = gatewayRecords({ count: loopRecords, startMs: Date.now(), stepMs: 10, principals: 300 }).map(
        (text) => Buffer.from(text),
      )
      const loop = {
        bus: await bareLoop({ brokers, records }),
        kafkajs: await bareLoop({ brokers, client: 'kafkajs', records }),
      }
      const bus = await bareHops({ ...hopsOptions, brokers })
      const kafkajs = await bareHops({ ...hopsOptions, brokers, client: 'kafkajs' })
      const figures: Figure[] = [
        {
          name: 'consume, parse, produce',
          value: loop.bus,
          unit: 'records/s',
          baseline: { name: "kafkajs' clients", value: loop.kafkajs },
          target: { least: 1 },
        },
        {
          name: `${hopsOptions.hops} hops, p50`,
          value: bus.p50Ms,
          unit: 'ms',
          baseline: { name: "kafkajs' clients", value: kafkajs.p50Ms },
          target: { most: 1 },
        },
        {
          name: `${hopsOptions.hops} hops, p99`,
          value: bus.p99Ms,
          unit: 'ms',
          baseline: { name: "kafkajs' clients", value: kafkajs.p99Ms },
          target: { most: 1 },
        },
      ]
      return figures
    }),
}
