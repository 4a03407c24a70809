/** `modelwarden up`: every service in one process; with `--demo`, and a day for them to work on. */
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadConfig, type LoadedConfig } from '../../runtime/config-load.ts'
import { exitOnBugs, onStopRequest } from '../../runtime/shutdown.ts'
import { compose } from '../compose.ts'
import { home } from '../content.ts'
import { emptyDemoFolder } from '../demo/folder.ts'
import { playDemo } from '../demo/play.ts'
import { freeListen } from '../listen.ts'
import { serviceNames } from '../services.ts'
import { dataFolderOf, demoFolder, globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'
import { runUntilStopped, stopAndExit, stopped } from './run.ts'

export function addUpCommand(program: Command): void {
  globalOptions(program.command('up'))
    .description('run everything in this process; needs no server unless bus.kind is kafka')
    .option('--demo', 'with an empty data folder of its own and a believable day to work on')
    .addHelpText(
      'after',
      `
Without --config, the demo looks at no configuration file: it reaches nobody outside.

Examples:
  modelwarden up
  modelwarden up --config modelwarden.yml
  modelwarden up --demo`,
    )
    .action(async (options: GlobalOptions & { demo?: true }) => {
      if (options.demo === true) {
        await demo(options)
        return
      }
      const loaded = loadSettings(options)
      const instance = await compose({
        loaded,
        env: process.env,
        services: serviceNames,
        publishes: true,
        listens: true,
      })
      await runUntilStopped(instance, serviceNames)
    })
}

async function demo(options: GlobalOptions): Promise<void> {
  const loaded = await demoSettings(options)
  await emptyDemoFolder(dataFolderOf(loaded))
  const instance = await compose({ loaded, env: process.env, services: serviceNames, publishes: true, listens: true })
  exitOnBugs(instance.log)
  const request = onStopRequest(instance.log)
  try {
    await playDemo(instance, request.signal)
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
