/**
 * Where the broker's jars are: fetched by Maven once for a version of pom.xml, kept under .cache/ of the checkout.
 *
 * Promises: says in words what is missing (Java 17, Maven, the network) and never leaves half a set of jars behind.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { javaMissing } from '../java.ts'

const run = promisify(execFile)
const pom = join(import.meta.dirname, 'pom.xml')
const cache = join(import.meta.dirname, '../../../.cache/servers')
const fetchMsMax = 10 * 60_000

export type Jars = { readonly classPath: string } | { readonly missing: string }

/** Finds the jars, or fetches them. */
export async function kafkaJars(): Promise<Jars> {
  const missing = await javaMissing('Kafka')
  if (missing !== undefined) return { missing }

  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12)
  const home = join(cache, `kafka-${digest}`)
  const jars = { classPath: join(home, '*') }
  if (existsSync(home)) return jars

  const partial = `${home}.${process.pid}`
  await mkdir(cache, { recursive: true })
  try {
    await run(
      'mvn',
      ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'],
      { timeout: fetchMsMax },
    )
    await rename(partial, home)
    return jars
  } catch (error) {
    // Another process may have been first: its jars are as good as ours.
    if (existsSync(home)) return jars
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { missing: 'no mvn on the PATH' }
    const said = ((error as { stdout?: string }).stdout ?? '').split('\n')[0] ?? ''
    return { missing: `Maven could not fetch the broker's jars: ${said || (error as Error).message}`.slice(0, 300) }
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
