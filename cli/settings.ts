/**
 * The options that every command takes, and the configuration that they lead to.
 *
 * Precedence: command line, environment, file, defaults.
 */
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadConfig, type LoadedConfig } from '../runtime/config-load.ts'

export interface GlobalOptions {
  readonly config?: string
  readonly data?: string
  readonly url?: string
}

export interface ClientOptions extends GlobalOptions {
  readonly json?: true
}

export function globalOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (default: modelwarden.yml, if there is one)')
    .option('-d, --data <folder>', 'data folder, over the configuration’s data.folder')
}

/** For commands that speak to a live instance. */
export function clientOptions(command: Command): Command {
  return globalOptions(command)
    .option('--url <url>', 'where the instance is (default: MODELWARDEN_URL, or the one of the data folder)')
    .option('--json', 'print the answer as JSON')
}

/** Loads the configuration; `--data` counts from the working directory, as paths on a command line do. */
export function loadSettings(options: GlobalOptions): LoadedConfig {
  const loaded = loadConfig({
    file: options.config ?? process.env['MODELWARDEN_CONFIG'],
    env: process.env,
    cwd: process.cwd(),
  })
  if (options.data === undefined) return loaded
  return { ...loaded, config: { ...loaded.config, data: { ...loaded.config.data, folder: resolve(options.data) } } }
}

export function dataFolderOf(loaded: LoadedConfig): string {
  return resolve(loaded.folder, loaded.config.data.folder)
}

/** Where `up --demo` keeps its files, unless told otherwise. */
export const demoFolder = join('.modelwarden', 'demo')
