/** The demo's own data folder: emptied at each start, and nothing else ever is. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { CliError, exitCodes } from '../exit.ts'

const mark = 'this-is-a-demo'

/** Throws where the folder holds somebody's data, or another live process holds it. */
export async function emptyDemoFolder(folder: string): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    if (!existsSync(join(folder, mark))) {
      throw new CliError(exitCodes.usage, 'NOT_A_DEMO', `${folder} holds data that is not a demo's.`, {
        hint: 'Leave --data away, or name an empty folder.',
      })
    }
    // Opening takes the lock: a live demo is not pulled away from under itself.
    const embedded = await openEmbedded({ folder, log: silentLog, clock: systemClock })
    await embedded.close()
    rmSync(folder, { recursive: true, force: true })
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, mark), 'Emptied at each start of: modelwarden up --demo\n')
}
