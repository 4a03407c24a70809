/**
 * Where a live instance is: a small file in its data folder, written when it listens and removed when it stops.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const InstanceFile = z.object({ url: z.url(), pid: z.int().positive(), startedAt: z.string() })
export type InstanceFile = z.infer<typeof InstanceFile>

export const adminTokenFile = (dataFolder: string): string => join(dataFolder, 'admin-token')
const instanceFile = (dataFolder: string): string => join(dataFolder, 'instance.json')

export function writeInstance(dataFolder: string, url: string): void {
  const instance: InstanceFile = { url, pid: process.pid, startedAt: new Date().toISOString() }
  writeFileSync(instanceFile(dataFolder), `${JSON.stringify(instance)}\n`, { mode: 0o600 })
}

export function removeInstance(dataFolder: string): void {
  rmSync(instanceFile(dataFolder), { force: true })
}

/** The instance that lives in this data folder, if its process still does. */
export function liveInstance(dataFolder: string): InstanceFile | undefined {
  try {
    const instance = InstanceFile.parse(JSON.parse(readFileSync(instanceFile(dataFolder), 'utf8')))
    process.kill(instance.pid, 0)
    return instance
  } catch (error) {
    // Signal 0 to a process of another user is refused: it lives.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined
    return InstanceFile.parse(JSON.parse(readFileSync(instanceFile(dataFolder), 'utf8')))
  }
}
