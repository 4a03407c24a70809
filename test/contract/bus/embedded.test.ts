/**
 * The bus contract on SQLite.
 */
import { openEmbedded } from '../../../adapters/embedded/open.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { silentLog } from '../../../runtime/log.ts'
import { temporaryFolder } from '../../support/tmp.ts'
import { busContract } from './suite.ts'

busContract('the embedded bus', async () => {
  const folder = await temporaryFolder('bus')
  return await openEmbedded({ folder, log: silentLog, clock: systemClock })
})
