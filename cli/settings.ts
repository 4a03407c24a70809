/**
 * The configuration that a command's options lead to.
 *
 * Precedence: command line, environment, file, defaults.
 */
import { join, resolve } from 'node:path'
import { loadConfig, type LoadedConfig } from '../runtime/config/config-load.ts'
import type { GlobalOptions } from './options.ts'

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
