/** Whether a Java is here that the servers can run on. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const javaMajorMin = 17

/** Why `server` can't run, undefined where it can. */
export async function javaMissing(server: string): Promise<string | undefined> {
  const java = await javaMajor()
  if (java === undefined) return `no java on the PATH (${javaMajorMin} or later)`
  return java < javaMajorMin ? `java is ${java}, ${server} wants ${javaMajorMin} or later` : undefined
}

async function javaMajor(): Promise<number | undefined> {
  try {
    const { stderr, stdout } = await run('java', ['-version'])
    const major = /version "(\d+)/.exec(stderr + stdout)?.[1]
    return major === undefined ? undefined : Number(major)
  } catch {
    return undefined
  }
}
