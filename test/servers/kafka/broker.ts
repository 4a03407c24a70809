/**
 * One real Kafka broker on loopback, controller and broker in one process (KRaft).
 *
 * Promises: free ports unless told; after `kill9`, `start` on the same folder finds every acknowledged record again on
 * the same port; `stop` and `kill9` touch the pid that was started here and no other.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../free-ports.ts'
import { ServerNotStartedError, ServerProcess } from '../server-process.ts'

const run = promisify(execFile)
const readyMsMax = 240_000
const portTriesMax = 3

export interface KafkaBrokerOptions {
  /** Holds the log and the configuration. A folder that held a broker before starts with its topics. */
  readonly dir: string
  readonly classPath: string
  /** Where PLAINTEXT clients connect; a free one by default. */
  readonly port?: number | undefined
  /** More listeners beside the plaintext one, by name: each gets a free port of its own. */
  readonly listeners?: Readonly<Record<string, 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL' | 'PLAINTEXT'>> | undefined
  /** Lines of server.properties that win over ours (JAAS, key stores, limits). */
  readonly extra?: Readonly<Record<string, string | number | boolean>> | undefined
  readonly heapMb?: number | undefined
}

export class KafkaBroker {
  /** `host:port` of the plaintext listener. */
  readonly brokers: string[]
  /** `host:port` of each further listener, by its name. */
  readonly listeners: Readonly<Record<string, string>>
  readonly dir: string
  readonly #command: readonly string[]
  #server: ServerProcess

  private constructor(ports: Ports, dir: string, command: readonly string[], server: ServerProcess) {
    this.brokers = [`127.0.0.1:${ports.plain}`]
    this.listeners = Object.fromEntries(
      Object.entries(ports.further).map(([name, port]) => [name, `127.0.0.1:${port}`]),
    )
    this.dir = dir
    this.#command = command
    this.#server = server
  }

  static async start(options: KafkaBrokerOptions): Promise<KafkaBroker> {
    await mkdir(options.dir, { recursive: true })
    const java = (main: string) => [
      `-Xmx${options.heapMb ?? 512}m`,
      '-XX:+UseSerialGC',
      // Half the start is the just-in-time compiler; tests live too short to earn its second tier.
      '-XX:TieredStopAtLevel=1',
      `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`,
      '-cp',
      options.classPath,
      main,
    ]
    for (let tries = 1; ; tries += 1) {
      const ports = await portsOf(options)
      const properties = join(options.dir, 'server.properties')
      await writeFile(properties, serverProperties(options, ports))
      if (!existsSync(join(options.dir, 'data', 'meta.properties'))) {
        const cluster = `A${randomBytes(16).toString('base64url').slice(1, 22)}`
        const format = ['format', '--standalone', '-t', cluster, '-c', properties]
        await run('java', [...java('kafka.tools.StorageTool'), ...format])
      }
      try {
        const command = [...java('kafka.Kafka'), properties]
        return new KafkaBroker(ports, options.dir, command, await serve(options.dir, command))
      } catch (error) {
        // A port that was free a moment ago may be taken now; one that was asked for stays asked for.
        const taken = error instanceof ServerNotStartedError && /BindException|already in use/.test(error.message)
        if (!taken || options.port !== undefined || tries >= portTriesMax) throw error
      }
    }
  }

  get pid(): number {
    return this.#server.pid
  }

  /** Shuts the broker down in order. */
  async stop(): Promise<void> {
    await this.#server.stop()
  }

  async kill9(): Promise<void> {
    await this.#server.kill9()
  }

  /** Starts the broker again on its folder and ports, after `stop` or `kill9`. */
  async restart(): Promise<void> {
    await this.#server.stop()
    this.#server = await serve(this.dir, this.#command)
  }

  /** What the broker has printed so far. */
  async log(): Promise<string> {
    return await readFile(join(this.dir, 'broker.log'), 'utf8')
  }
}

interface Ports {
  readonly plain: number
  readonly controller: number
  readonly further: Readonly<Record<string, number>>
}

async function portsOf(options: KafkaBrokerOptions): Promise<Ports> {
  const names = Object.keys(options.listeners ?? {})
  const free = await freePorts(names.length + 2)
  return {
    plain: options.port ?? free[0]!,
    controller: free[1]!,
    further: Object.fromEntries(names.map((name, index) => [name, free[index + 2]!])),
  }
}

function serve(dir: string, command: readonly string[]): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'Kafka',
    command: 'java',
    args: command,
    logFile: join(dir, 'broker.log'),
    ready: /Kafka Server started/,
    readyMsMax,
  })
}

function serverProperties(options: KafkaBrokerOptions, ports: Ports): string {
  const further = Object.entries(options.listeners ?? {}).map(([name, protocol]) => ({
    listener: `${name}://127.0.0.1:${ports.further[name]!}`,
    protocol: `${name}:${protocol}`,
  }))
  const advertised = [`PLAINTEXT://127.0.0.1:${ports.plain}`, ...further.map((each) => each.listener)]
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...further.map((each) => each.protocol)]
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [...advertised, `CONTROLLER://127.0.0.1:${ports.controller}`].join(),
    'advertised.listeners': advertised.join(),
    'listener.security.protocol.map': protocols.join(),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(options.dir, 'data'),
    'auto.create.topics.enable': false,
    'num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    ...options.extra,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
