/** What `modelwarden content rollback` and `content history` do, with a live instance, or by themselves on the bus. */
import { userInfo } from 'node:os'
import type { Rollback } from '../runtime/content/content-reader.ts'
import { rollBack } from '../runtime/content/content-rollback.ts'
import { connect } from './client.ts'
import { contentChecks } from './content.ts'
import { withContent } from './content-actions.ts'
import { CliError, exitCodes } from './exit.ts'
import { print, printJson } from './output.ts'
import type { ClientOptions } from './options.ts'
import { loadSettings } from './settings.ts'
import { printTable } from './table.ts'

interface History {
  readonly versions: readonly {
    readonly set: string
    readonly digest: string
    readonly files: number
    readonly publishedAt: string
    readonly inForce: boolean
    readonly held: boolean
  }[]
  readonly rollbacks: readonly Rollback[]
}

export async function rollBackTo(digest: string, reason: string, options: ClientOptions): Promise<void> {
  const done = await orDirectly(
    () => connect(options).post<Rollback>('/v1/content/rollback', { digest, reason }),
    () =>
      withContent(loadSettings(options), ({ bus, content }) =>
        rollBack(
          { bus, content, checks: contentChecks() },
          { digest, reason, by: `cli:${userInfo().username}`, atMs: Date.now() },
        ),
      ),
  )
  if (options.json) printJson(done)
  else
    print(
      `The ${done.set} are back at ${done.to.slice(0, 12)}; ${done.from.slice(0, 12)} is held until it is edited or published.`,
    )
}

export async function showHistory(options: ClientOptions): Promise<void> {
  const history = await connect(options).get<History>('/v1/content/history')
  if (options.json) {
    printJson(history)
    return
  }
  const rows = history.versions.map(({ set, digest, files, publishedAt, inForce, held }) => {
    return [set, digest.slice(0, 16), files, publishedAt, inForce ? 'in force' : held ? 'held' : '']
  })
  printTable(['SET', 'DIGEST', 'FILES', 'PUBLISHED', ''], rows)
  for (const { set, from, to, by, at, reason } of history.rollbacks) {
    print(`${at} ${by}: ${set} from ${from.slice(0, 12)} to ${to.slice(0, 12)}: ${reason}`)
  }
}

/** Without a live instance the bus is opened here. */
async function orDirectly<T>(live: () => Promise<T>, direct: () => Promise<T>): Promise<T> {
  try {
    return await live()
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCodes.unreachable) throw error
    return await direct()
  }
}
