/** The fingerprints of what is registered, a file for each release. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { FilePrint } from '../engine/fingerprint/fingerprint.ts'
import { CliError, exitCodes } from './exit.ts'

const registryFileBytesMax = 200_000_000

const RegisteredPrint = z.strictObject({
  version: z.literal(1),
  asset: z.string(),
  release: z.string(),
  files: z.array(FilePrint),
})
export type RegisteredPrint = z.infer<typeof RegisteredPrint>

export async function readRegistry(folder: string): Promise<RegisteredPrint[]> {
  const names = await readdir(folder).catch(() => [])
  const registered: RegisteredPrint[] = []
  for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
    const path = join(folder, name)
    const { size } = await stat(path)
    const read =
      size > registryFileBytesMax ? undefined : RegisteredPrint.safeParse(parsed(await readFile(path, 'utf8')))
    if (read?.success !== true) {
      throw new CliError(exitCodes.usage, 'REGISTRY_INVALID', `${path} is no fingerprint of a release.`, {
        hint: 'Register the release again.',
      })
    }
    registered.push(read.data)
  }
  if (registered.length > 0) return registered
  throw new CliError(exitCodes.usage, 'REGISTRY_EMPTY', `Nothing is registered in ${folder}.`, {
    hint: 'Register what is yours first: modelwarden assets register ID FILES --release VERSION',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
