/**
 * A real server as a child process: started, waited for until it says that it serves, and ended by its own pid only.
 *
 * Promises: the server dies with the process that started it (outlive-nobody.sh); a server that ends before it serves
 * is an error that carries the end of its output.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const tailLinesMax = 30
const stopMsMax = 15_000

export interface ServerCommand {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** In place of ours. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Everything the server prints is kept here. */
  readonly logFile: string
  /** The line by which the server says that it serves. */
  readonly ready: RegExp
  readonly readyMsMax: number
}

/** The server ended, or stayed silent, before it served. `message` carries the end of its output. */
export class ServerNotStartedError extends Error {
  readonly code = 'SERVER_NOT_STARTED'
}

export class ServerProcess {
  readonly pid: number
  readonly #wrapper: ChildProcess
  readonly #ended: Promise<void>

  private constructor(pid: number, wrapper: ChildProcess, ended: Promise<void>) {
    this.pid = pid
    this.#wrapper = wrapper
    this.#ended = ended
  }

  static async start(server: ServerCommand): Promise<ServerProcess> {
    const wrapper = spawn('sh', [join(import.meta.dirname, 'outlive-nobody.sh'), server.command, ...server.args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(server.env === undefined ? {} : { env: server.env }),
      ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
    })
    // Our end is closed by our own death only; a write error on it is the server's end, which `close` tells.
    wrapper.stdin.on('error', () => undefined)
    const log = createWriteStream(server.logFile, { flags: 'a' })
    const ended = new Promise<void>((resolve) => {
      wrapper.once('close', () => {
        log.end()
        resolve()
      })
    })
    const tail: string[] = []
    let pid = 0
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string) => {
          reject(new ServerNotStartedError(`${server.name} ${why}\n${tail.join('\n')}`))
        }
        const timer = setTimeout(() => {
          fail(`did not serve within ${server.readyMsMax} ms`)
        }, server.readyMsMax)
        const onLine = (line: string) => {
          log.write(`${line}\n`)
          if (pid === 0 && line.startsWith('pid ')) pid = Number(line.slice(4))
          if (tail.push(line) > tailLinesMax) tail.shift()
          if (server.ready.test(line)) {
            clearTimeout(timer)
            resolve()
          }
        }
        createInterface({ input: wrapper.stdout }).on('line', onLine)
        createInterface({ input: wrapper.stderr }).on('line', onLine)
        wrapper.once('error', (error) => {
          clearTimeout(timer)
          fail(`could not be run: ${error.message}`)
        })
        wrapper.once('close', () => {
          clearTimeout(timer)
          fail('ended before it served')
        })
      })
    } catch (error) {
      if (pid > 0) signal(pid, 'SIGKILL')
      throw error
    }
    return new ServerProcess(pid, wrapper, ended)
  }

  /** Asks the server to end, as an operator would; kills it if it doesn't within 15 s. */
  async stop(): Promise<void> {
    if (!this.running) return
    signal(this.pid, 'SIGTERM')
    const timer = setTimeout(() => {
      signal(this.pid, 'SIGKILL')
    }, stopMsMax)
    await this.#ended
    clearTimeout(timer)
  }

  /** Ends the server as a power cut would. */
  async kill9(): Promise<void> {
    if (!this.running) return
    signal(this.pid, 'SIGKILL')
    await this.#ended
  }

  get running(): boolean {
    return this.#wrapper.exitCode === null && this.#wrapper.signalCode === null
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended between our look and our signal, which is what was asked.
  }
}
