/** The options that every command takes; settings.ts leads from them to a configuration. */
import type { Command } from 'commander'

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
