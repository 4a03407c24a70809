/**
 * What meters, as an operator runs it on Kafka: each service a process of its own, which can be killed and started again.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { endsWithUs } from '../../support/ends-with-us.ts'

const cli = join(import.meta.dirname, '../../../cli/modelwarden.ts')

export type ServiceName = 'normalize' | 'meter'

export interface PipelineOptions {
  readonly brokers: readonly string[]
  readonly folder: string
  readonly partitions: number
  readonly services: readonly ServiceName[]
}

export const hmacKey = Buffer.from('k'.repeat(32))

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #running = new Map<ServiceName, ChildProcess>()
  /** Services that ended without being killed, with their last words. */
  readonly ends: string[] = []
  #killing = new Set<ChildProcess>()

  constructor(options: PipelineOptions) {
    this.#options = options
  }

  /** Publishes rules, sources and playbooks, then starts every service. */
  async start(): Promise<void> {
    for (const service of this.#services) {
      await mkdir(join(this.#options.folder, service), { recursive: true })
      await writeFile(this.#configFile(service), JSON.stringify(this.#config(service)))
    }
    const publishing = this.#spawn(['content', 'publish', '--config', this.#configFile('normalize')], 'content.log')
    const [code] = (await once(publishing, 'exit')) as [number]
    if (code !== 0) throw new Error(`content publish ended with ${code}; see ${this.#options.folder}/content.log`)
    for (const service of this.#services) this.startOne(service)
  }

  get #services(): readonly ServiceName[] {
    return this.#options.services
  }

  startOne(service: ServiceName): void {
    const child = this.#spawn(['run', service, '--config', this.#configFile(service)], `${service}.log`)
    const words = { tail: '' }
    child.stderr?.on('data', (chunk: Buffer) => (words.tail = (words.tail + chunk.toString()).slice(-2_000)))
    this.#running.set(service, child)
    child.once('exit', (code, signal) => {
      if (this.#running.get(service) === child) this.#running.delete(service)
      if (!this.#killing.has(child)) this.ends.push(`${service}: ${code ?? signal}: ${words.tail}`)
    })
  }

  async kill9(service: ServiceName): Promise<void> {
    const child = this.#running.get(service)
    if (child === undefined) return
    this.#killing.add(child)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => this.kill9(service)))
  }

  #spawn(args: readonly string[], logFile: string): ChildProcess {
    const child = spawn(process.execPath, [...endsWithUs, cli, ...args], {
      cwd: this.#options.folder,
      env: { ...process.env, KILL_HMAC: hmacKey.toString() },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const log = createWriteStream(join(this.#options.folder, logFile), { flags: 'a' })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    return child
  }

  #configFile(service: ServiceName): string {
    return join(this.#options.folder, service, 'modelwarden.yml')
  }

  /** JSON is YAML. */
  #config(service: ServiceName): unknown {
    const { brokers, partitions, folder } = this.#options
    return {
      hmacKey: { env: 'KILL_HMAC' },
      data: { folder: join(folder, service, 'data') },
      bus: { kind: 'kafka', partitions, kafka: { brokers, sessionTimeoutMs: 6_000 } },
      http: { listen: '127.0.0.1:0' },
      // The day is told in less than a minute, and lies in the past: a tick, which stands for the time of now, would end it.
      runtime: { tickIdleMs: 600_000 },
      log: { format: 'json' },
    }
  }
}
