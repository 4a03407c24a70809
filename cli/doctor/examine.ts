/**
 * Looks at everything that a configuration names, side by side.
 *
 * Promises: changes nothing; each look ends within `lookMsMax`, and one that fails is a failed check and not the end; no
 * secret that was resolved stands in what is said.
 */
import type { CheckState, Diagnosis } from '../../core/diagnosis.ts'
import { ConfigInvalidError, describeError, formatMistake, WardenError } from '../../core/errors.ts'
import type { LoadedConfig } from '../../runtime/config/config-load.ts'
import { silentLog } from '../../runtime/log.ts'
import { Redactor } from '../../runtime/redact.ts'
import { Secrets } from '../../runtime/config/secrets.ts'
import type { GlobalOptions } from '../options.ts'
import { dataFolderOf, loadSettings } from '../settings.ts'
import { lookAtChannel, lookAtGateways } from './channels.ts'
import { lookAtSecrets } from './configuration.ts'
import { lookAtContent } from './content.ts'
import { lookAtDataFolder } from './data-folder.ts'
import { lookAtInstance } from './instance.ts'
import type { Patient } from './patient.ts'
import { lookAtBus, lookAtIndex } from './servers.ts'

export const lookMsMax = 10_000

export interface Check {
  /** `configuration`, `data`, `bus`, `index`, `channels`, `content`, `instance`. */
  readonly area: string
  readonly name: string
  readonly state: CheckState
  readonly says: string
  readonly do: string | null
}

export interface Report {
  /** Nothing failed. */
  readonly ok: boolean
  readonly checks: readonly Check[]
}

interface Look {
  readonly area: string
  /** Names the check where the look itself fails. */
  readonly name: string
  readonly run: (patient: Patient) => Promise<readonly Diagnosis[]>
  /** What to do where it fails and the error does not say. */
  readonly todo: string
}

const looksAt = (options: GlobalOptions): readonly Look[] => [
  { area: 'configuration', name: 'secrets', run: lookAtSecrets, todo: 'Make them readable for this user.' },
  {
    area: 'data',
    name: 'folder',
    run: lookAtDataFolder,
    todo: 'Give this user a data folder of its own: data.folder.',
  },
  {
    area: 'bus',
    name: 'reachable',
    run: lookAtBus,
    todo: 'Start the broker, and check bus.kafka: brokers, tls, sasl.',
  },
  { area: 'index', name: 'reachable', run: lookAtIndex, todo: 'Start it, and check index.elasticsearch: nodes, tls, the user.' }, // prettier-ignore
  ...(['slack', 'email', 'webhook'] as const).map((channel) => ({
    area: 'channels',
    name: channel,
    run: (patient: Patient) => lookAtChannel(patient, channel),
    todo: `Check connectors.${channel}, and whether this machine may reach it.`,
  })),
  { area: 'channels', name: 'gateways', run: lookAtGateways, todo: 'Check respond.authorizeUrls and respond.authorizeToken.' }, // prettier-ignore
  { area: 'content', name: 'content', run: lookAtContent, todo: 'See what modelwarden content check says.' },
  { area: 'instance', name: 'instance', run: () => lookAtInstance(options), todo: 'See its log on standard error.' }, // prettier-ignore
]

/** Never rejects for what is wrong with the installation. */
export async function examine(options: GlobalOptions): Promise<Report> {
  const redactor = new Redactor()
  let loaded: LoadedConfig
  try {
    loaded = loadSettings(options)
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    return reportOf(mistakesOf(error).map((each) => ({ area: 'configuration', ...each })), redactor) // prettier-ignore
  }
  const { folder, file } = loaded
  const patient: Patient = {
    loaded,
    dataFolder: dataFolderOf(loaded),
    env: process.env,
    redactor,
    secrets: () => new Secrets({ env: process.env, folder, redactor, log: silentLog }),
  }
  const says = file === undefined ? 'There is no file: the defaults are in force.' : `${file} has no mistakes.`
  const found = await Promise.all(looksAt(options).map((look) => within(look, patient, lookMsMax)))
  return reportOf([{ area: 'configuration', name: 'file', state: 'ok', says }, ...found.flat()], redactor)
}

type Found = Diagnosis & { readonly area: string }

/** The look's checks; one failed check where it rejects or takes longer. */
export async function within({ area, name, run, todo }: Look, patient: Patient, msMax: number): Promise<Found[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<readonly Diagnosis[]>((resolve) => {
    const says = `There was no answer within ${msMax / 1_000} s.`
    timer = setTimeout(() => resolve([{ name, state: 'fail', says, do: todo }]), msMax)
  })
  try {
    const found = await Promise.race([run(patient), late])
    return found.map((each) => ({ area, ...each }))
  } catch (error) {
    const found = error instanceof ConfigInvalidError ? mistakesOf(error) : [failure(name, error, todo)]
    return found.map((each) => ({ area, ...each }))
  } finally {
    clearTimeout(timer)
  }
}

function failure(name: string, error: unknown, todo: string): Diagnosis {
  const hint = error instanceof WardenError ? error.hint : undefined
  return { name, state: 'fail', says: describeError(error), do: hint ?? todo }
}

export function mistakesOf({ mistakes }: ConfigInvalidError): Diagnosis[] {
  return mistakes.map(({ hint, ...mistake }) => ({
    name: mistake.code,
    state: 'fail',
    says: formatMistake(mistake),
    do: hint ?? 'Mend it: docs/configuration-reference.md lists every setting.',
  }))
}

function reportOf(found: readonly Found[], redactor: Redactor): Report {
  const checks = found.map(({ area, name, state, says, do: todo }) => ({
    ...{ area, name, state, says: redactor.text(says) },
    do: todo === undefined ? null : redactor.text(todo),
  }))
  return { ok: checks.every(({ state }) => state !== 'fail'), checks }
}
