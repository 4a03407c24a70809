/** `modelwarden up --demo`. */
import { join, resolve } from 'node:path'
import { loadConfig, type LoadedConfig } from '../../runtime/config/config-load.ts'
import { exitOnBugs, onStopRequest } from '../../runtime/shutdown.ts'
import { compose } from '../compose.ts'
import { home } from '../home.ts'
import { freeListen } from '../listen.ts'
import { stopAndExit, stopped } from '../run.ts'
import { serviceNames } from '../service-names.ts'
import type { GlobalOptions } from '../options.ts'
import { dataFolderOf, demoFolder } from '../settings.ts'
import { emptyDemoFolder } from './folder.ts'
import { playDemo } from './play.ts'

/** Everything embedded, with a folder of its own and a day to work on, until a signal comes. */
export async function upDemo(options: GlobalOptions): Promise<void> {
  const loaded = await demoSettings(options)
  await emptyDemoFolder(dataFolderOf(loaded))
  let told = false
  const instance = await compose({
    loaded,
    env: process.env,
    services: serviceNames,
    publishes: true,
    listens: true,
    // While a day passes in seconds, silence of a partition says nothing about the time.
    ticking: () => told,
  })
  exitOnBugs(instance.log)
  const request = onStopRequest(instance.log)
  try {
    await playDemo(instance, request.signal, () => (told = true))
    await stopped(request.signal)
  } finally {
    await stopAndExit(instance, request)
  }
}

/** What the demo's organization would have in its modelwarden.yml. */
async function demoSettings(options: GlobalOptions): Promise<LoadedConfig> {
  const loaded = loadConfig({ file: options.config ?? false, env: process.env, cwd: process.cwd() })
  const { config } = loaded
  return {
    ...loaded,
    config: {
      ...config,
      data: { folder: resolve(options.data ?? demoFolder) },
      bus: { ...config.bus, kind: 'embedded' },
      http: {
        ...config.http,
        tokens: [],
        listen: await freeListen(config.http.listen),
        loopbackRoles: ['collector', 'gateway'],
      },
      content: {
        ...config.content,
        rules: [...config.content.rules.map((folder) => resolve(loaded.folder, folder)), join(home, 'demo', 'rules')],
      },
      respond: { ...config.respond, enable: ['revoke-stolen-key', 'contain-exfiltration'] },
      log: { ...config.log, level: config.log.level === 'debug' ? 'debug' : 'warn' },
    },
  }
}
