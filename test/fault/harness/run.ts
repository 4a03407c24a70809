/**
 * One run of the fault harness: a broker, an Elasticsearch and receivers of their own, every service a process of its own; a
 * day of records goes in, and what has come of it comes out.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElasticsearchIndex } from '../../../adapters/elasticsearch/search-index.ts'
import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import { seeded } from '../../../cli/demo/random.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { topics, topicSpecs } from '../../../core/topics.ts'
import { silentLog } from '../../../runtime/log.ts'
import { ElasticsearchNode } from '../../servers/elasticsearch/node.ts'
import { KafkaBroker } from '../../servers/kafka/broker.ts'
import { startFleet, type Fleet } from '../../support/fleet.ts'
import { disturb, mountDisk, type Chaos } from './chaos.ts'
import { feed } from './feed.ts'
import {
  busOutcome,
  indexOutcome,
  untilNoticed,
  withoutSynthetic,
  type BusOutcome,
  type IndexOutcome,
} from './found.ts'
import { Gate, type GateReport } from './gate.ts'
import { lateSteps } from './late.ts'
import { outcomeOf, type Outcome } from './outcome.ts'
import { behind, end, untilQuiet, untilStill } from './quiet.ts'
import { startReceivers, type Receivers, type Taken } from './receivers.ts'
import type { FaultDay } from './records.ts'

const sessionTimeoutMs = 6_000
/** The clockwork tells of a license's end 30, 7 and 1 days before: in the run, of this one once. */
const licenseEndsMs = 5 * 86_400_000
/** It strikes every minute; a scheduler that was killed takes one more. */
const clockMs = 150_000
/** Longer than a broker that answers again and a collect that is started again take to let a request through. */
const stillMs = 3_000
const here = import.meta.dirname

export interface RunOptions {
  readonly classPath: string
  readonly home: string
  readonly day: FaultDay
  readonly partitions: number
  readonly recordsPerSecond: number
  /** A process each; the first publishes the content. `detect#3` is for the rebalance storm alone. */
  readonly processes: readonly string[]
  /** Undisturbed where absent. */
  readonly chaos?: Pick<Chaos, 'kills' | 'effectKills' | 'everything'> & { readonly seed: number }
  /** Nothing but control records for so long: it has come to rest. */
  readonly quietMs: number
  readonly withinMs: number
  /** Leaves its files, the logs of all services among them. */
  readonly keep: boolean
  readonly say: (line: string) => void
}

export interface RunResult extends IndexOutcome, BusOutcome {
  readonly outcome: Outcome
  /** Steps of thefts and of decoys that came too late for any window. */
  readonly late: readonly string[]
  /** What the receivers took in. */
  readonly taken: Taken
  readonly takenInAll: ReturnType<Receivers['counts']>
  readonly gate: GateReport
  /** Services that ended without being asked to. */
  readonly ends: readonly string[]
  readonly done: Readonly<Record<string, number>>
  readonly seconds: { readonly fed: number; readonly all: number }
}

export async function faultRun(options: RunOptions): Promise<RunResult> {
  const folder = await mkdtemp(join(tmpdir(), 'modelwarden-fault-'))
  options.say(`its files are in ${folder}`)
  const undo: (() => unknown)[] = options.keep ? [] : [() => rm(folder, { recursive: true, force: true })]
  try {
    return await inFolder(options, folder, undo)
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

async function inFolder(options: RunOptions, folder: string, undo: (() => unknown)[]): Promise<RunResult> {
  const { day, partitions, say } = options
  const startedMs = performance.now()
  const disks = options.chaos?.everything === true ? await smallDisks(folder, undo) : []
  const { broker, elasticsearch } = await servers(options, folder, undo)
  const receivers = await startReceivers()
  undo.push(() => receivers.close())
  const bus = createKafkaBus({ brokers: broker.brokers }, silentLog)
  undo.push(() => bus.close())
  await bus.createTopics(topicSpecs(partitions))
  const index = createElasticsearchIndex(
    { nodes: [elasticsearch.url], eventsKeptDays: 90 },
    { clock: systemClock, log: silentLog },
  )
  undo.push(() => index.close())
  const fleet = await startFleet(fleetOptions(options, { folder, broker, elasticsearch, receivers }))
  undo.push(() => fleet.stop())
  const gate = new Gate(fleet, [...day.thieves, ...day.decoys])
  await gate.open(day.endMs + licenseEndsMs)
  say('the services are ready')

  const feeding = feed(day, options.recordsPerSecond, { bus, fleet })
  const { chaos } = options
  const overMs = (day.records.length / options.recordsPerSecond) * 1_000
  const disturbing =
    chaos === undefined
      ? Promise.resolve({})
      : disturb({ ...chaos, fleet, broker, elasticsearch, disks, receivers, random: seeded(chaos.seed), overMs, sessionTimeoutMs, say }) // prettier-ignore
  let fed = 0
  // Both at once: a disturbance that can't be done ends the run, and takes its processes along.
  const [done] = await Promise.all([
    disturbing,
    feeding.then(() => {
      fed = (performance.now() - startedMs) / 1_000
      say('all records are on the bus')
    }),
  ])
  // What came behind the end would undo it: the last windows of its partition would never be told to be over.
  await untilStill(bus, stillMs)
  await end(bus, fleet.hmacKey, partitions)
  const { quietMs, withinMs } = options
  await untilQuiet(bus, { quietMs, withinMs, unready: () => unreadyOf(fleet), ends: () => endsOf(fleet) })
  await untilIndexed(bus, withinMs)
  if (chaos !== undefined) await untilNoticed(index, clockMs)
  say('the pipeline has come to rest')
  return {
    outcome: withoutSynthetic(await outcomeOf(bus)),
    ...(await indexOutcome(index)),
    ...(await busOutcome(bus)),
    late: await lateSteps(bus, new Set([...day.thieves, ...day.decoys].map((name) => `own/${name}`))),
    taken: receivers.taken,
    takenInAll: receivers.counts(),
    gate: await gate.close(),
    ends: endsOf(fleet),
    done,
    seconds: { fed, all: (performance.now() - startedMs) / 1_000 },
  }
}

/** Of those that run to the end. */
async function unreadyOf({ members }: Fleet): Promise<readonly string[]> {
  const standing = [...members.values()].filter(({ name }) => !isForTheStorm(name))
  const ready = await Promise.all(standing.map((member) => member.isReady()))
  return standing.filter((_, at) => !ready[at]).map(({ name }) => name)
}

function isForTheStorm(name: string): boolean {
  return name === 'detect#3'
}

function endsOf({ members }: Fleet): readonly string[] {
  return [...members.values()].flatMap(({ ends }) => ends)
}

async function servers(
  { classPath, home }: RunOptions,
  folder: string,
  undo: (() => unknown)[],
): Promise<{ readonly broker: KafkaBroker; readonly elasticsearch: ElasticsearchNode }> {
  const [broker, elasticsearch] = await Promise.all([
    KafkaBroker.start({ dir: join(folder, 'kafka'), classPath }),
    ElasticsearchNode.start({
      dir: join(folder, 'elasticsearch'),
      home,
      // As in an installation: a disk that is nearly full makes its indices read-only until there is room.
      extra: {
        'cluster.routing.allocation.disk.threshold_enabled': true,
        'cluster.routing.allocation.disk.watermark.low': '97%',
        'cluster.routing.allocation.disk.watermark.high': '97%',
        'cluster.routing.allocation.disk.watermark.flood_stage': '98%',
        'cluster.info.update.interval': '10s',
      },
    }),
  ])
  undo.push(() => Promise.all([broker.kill9(), elasticsearch.kill9()]))
  return { broker, elasticsearch }
}

/** Disks that can be filled without harm to this machine: of both copies of respond, and of Elasticsearch. */
async function smallDisks(folder: string, undo: (() => unknown)[]): Promise<readonly string[]> {
  const disks: string[] = []
  for (const [path, mb] of [
    ['fleet/respond/data', 8],
    ['fleet/respond-2/data', 8],
    ['elasticsearch/data', 1_500],
  ] as const) {
    const disk = join(folder, path)
    await mkdir(disk, { recursive: true })
    const mounted = mountDisk(disk, mb)
    if (mounted === undefined) continue
    disks.push(disk)
    undo.push(() => {
      mounted.unmount()
    })
  }
  return disks
}

interface Servers {
  readonly folder: string
  readonly broker: KafkaBroker
  readonly elasticsearch: ElasticsearchNode
  readonly receivers: Receivers
}

function fleetOptions(
  { partitions, processes }: RunOptions,
  { folder, broker, elasticsearch, receivers }: Servers,
): Parameters<typeof startFleet>[0] {
  return {
    brokers: broker.brokers,
    folder: join(folder, 'fleet'),
    processes,
    startLater: processes.filter(isForTheStorm),
    partitions,
    // The same in both runs, so that credentials are the same.
    hmacKey: '5e'.repeat(32),
    env: { ...receivers.env, NODE_OPTIONS: `--import=${join(here, 'shifting-clock.mjs')}` },
    config: {
      bus: {
        kind: 'kafka',
        partitions,
        kafka: { brokers: broker.brokers, replicationFactor: 1, minInSync: 1, sessionTimeoutMs },
      },
      index: { kind: 'elasticsearch', elasticsearch: { nodes: [elasticsearch.url] } },
      content: {
        rules: [join(here, 'rules')],
        playbooks: [join(here, 'playbooks')],
      },
      // All thieves at once: none waits for somebody's approval because there were others.
      respond: {
        enable: ['contain-exfiltration'],
        destructivePerTenantPerHourMax: 1_000,
        destructivePerPlaybookPerHourMax: 1_000,
      },
      connectors: receivers.connectors,
      schedule: { synthetic: '0 0 1 1 *', sourceSilence: '0 0 1 1 *', licenseNotices: '* * * * *' },
      // The day is told in minutes, and lies in the past: a tick, which stands for the time of now, would end it.
      runtime: { tickIdleMs: 3_600_000 },
    },
  }
}

/** Until the indexer has stored all that there is. */
async function untilIndexed(bus: Bus, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const waiting = await behind(bus, 'warden.indexer', [
      topics.events,
      topics.signals,
      topics.incidents,
      topics.deadLetters,
    ])
    if (waiting.length === 0) return
    if (performance.now() > deadline) throw new Error(`not indexed: ${waiting.join('; ')}`)
    await sleep(500)
  }
}
