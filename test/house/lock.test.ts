import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Locked {
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

async function lockedPackages(): Promise<Readonly<Record<string, Locked>>> {
  const text = await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8')
  return (JSON.parse(text) as { packages: Record<string, Locked> }).packages
}

/** Looks for a package as Node does: beside its user, then one folder up, to the top. */
function isLocked(packages: Readonly<Record<string, Locked>>, user: string, name: string): boolean {
  if (`${user === '' ? '' : `${user}/`}node_modules/${name}` in packages) return true
  if (user === '') return false
  return isLocked(packages, user.slice(0, Math.max(0, user.lastIndexOf('/node_modules/'))), name)
}

test('the lock file holds the binaries of every platform, so that npm ci accepts it on each', async () => {
  const packages = await lockedPackages()
  const missing = Object.entries(packages).flatMap(([user, locked]) =>
    Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
      .filter((name) => !isLocked(packages, user, name))
      .map((name) => `${name}, which ${user || 'the project'} wants`),
  )
  expect(missing).toEqual([])
})

test('the lock file names no host that a package came from', async () => {
  const packages = await lockedPackages()
  expect(Object.entries(packages).filter(([, locked]) => locked.resolved !== undefined && !locked.link)).toEqual([])
})
