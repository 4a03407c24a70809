/**
 * Reads the configuration: defaults, then `modelwarden.yml`, then the environment (`MODELWARDEN_<SECTION>__<KEY>`).
 *
 * Promises: all mistakes are reported, each with file, line and column, or with its variable's name; unknown keys are
 * refused, with the key that was probably meant; no value of a secret is read here, nor shown.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigInvalidError, describeError, type FilePlace, type Mistake } from '../../core/errors.ts'
import { parseYaml, type ParsedYaml } from '../../core/yaml.ts'
import { crossMistakes } from './config-cross.ts'
import { nearestKey } from './config-keys.ts'
import { Config } from './config.ts'

export interface LoadedConfig {
  readonly config: Config
  /** The file that was read, as an absolute path. */
  readonly file: string | undefined
  /** What relative paths in it start from: the file's folder, or the working directory. */
  readonly folder: string
}

export interface LoadOptions {
  /** Path of the file. Absent: `modelwarden.yml` of the working directory, if there is one; `false`: none. */
  readonly file?: string | false | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

type Path = readonly (string | number)[]

export const defaultConfigFile = 'modelwarden.yml'
const prefix = 'MODELWARDEN_'

/** Loads the configuration or throws ConfigInvalidError with every mistake in it. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const path = findFile(options)
  const parsed = path === undefined ? undefined : parseYaml({ path, text: readText(path) })
  if (parsed !== undefined && parsed.mistakes.length > 0 && !onlyEmpty(parsed))
    throw new ConfigInvalidError(parsed.mistakes)
  const value = asSections(parsed)
  const fromEnv = applyEnvironment(value, options.env)
  const places = new Places(parsed, fromEnv)
  const result = Config.safeParse(value)
  const mistakes = result.success
    ? crossMistakes(result.data).map(({ path: at, ...mistake }) => places.mistake(at, mistake.message, mistake.hint))
    : result.error.issues.flatMap((issue) => issueMistakes(issue, places))
  if (mistakes.length > 0 || !result.success) throw new ConfigInvalidError(mistakes)
  return { config: result.data, file: path, folder: path === undefined ? options.cwd : dirname(path) }
}

function findFile(options: LoadOptions): string | undefined {
  if (options.file === false) return undefined
  const path = resolve(options.cwd, options.file ?? defaultConfigFile)
  if (options.file !== undefined || existsSync(path)) return path
  return undefined
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const hint = 'Give the path of an existing file with --config.'
    throw new ConfigInvalidError([{ code: 'CONFIG_UNREADABLE', message: `${path}: ${describeError(cause)}`, hint }])
  }
}

/** A file with nothing but comments means: all defaults. */
function onlyEmpty(parsed: ParsedYaml): boolean {
  return parsed.mistakes.every((mistake) => mistake.code === 'YAML_EMPTY')
}

function asSections(parsed: ParsedYaml | undefined): Record<string, unknown> {
  const value = parsed?.value ?? {}
  if (typeof value === 'object' && !Array.isArray(value)) return structuredClone(value) as Record<string, unknown>
  const message = 'The configuration is a mapping of sections.'
  throw new ConfigInvalidError([{ code: 'CONFIG_INVALID', message, ...(parsed && { place: parsed.place([]) }) }])
}

/** Puts each variable's value at its path; the names of the variables by path. */
function applyEnvironment(value: Record<string, unknown>, env: LoadOptions['env']): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const name of Object.keys(env).sort()) {
    const text = env[name]
    if (text === undefined || !name.startsWith(prefix) || !name.includes('__')) continue
    const path = name.slice(prefix.length).split('__').map(camelCase)
    let section: Record<string, unknown> = value
    for (const step of path.slice(0, -1)) {
      const inner = Object.hasOwn(section, step) ? section[step] : undefined
      const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {}
      define(section, step, next)
      section = next as Record<string, unknown>
    }
    define(section, path.at(-1)!, environmentValue(name, text))
    names.set(path.join('.'), name)
  }
  return names
}

/** As own property, `__proto__` included. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/** YAML in one line, so that numbers, `[lists]` and `{env: NAME}` can be written; anything else is text. */
function environmentValue(name: string, text: string): unknown {
  const parsed = parseYaml({ path: name, text })
  if (parsed.mistakes.length > 0) return text
  return typeof parsed.value === 'object' && !/^\s*[[{]/.test(text) ? text : parsed.value
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Where a value came from: the file, or a variable. */
class Places {
  readonly #parsed: ParsedYaml | undefined
  readonly #fromEnv: ReadonlyMap<string, string>
  constructor(parsed: ParsedYaml | undefined, fromEnv: ReadonlyMap<string, string>) {
    this.#parsed = parsed
    this.#fromEnv = fromEnv
  }

  mistake(path: Path, message: string, hint?: string, ofKey = false): Mistake {
    const variable = this.#variable(path)
    const place = variable === undefined ? this.#place(path, ofKey) : undefined
    return {
      code: 'CONFIG_INVALID',
      message: variable === undefined ? message : `${variable}: ${message}`,
      ...(place === undefined ? {} : { place }),
      ...(hint === undefined ? {} : { hint }),
    }
  }

  #variable(path: Path): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const name = this.#fromEnv.get(path.slice(0, length).join('.'))
      if (name !== undefined) return name
    }
    return undefined
  }

  #place(path: Path, ofKey: boolean): FilePlace | undefined {
    return ofKey ? this.#parsed?.keyPlace(path) : this.#parsed?.place(path)
  }
}

function issueMistakes(issue: z.core.$ZodIssue, places: Places): Mistake[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = nearestKey(path, key)
      const hint = near === undefined ? 'docs/configuration.md lists every key.' : `Did you mean "${near}"?`
      const where = path.length === 0 ? 'There is no section' : `${path.join('.')} has no key`
      return places.mistake([...path, key], `${where} "${key}".`, hint, true)
    })
  }
  return [places.mistake(path, `${path.join('.')}: ${issue.message}.`.replace(/\.\.$/, '.'))]
}
