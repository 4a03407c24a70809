/**
 * The services as separate processes on Kafka, as an installation has them: for tests that kill them and benches that
 * time them. Each process is the real command line with a configuration file of its own; all end with `stop`, and with
 * the process that started them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { freePorts } from '../servers/free-ports.ts'
import { endsWithUs } from './ends-with-us.ts'

const root = join(import.meta.dirname, '../..')

export interface FleetOptions {
  readonly brokers: readonly string[]
  readonly folder: string
  /** A process each: `detect`, a second copy of it `detect#2`; several services in one with commas. */
  readonly processes: readonly string[]
  /** Over the defaults of a fleet, for all processes. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Further settings of one process's broker connection, by its name. */
  readonly kafkaOf?: (name: string) => Readonly<Record<string, unknown>>
  readonly partitions?: number
  /** Further variables of each process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** 64 hex digits; two fleets with the same key give a credential the same id. Default: one of its own. */
  readonly hmacKey?: string
  /** Those of them that are not started with the others. */
  readonly startLater?: readonly string[]
}

export interface Member {
  readonly name: string
  readonly url: string
  /** What it logs. */
  readonly logFile: string
  readonly pid: number | undefined
  /** Where it keeps its files. */
  readonly dataFolder: string
  /** The last words of runs that ended without being asked to. */
  readonly ends: readonly string[]
  signal(name: NodeJS.Signals): void
  start(): Promise<void>
  /** As a power cut would. */
  kill9(): Promise<void>
  stop(): Promise<void>
  /** Resolves once it is. */
  ready(): Promise<void>
  /** Whether it is now; not, while it is being started again. */
  isReady(): Promise<boolean>
}

export interface Fleet {
  readonly members: ReadonlyMap<string, Member>
  /** Same in all processes: digests of keys can be computed by whoever has it. */
  readonly hmacKey: Buffer
  /** Bearer token with the role admin, for all of them. */
  readonly token: string
  stop(): Promise<void>
}

/** The key of the digests serves as the token too: both live as long as the fleet. */
const token = { env: 'FLEET_HMAC_KEY' }
const readyMsMax = 400_000

/** Starts all processes and waits until each says that it is ready. The first publishes the content. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  await mkdir(options.folder, { recursive: true })
  const key = options.hmacKey ?? randomBytes(32).toString('hex')
  const members = new Map<string, Member>()
  const urls = new Map<string, string>()
  const ports = await freePorts(options.processes.length)
  for (const [at, name] of options.processes.entries()) urls.set(name, `http://127.0.0.1:${ports[at]}`)
  for (const [index, name] of options.processes.entries()) {
    members.set(name, await createMember(options, name, urls, key, index === 0))
  }
  const all = [...members.values()]
  const later = options.startLater ?? []
  const fleet: Fleet = {
    members,
    hmacKey: Buffer.from(key, 'hex'),
    token: key,
    stop: async () => {
      await Promise.all(all.map((member) => member.kill9()))
    },
  }
  try {
    const [first, ...others] = all.filter(({ name }) => !later.includes(name))
    // The first makes the topics; starting all at once is a test of its own.
    await first?.start()
    await first?.ready()
    await Promise.all(others.map((member) => member.start()))
    await Promise.all(others.map((member) => member.ready()))
    return fleet
  } catch (error) {
    await fleet.stop()
    throw error
  }
}

async function createMember(
  options: FleetOptions,
  name: string,
  urls: ReadonlyMap<string, string>,
  key: string,
  publishes: boolean,
): Promise<Member> {
  const url = urls.get(name)!
  const folder = join(options.folder, name.replaceAll(/[,#]/g, '-'))
  await mkdir(folder, { recursive: true })
  const configFile = join(folder, 'modelwarden.yml')
  const config = {
    data: { folder: join(folder, 'data') },
    bus: {
      kind: 'kafka',
      partitions: options.partitions ?? 4,
      kafka: { brokers: options.brokers, replicationFactor: 1, minInSync: 1, ...options.kafkaOf?.(name) },
    },
    http: { listen: url.slice('http://'.length), tokens: [{ name: 'fleet', token, roles: ['admin'] }] },
    hmacKey: { env: 'FLEET_HMAC_KEY' },
    log: { level: 'info', format: 'json' },
    ...options.config,
    respond: {
      authorizeUrls: authorizeUrls(urls),
      authorizeToken: token,
      ...(options.config?.['respond'] as object | undefined),
    },
    content: { publish: publishes, ...(options.config?.['content'] as object | undefined) },
  }
  await writeFile(configFile, stringify(config))
  const logFile = join(folder, 'log.ndjson')
  let child: ChildProcess | undefined
  const asked = new Set<ChildProcess>()
  const ends: string[] = []
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    asked.add(child)
    child.kill(signal)
    await ended
  }
  return {
    name,
    url,
    logFile,
    dataFolder: config.data.folder,
    ends,
    get pid() {
      return child?.pid
    },
    signal: (signal) => {
      child?.kill(signal)
    },
    start: async () => {
      await Promise.resolve()
      const log = openSync(logFile, 'a')
      const args = [...endsWithUs, join(root, 'cli/modelwarden.ts'), 'run', ...servicesOf(name), '--config', configFile]
      child = spawn(process.execPath, args, {
        cwd: folder,
        stdio: ['pipe', log, log],
        env: { ...process.env, ...options.env, FLEET_HMAC_KEY: key },
      })
      const started = child
      started.once('exit', (code, signal) => {
        if (asked.has(started)) return
        void lastOf(logFile).then((words) => ends.push(`${name}: ${code ?? signal}: ${words}`))
      })
    },
    kill9: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    isReady: () => isReady(url),
    ready: async () => {
      const deadline = Date.now() + readyMsMax
      while (!(await isReady(url))) {
        if (child?.exitCode !== null) throw new Error(`${name} ended: ${await lastOf(logFile)}`)
        if (Date.now() > deadline)
          throw new Error(`${name} was not ready after ${readyMsMax} ms: ${await lastOf(logFile)}`)
        await sleep(100)
      }
    },
  }
}

function servicesOf(name: string): string[] {
  return name.replace(/#.*$/, '').split(',')
}

function authorizeUrls(urls: ReadonlyMap<string, string>): string[] {
  return [...urls].filter(([name]) => servicesOf(name).includes('authorize')).map(([, url]) => url)
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(10_000) })).ok
  } catch {
    return false
  }
}

async function lastOf(logFile: string): Promise<string> {
  const log = await readFile(logFile, 'utf8')
  return log.slice(-2_000)
}
