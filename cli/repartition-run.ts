/** Runs `modelwarden repartition` on the bus that the configuration names. */
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { createLog } from '../runtime/logger.ts'
import { Redactor } from '../runtime/redact.ts'
import { Secrets } from '../runtime/config/secrets.ts'
import { openAdapters } from './adapters.ts'
import { repartition, type RepartitionReport } from './repartition.ts'
import { dataFolderOf } from './settings.ts'

export async function repartitionAsConfigured(loaded: LoadedConfig, apply: boolean): Promise<RepartitionReport> {
  const { config, folder } = loaded
  const redactor = new Redactor()
  const log = createLog({ ...config.log, level: 'warn', redactor })
  const secrets = new Secrets({ env: process.env, folder, redactor, log })
  const adapters = await openAdapters({ config, folder, dataFolder: dataFolderOf(loaded), secrets, log, index: false })
  try {
    return await repartition({ bus: adapters.bus, to: config.bus.partitions, apply, log })
  } finally {
    await adapters.close()
  }
}
