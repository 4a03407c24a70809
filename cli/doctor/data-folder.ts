/** The data folder: there, ours alone, with room left. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { describeError } from '../../core/errors.ts'
import type { Patient } from './patient.ts'

const gib = 1_073_741_824
/** Below this, SQLite's write-ahead log of one checkpoint and a day of small traffic may not fit. */
const freeBytesMin = { warn: 5 * gib, fail: gib / 2 } as const

export async function lookAtDataFolder({ dataFolder }: Patient): Promise<readonly Diagnosis[]> {
  return [lookAtFolder(dataFolder), lookAtSpace(dataFolder)]
}

export function lookAtFolder(folder: string): Diagnosis {
  const name = 'folder'
  if (!existsSync(folder)) {
    return { name, state: 'ok', says: `${folder} is not there yet: it is made when an instance starts.` }
  }
  const stat = statSync(folder)
  if (!stat.isDirectory()) return { name, state: 'fail', says: `${folder} is no folder.`, do: 'Name another: data.folder.' } // prettier-ignore
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    return { name, state: 'fail', says: `This user can't write ${folder}: ${describeError(error)}`, do: 'Give it to the user that runs Modelwarden.' } // prettier-ignore
  }
  const rights = (stat.mode & 0o777).toString(8).padStart(4, '0')
  if ((stat.mode & 0o077) === 0) return { name, state: 'ok', says: `${folder} is for its owner alone (${rights}).` }
  return { name, state: 'warn', says: `Others may look into ${folder} (${rights}); it holds keys and records.`, do: `chmod 700 ${folder}` } // prettier-ignore
}

function lookAtSpace(folder: string): Diagnosis {
  // What is not made yet will stand on the disk of the folder that is.
  let there = folder
  while (!existsSync(there)) there = dirname(there)
  const { bavail, bsize } = statfsSync(there)
  return judgeSpace(bavail * bsize, there)
}

export function judgeSpace(freeBytes: number, folder: string): Diagnosis {
  const says = `${(freeBytes / gib).toFixed(1)} GiB are free on the disk of ${folder}.`
  if (freeBytes >= freeBytesMin.warn) return { name: 'disk', state: 'ok', says }
  const todo = 'Make room or move the folder (data.folder): a full disk holds everything up until there is room again.'
  return { name: 'disk', state: freeBytes < freeBytesMin.fail ? 'fail' : 'warn', says, do: todo }
}
