/**
 * Resolves secrets from where the configuration says they stand, and makes those that an embedded instance needs.
 *
 * Used by the composition root alone; services get values. Promises: a missing secret is reported with the setting that
 * names it, all of them together; every value read is known to the redactor; generated files are readable by their owner
 * only and are never overwritten.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigInvalidError, describeError, type Mistake } from '../../core/errors.ts'
import type { SecretRef } from './config-parts.ts'
import type { Log } from '../log.ts'
import type { Redactor } from '../redact.ts'

const secretBytesMax = 65_536
const keyBytesMin = 32

export interface SecretsOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** What relative paths start from. */
  readonly folder: string
  readonly redactor: Redactor
  readonly log: Log
}

export class Secrets {
  readonly #options: SecretsOptions
  readonly #mistakes: Mistake[] = []
  constructor(options: SecretsOptions) {
    this.#options = options
  }

  /** The value, without a line end at its end; an empty one where it is missing: `settle` then throws. */
  read(ref: SecretRef, setting: string): string {
    const value = 'env' in ref ? this.#fromEnv(ref.env, setting) : this.#fromFile(ref.file, setting)
    if (value !== '') this.#options.redactor.remember(value)
    return value
  }

  /** As a key of at least 32 bytes: hex or base64 where it has that form, else the bytes of the text. */
  readKey(ref: SecretRef, setting: string): Uint8Array {
    const value = this.read(ref, setting)
    const key = keyBytes(value)
    if (value !== '' && key.length < keyBytesMin) {
      const message = `${setting}: the key has ${key.length} bytes; ${keyBytesMin} or more are needed.`
      this.#mistakes.push({ code: 'SECRET_SHORT', message, hint: 'Make one with: openssl rand -hex 32' })
    }
    return key
  }

  /** Throws ConfigInvalidError with everything that was missing so far. */
  settle(): void {
    if (this.#mistakes.length > 0) throw new ConfigInvalidError(this.#mistakes)
  }

  #fromEnv(name: string, setting: string): string {
    const value = this.#options.env[name] ?? ''
    if (value === '') {
      const message = `${setting}: the environment variable ${name} is not set.`
      this.#mistakes.push({ code: 'SECRET_MISSING', message, hint: `Set ${name} before starting.` })
    }
    return value
  }

  #fromFile(path: string, setting: string): string {
    const full = resolve(this.#options.folder, path)
    try {
      const { size, mode } = statSync(full)
      if (size > secretBytesMax) throw new Error(`it has ${size} bytes; ${secretBytesMax} are allowed`)
      const value = readFileSync(full, 'utf8').replace(/\r?\n$/, '')
      if (value === '') throw new Error('it is empty')
      if ((mode & 0o004) !== 0) {
        this.#options.log.warn('A file with a secret can be read by every user of this machine', {
          setting,
          file: full,
        })
      }
      return value
    } catch (error) {
      const message = `${setting}: the file ${full} can't be used: ${describeError(error)}.`
      this.#mistakes.push({ code: 'SECRET_MISSING', message, hint: 'Write the secret into that file.' })
      return ''
    }
  }
}

function keyBytes(text: string): Uint8Array {
  if (/^(?:[0-9a-fA-F]{2}){32,}$/.test(text)) return Buffer.from(text, 'hex')
  if (/^[A-Za-z0-9+/]{43,}={0,2}$/.test(text)) return Buffer.from(text, 'base64')
  return Buffer.from(text, 'utf8')
}

/**
 * A random secret kept in a file (0600): read where the file exists, else made. Two processes that make it at once end
 * up with the same one.
 */
export function generatedSecret(path: string, redactor: Redactor): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const existing = readIfThere(path)
  const value = existing ?? makeSecret(path)
  redactor.remember(value)
  return value
}

function readIfThere(path: string): string | undefined {
  try {
    const value = readFileSync(path, 'utf8').trim()
    if (value.length < 32) {
      const message = `${path} holds fewer than 32 characters.`
      throw new ConfigInvalidError([{ code: 'SECRET_SHORT', message, hint: 'Remove the file: a new one is made.' }])
    }
    chmodSync(path, 0o600)
    return value
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written whole beside it, then linked into place: a reader never sees half of it, and the first one stays. */
function makeSecret(path: string): string {
  const beside = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(beside, 'wx', 0o600)
  try {
    writeSync(file, `${randomBytes(32).toString('hex')}\n`)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(beside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(beside)
  }
  return readIfThere(path)!
}
