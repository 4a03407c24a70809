/**
 * Where Elasticsearch's files are: fetched by Maven once for a version of pom.xml, kept under .cache/ of the checkout.
 *
 * Elastic publishes the server's jars on Maven Central, but not its modules. SonarQube's distribution, published there
 * too, carries a nearly whole Elasticsearch; only that part of it is kept, and its main jar must be Elastic's own byte for
 * byte. It has no ILM, no data streams that can be deleted, and a few field types less than Elastic's own distribution.
 *
 * Promises: says in words what is missing (Java 17, Maven, the network) and never leaves half a server behind.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { javaMissing } from '../java.ts'

const run = promisify(execFile)
const pom = join(import.meta.dirname, 'pom.xml')
const cache = join(import.meta.dirname, '../../../.cache/servers')
const fetchMsMax = 20 * 60_000

/** SHA-1 of `org.elasticsearch:elasticsearch:8.19.13` as Maven Central names it. */
const serverJar = { name: 'elasticsearch-8.19.13.jar', sha1: 'abfa225d1b17b324ae1f9f2d9a1dab7bb19e6946' } as const

export type Distribution = { readonly home: string } | { readonly missing: string }

/** Finds the server, or fetches it (920 MB over the network, 120 MB of which stay). */
export async function elasticsearchDistribution(): Promise<Distribution> {
  const missing = await javaMissing('Elasticsearch')
  if (missing !== undefined) return { missing }
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12)
  const home = join(cache, `elasticsearch-${digest}`)
  if (existsSync(home)) return { home }

  const partial = `${home}.${process.pid}`
  await mkdir(cache, { recursive: true })
  try {
    // The archive goes into a repository that is thrown away with it: nobody needs those 920 MB again.
    const repository = join(partial, 'repository')
    const unpacked = join(partial, 'unpacked')
    await run(
      'mvn',
      ['-q', '-B', '-f', pom, `-Dmaven.repo.local=${repository}`, `-Des.out=${unpacked}`, 'initialize'],
      {
        timeout: fetchMsMax,
      },
    )
    const [inside] = (await readdir(unpacked)).filter((name) => name.startsWith('sonarqube-'))
    const server = join(unpacked, inside!, 'elasticsearch')
    const jar = await readFile(join(server, 'lib', serverJar.name))
    if (createHash('sha1').update(jar).digest('hex') !== serverJar.sha1) throw new Error('its jar is not Elastic’s own')
    await mkdir(join(server, 'plugins'), { recursive: true })
    await chmod(server, 0o755)
    await rename(server, home)
    return { home }
  } catch (error) {
    // Another process may have been first: its server is as good as ours.
    if (existsSync(home)) return { home }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { missing: 'no mvn on the PATH' }
    const said = ((error as { stdout?: string }).stdout ?? '').split('\n')[0] ?? ''
    return { missing: `Maven could not fetch Elasticsearch: ${said || (error as Error).message}`.slice(0, 300) }
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
