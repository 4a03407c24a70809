/**
 * The search index contract on SQLite.
 */
import { openEmbedded } from '../../../adapters/embedded/open.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { silentLog } from '../../../runtime/log.ts'
import { temporaryFolder } from '../../support/tmp.ts'
import { searchIndexContract } from './suite.ts'

searchIndexContract('the embedded index', async () => {
  const folder = await temporaryFolder('index')
  return await openEmbedded({ folder, log: silentLog, clock: systemClock })
})
