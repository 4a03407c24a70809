/**
 * One run of the fault harness: a broker, an Elasticsearch and a receiver of their own, every service a process of its own,
 * detect, correlate and respond twice; a day of records goes in, and what has come of it comes out.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElasticsearchIndex } from '../../../adapters/elasticsearch/search-index.ts'
import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import { seeded } from '../../../cli/demo/random.ts'
import type { Action } from '../../../core/action.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { IndexUnavailableError } from '../../../core/errors.ts'
import type { SearchIndex, SearchPage, SearchQuery } from '../../../core/ports/search-index.ts'
import { topics, topicSpecs } from '../../../core/topics.ts'
import { silentLog } from '../../../runtime/log.ts'
import { outcomeOf, type Outcome } from '../../integration/kill/outcome.ts'
import { end, untilQuiet } from '../../integration/kill/quiet.ts'
import { ElasticsearchNode } from '../../servers/elasticsearch/node.ts'
import { KafkaBroker } from '../../servers/kafka/broker.ts'
import { startFleet } from '../../support/fleet.ts'
import { startWebhook } from '../../support/webhook.ts'
import { disturb, mountDisk } from './chaos.ts'
import type { FaultDay } from './records.ts'

const webhookSecret = 'the receiver and we know it'
const sessionTimeoutMs = 6_000
const here = import.meta.dirname

export interface RunOptions {
  readonly classPath: string
  readonly home: string
  readonly day: FaultDay
  readonly partitions: number
  readonly recordsPerSecond: number
  /** Undisturbed where absent. */
  readonly chaos?: { readonly kills: number; readonly seed: number }
  readonly withinMs: number
  /** Leaves its files, the logs of all services among them. */
  readonly keep: boolean
  readonly say: (line: string) => void
}

export interface RunResult {
  readonly outcome: Outcome
  /** Raw digests of the events that the index holds, one for each document. */
  readonly indexed: readonly string[]
  readonly indexedSignals: number
  /** Ids of the dead letters that the index holds. */
  readonly indexedDeadLetters: ReadonlySet<string>
  /** How often the receiver took each delivery, by the delivery's id. */
  readonly deliveries: ReadonlyMap<string, number>
  readonly actions: readonly Action[]
  /** `code sha256` of each dead letter, by its id. */
  readonly deadLetters: ReadonlyMap<string, string>
  /** Services that ended without being asked to. */
  readonly ends: readonly string[]
  readonly done: Readonly<Record<string, number>>
  readonly seconds: { readonly fed: number; readonly all: number }
}

const processes = [
  'schedule',
  'normalize',
  'detect',
  'detect#2',
  'detect#3',
  'correlate',
  'correlate#2',
  'respond',
  'respond#2',
  'licensing',
  'indexer',
]

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
  const disks = options.chaos === undefined ? [] : await smallDisks(folder, undo)
  const broker = await KafkaBroker.start({ dir: join(folder, 'kafka'), classPath: options.classPath })
  undo.push(() => broker.kill9())
  const elasticsearch = await ElasticsearchNode.start({
    dir: join(folder, 'elasticsearch'),
    home: options.home,
    // As in an installation: a disk that is nearly full makes its indices read-only until there is room.
    extra: {
      'cluster.routing.allocation.disk.threshold_enabled': true,
      'cluster.routing.allocation.disk.watermark.low': '97%',
      'cluster.routing.allocation.disk.watermark.high': '97%',
      'cluster.routing.allocation.disk.watermark.flood_stage': '98%',
      'cluster.info.update.interval': '10s',
    },
  })
  undo.push(() => elasticsearch.kill9())
  const webhook = await startWebhook({ secret: webhookSecret })
  undo.push(() => webhook.close())
  const bus = createKafkaBus({ brokers: broker.brokers }, silentLog)
  undo.push(() => bus.close())
  await bus.createTopics(topicSpecs(partitions))
  const index = createElasticsearchIndex(
    { nodes: [elasticsearch.url], eventsKeptDays: 90 },
    { clock: systemClock, log: silentLog },
  )
  undo.push(() => index.close())
  const fleet = await startFleet(fleetOptions(options, { folder, broker, elasticsearch, webhookUrl: webhook.url }))
  undo.push(() => fleet.stop())
  say('the services are ready')

  const feeding = feed(bus, day, options.recordsPerSecond)
  const { chaos } = options
  const overMs = (day.records.length / options.recordsPerSecond) * 1_000
  const disturbing =
    chaos === undefined
      ? Promise.resolve({})
      : disturb({ fleet, broker, elasticsearch, disks, random: seeded(chaos.seed), kills: chaos.kills, overMs, sessionTimeoutMs, say }) // prettier-ignore
  await feeding
  const fed = (performance.now() - startedMs) / 1_000
  say('all records are on the bus')
  const done = await disturbing
  await end(bus, partitions)
  await untilQuiet(bus, { quietMs: 12_000, withinMs: options.withinMs })
  await untilIndexed(bus, options.withinMs)
  say('the pipeline has come to rest')
  const deliveries = new Map<string, number>()
  for (const { id = '' } of webhook.accepted) deliveries.set(id, (deliveries.get(id) ?? 0) + 1)
  return {
    outcome: withoutSynthetic(await outcomeOf(bus)),
    ...(await indexOutcome(index)),
    ...(await busOutcome(bus)),
    deliveries,
    ends: [...fleet.members.values()].flatMap((member) => member.ends),
    done,
    seconds: { fed, all: (performance.now() - startedMs) / 1_000 },
  }
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
  readonly webhookUrl: string
}

function fleetOptions(
  { partitions }: RunOptions,
  { folder, broker, elasticsearch, webhookUrl }: Servers,
): Parameters<typeof startFleet>[0] {
  return {
    brokers: broker.brokers,
    folder: join(folder, 'fleet'),
    processes,
    startLater: ['detect#3'],
    partitions,
    env: { FAULT_WEBHOOK: webhookSecret, NODE_OPTIONS: `--import=${join(here, 'shifting-clock.mjs')}` },
    config: {
      bus: {
        kind: 'kafka',
        partitions,
        kafka: { brokers: broker.brokers, replicationFactor: 1, minInSync: 1, sessionTimeoutMs },
      },
      index: { kind: 'elasticsearch', elasticsearch: { nodes: [elasticsearch.url] } },
      content: {
        rules: [join(here, 'rules')],
        playbooks: [join(here, '../../integration/kill/playbooks')],
      },
      connectors: {
        webhook: {
          endpoints: { default: { url: webhookUrl, secret: { env: 'FAULT_WEBHOOK' } } },
          allowHttp: true,
          allowAddresses: ['127.0.0.1'],
        },
      },
      schedule: {
        synthetic: '0 0 1 1 *',
        sourceSilence: '0 0 1 1 *',
        licenseNotices: '0 0 1 1 *',
        licensesTold: '0 0 1 1 *',
      },
      // The day is told in minutes, and lies in the past: a tick, which stands for the time of now, would end it.
      runtime: { tickIdleMs: 3_600_000 },
    },
  }
}

/** At an even pace, in order of time; what a broker that is away holds up comes later. */
async function feed(bus: Bus, { records }: FaultDay, perSecond: number): Promise<void> {
  const everyMs = 250
  const perTurn = Math.max(1, Math.round((perSecond * everyMs) / 1_000))
  for (let at = 0; at < records.length; at += perTurn) {
    await Promise.all([bus.publish(records.slice(at, at + perTurn)), sleep(everyMs)])
  }
}

/** Until the indexer has stored all that there is. */
async function untilIndexed(bus: Bus, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    let waiting = 0
    for (const topic of [topics.events, topics.signals, topics.incidents, topics.deadLetters]) {
      const done = new Map((await bus.groupOffsets('warden.indexer', topic)).map((each) => [each.partition, each.offset])) // prettier-ignore
      for (const { partition, high } of await bus.offsets(topic)) waiting += Math.max(0, high - Math.max(0, done.get(partition) ?? 0)) // prettier-ignore
    }
    if (waiting === 0) return
    if (performance.now() > deadline) throw new Error(`the indexer has ${waiting} records still before it`)
    await sleep(500)
  }
}

const syntheticRule = 'modelwarden-synthetic'

function withoutSynthetic(outcome: Outcome): Outcome {
  const signals = Object.entries(outcome.signals).filter(
    ([, each]) => (each as { rule: string }).rule !== syntheticRule,
  )
  return { ...outcome, signals: Object.fromEntries(signals) }
}

async function indexOutcome(
  index: SearchIndex,
): Promise<Pick<RunResult, 'indexed' | 'indexedSignals' | 'indexedDeadLetters'>> {
  await index.refresh()
  const indexed: string[] = []
  // The record by which the pipeline measures itself is none of the day's.
  await eachHit(index, { collection: 'events', filter: { not: { field: 'warden.synthetic', is: true } } }, (hit) => {
    indexed.push((hit.document as unknown as { event: { hash: string } }).event.hash)
  })
  const letters = new Set<string>()
  await eachHit(index, { collection: 'dead-letters' }, (hit) => {
    letters.add(hit.id)
  })
  return {
    indexed,
    indexedSignals: await index.count('signals', {
      all: [{ field: 'status', is: 'open' }, { not: { field: 'synthetic', is: true } }],
    }),
    indexedDeadLetters: letters,
  }
}

async function eachHit(index: SearchIndex, query: SearchQuery, take: (hit: Hit) => void): Promise<void> {
  let after: string | undefined
  do {
    const page = await searched(index, { ...query, size: 1_000, ...(after === undefined ? {} : { after }) })
    for (const hit of page.hits) take(hit)
    after = page.after
  } while (after !== undefined)
}

type Hit = SearchPage['hits'][number]

async function searched(index: SearchIndex, query: SearchQuery): Promise<SearchPage> {
  for (let tries = 1; ; tries++) {
    try {
      return await index.search(query)
    } catch (error) {
      if (!(error instanceof IndexUnavailableError) || tries > 20) throw error
      await sleep(1_000)
    }
  }
}

async function busOutcome(bus: Bus): Promise<Pick<RunResult, 'actions' | 'deadLetters'>> {
  const actions = new Map<string, Action>()
  await each<{ kind?: string; action?: Action }>(bus, topics.effects, ({ kind, action }) => {
    if (kind !== 'action' || action === undefined) return
    const known = actions.get(action.id)
    if (known === undefined || known.version <= action.version) actions.set(action.id, action)
  })
  const deadLetters = new Map<string, string>()
  await each<{ id: string; stage: string; code: string; sha256: string }>(bus, topics.deadLetters, (letter) => {
    deadLetters.set(letter.id, `${letter.code} ${letter.sha256}`)
  })
  return { actions: [...actions.values()], deadLetters }
}

async function each<T>(bus: Bus, topic: string, take: (value: T) => void): Promise<void> {
  for (let partition = 0; partition < (await bus.partitionCount(topic)); partition += 1) {
    await bus.read({ topic, partition }, 'start', (batch) => {
      for (const record of batch) if (record.value !== null) take(JSON.parse(record.value.toString()) as T)
    })
  }
}
