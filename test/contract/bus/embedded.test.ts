/**
 * The bus contract on SQLite.
 */
import { openEmbedded } from '../../../adapters/embedded/open.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { silentLog } from '../../../runtime/log.ts'
import { temporaryFolder } from '../../support/tmp.ts'
import { hostileProducerContract } from './hostile-producer.ts'
import { busContract } from './suite.ts'

const open = async () => {
  const folder = await temporaryFolder('bus')
  return await openEmbedded({ folder, log: silentLog, clock: systemClock })
}
busContract('the embedded bus', open)
hostileProducerContract('the embedded bus', open)
