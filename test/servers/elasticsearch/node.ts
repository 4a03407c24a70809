/**
 * One real Elasticsearch node on loopback.
 *
 * Promises: free ports unless told; after `kill9`, `restart` finds every acknowledged document again at the same address;
 * `stop` and `kill9` touch the processes that were started here and no other; works for root too, which Elasticsearch itself
 * refuses to run for.
 */
import { execFile } from 'node:child_process'
import { cp, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePorts } from '../free-ports.ts'
import { ServerNotStartedError, ServerProcess } from '../server-process.ts'

const run = promisify(execFile)
const readyMsMax = 300_000
const portTriesMax = 3
/** `nobody`, where a user namespace can't hide that we are root. */
const nobody = 65_534

export interface ElasticsearchNodeOptions {
  /** Holds data and configuration. A folder that held a node before starts with its indices. */
  readonly dir: string
  /** The unpacked server. */
  readonly home: string
  /** A free one by default. */
  readonly port?: number | undefined
  /** Turns security on: user `elastic` with this password. */
  readonly password?: string | undefined
  /** Serves HTTPS from this PKCS12 store in the folder `conf`; `ca` is what we trust it by. */
  readonly tls?: { readonly file: string; readonly password: string; readonly ca: string } | undefined
  /** Lines of elasticsearch.yml that win over ours. */
  readonly extra?: Readonly<Record<string, string | number | boolean>> | undefined
  readonly heapMb?: number | undefined
}

export class ElasticsearchNode {
  readonly url: string
  readonly dir: string
  readonly #options: ElasticsearchNodeOptions
  #server: ServerProcess

  private constructor(url: string, options: ElasticsearchNodeOptions, server: ServerProcess) {
    this.url = url
    this.dir = options.dir
    this.#options = options
    this.#server = server
  }

  static async start(options: ElasticsearchNodeOptions): Promise<ElasticsearchNode> {
    for (const folder of ['data', 'logs', 'conf', 'tmp']) await mkdir(join(options.dir, folder), { recursive: true })
    for (let tries = 1; ; tries += 1) {
      const port = options.port ?? (await freePorts(1))[0]!
      await configure(options, port)
      try {
        const node = new ElasticsearchNode(
          `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
          options,
          await serve(options),
        )
        await node.#healthy()
        return node
      } catch (error) {
        // A port that was free a moment ago may be taken now; one that was asked for stays asked for.
        const taken = error instanceof ServerNotStartedError && /BindException|already in use/.test(error.message)
        if (!taken || options.port !== undefined || tries >= portTriesMax) throw error
      }
    }
  }

  /** Shuts the node down in order. */
  async stop(): Promise<void> {
    await this.#server.stop()
  }

  /** Ends the node as a power cut would. */
  async kill9(): Promise<void> {
    // The launcher and the node itself are two processes; the node dies first, so that it can't tidy up.
    const pid = Number(await readFile(join(this.dir, 'es.pid'), 'utf8'))
    if (pid > 1 && this.#server.running) process.kill(pid, 'SIGKILL')
    await this.#server.kill9()
  }

  /** Starts the node again on its folder and port, after `stop` or `kill9`. */
  async restart(): Promise<void> {
    await this.#server.stop()
    this.#server = await serve(this.#options)
    await this.#healthy()
  }

  /** The node answers before its shards are there. */
  async #healthy(): Promise<void> {
    const { password, tls } = this.#options
    const headers: Record<string, string> =
      password === undefined ? {} : { authorization: `Basic ${Buffer.from(`elastic:${password}`).toString('base64')}` }
    const deadline = performance.now() + readyMsMax
    for (;;) {
      const url = `${this.url}/_cluster/health?wait_for_status=yellow&timeout=10s`
      if ((await statusFrom(url, headers, tls?.ca)) === 200) return
      if (performance.now() > deadline) throw new ServerNotStartedError('Elasticsearch serves, but is not healthy')
      await sleep(200)
    }
  }
}

/** Undefined where nobody answers. */
async function statusFrom(url: string, headers: Record<string, string>, ca?: string): Promise<number | undefined> {
  return await new Promise((resolve) => {
    const request = (ca === undefined ? http : https).get(url, { headers, ca }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    request.once('error', () => {
      resolve(undefined)
    })
  })
}

async function configure(
  { dir, home, password, tls, extra, heapMb }: ElasticsearchNodeOptions,
  port: number,
): Promise<void> {
  const conf = join(dir, 'conf')
  await cp(join(home, 'config', 'log4j2.properties'), join(conf, 'log4j2.properties'))
  const jvm = [
    `-Xms${heapMb ?? 512}m`,
    `-Xmx${heapMb ?? 512}m`,
    '-XX:+UseSerialGC',
    '-XX:-AlwaysPreTouch',
    // Half the start is the just-in-time compiler.
    '-XX:TieredStopAtLevel=1',
    '-XX:+ExitOnOutOfMemoryError',
    `-Djava.io.tmpdir=${join(dir, 'tmp')}`,
  ]
  await writeFile(join(conf, 'jvm.options'), `${jvm.join('\n')}\n`)
  const settings: Record<string, string | number | boolean> = {
    'cluster.name': 'modelwarden-test',
    'node.name': 'node-1',
    'path.data': join(dir, 'data'),
    'path.logs': join(dir, 'logs'),
    'network.host': '127.0.0.1',
    'http.port': port,
    'transport.port': 0,
    'discovery.type': 'single-node',
    'xpack.security.enabled': password !== undefined,
    'cluster.routing.allocation.disk.threshold_enabled': false,
    ...(tls === undefined
      ? {}
      : { 'xpack.security.http.ssl.enabled': true, 'xpack.security.http.ssl.keystore.path': tls.file }),
    ...extra,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`)
  await writeFile(join(conf, 'elasticsearch.yml'), lines.join(''))
  if (password !== undefined) {
    await keystore(dir, home, {
      'bootstrap.password': password,
      ...(tls === undefined ? {} : { 'xpack.security.http.ssl.keystore.secure_password': tls.password }),
    })
  }
}

/** Settings that Elasticsearch takes from its keystore alone; `bootstrap.password` is the user `elastic`'s. */
async function keystore(dir: string, home: string, secrets: Readonly<Record<string, string>>): Promise<void> {
  await rm(join(dir, 'conf', 'elasticsearch.keystore'), { force: true })
  const tool = await toolCommand({ dir, home }, 'keystore', 'lib/tools/keystore-cli')
  const at = { env: tool.env, cwd: home }
  await run(tool.command, [...tool.args, 'create'], at)
  for (const [name, value] of Object.entries(secrets)) {
    const script = 'printf %s "$0" | "$@"'
    await run('sh', ['-c', script, value, tool.command, ...tool.args, 'add', '-f', '-x', name], at)
  }
}

async function serve(options: ElasticsearchNodeOptions): Promise<ServerProcess> {
  await rm(join(options.dir, 'es.pid'), { force: true })
  const tool = await toolCommand(options, 'server', 'lib/tools/server-cli')
  return await ServerProcess.start({
    name: 'Elasticsearch',
    command: tool.command,
    args: [...tool.args, '-p', join(options.dir, 'es.pid')],
    env: tool.env,
    cwd: options.home,
    logFile: join(options.dir, 'node.log'),
    ready: /\] started /,
    readyMsMax,
  })
}

interface Tool {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** What Elastic's own scripts in bin/ run. */
async function toolCommand(
  { dir, home }: Pick<ElasticsearchNodeOptions, 'dir' | 'home'>,
  name: string,
  libs: string,
): Promise<Tool> {
  const as = await asUser(dir)
  const java = [
    ...['java', '-Xms4m', '-Xmx64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    ...[`-Dcli.name=${name}`, `-Dcli.script=./bin/${name}`, `-Dcli.libs=${libs}`],
    ...[`-Des.path.home=${home}`, `-Des.path.conf=${join(dir, 'conf')}`, '-Des.distribution.type=tar'],
    ...['-cp', `${home}/lib/*:${home}/lib/cli-launcher/*`, 'org.elasticsearch.launcher.CliToolLauncher'],
  ]
  const [command, ...args] = [...as, ...java]
  const env = {
    PATH: process.env['PATH'],
    HOME: join(dir, 'tmp'),
    HOSTNAME: 'localhost',
    ES_PATH_CONF: join(dir, 'conf'),
    ES_TMPDIR: join(dir, 'tmp'),
  }
  return { command: command!, args, env }
}

/**
 * Elasticsearch refuses root. In a user namespace that maps us to another user it sees no root, and its files still belong
 * to us; where namespaces are not allowed, the folder is given to `nobody`.
 */
async function asUser(dir: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return []
  const hidden = ['unshare', '--user', '--map-user=1000', '--map-group=1000']
  try {
    await run(hidden[0]!, [...hidden.slice(1), 'true'])
    return hidden
  } catch {
    await give(dir)
    return ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups']
  }
}

async function give(dir: string): Promise<void> {
  await chown(dir, nobody, nobody)
  for (const entry of await readdir(dir, { recursive: true })) await chown(join(dir, entry), nobody, nobody)
}
