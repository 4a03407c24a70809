/**
 * The seal on a plan of canaries: AES-256-GCM under a key derived (HKDF-SHA256) from a secret that is named by where it stands.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { describeError } from '../core/errors.ts'
import { sha256Hex } from '../core/ids.ts'
import { PlannedCanary } from '../engine/canary/plan.ts'
import { silentLog } from '../runtime/log.ts'
import { Redactor } from '../runtime/redact.ts'
import { Secrets } from '../runtime/config/secrets.ts'
import { CliError, exitCodes } from './exit.ts'

const Plan = z.strictObject({
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  options: z.int().min(2).max(64),
  canaries: z.array(PlannedCanary).max(20_000),
})
export type Plan = z.infer<typeof Plan>

const Sealed = z.strictObject({
  modelwarden: z.literal('sealed-canaries'),
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  count: z.int().positive(),
  /** SHA-256 of the plan: what may be published. */
  commitment: z.string().length(64),
  salt: z.string(),
  nonce: z.string(),
  tag: z.string(),
  text: z.string(),
})

export function seal(made: Plan, key: Uint8Array): z.infer<typeof Sealed> {
  const text = JSON.stringify(made)
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', derived(key, salt), nonce)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return {
    modelwarden: 'sealed-canaries',
    version: 1,
    createdAt: made.createdAt,
    count: made.canaries.length,
    commitment: sha256Hex(text),
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    text: sealed.toString('base64'),
  }
}

export async function unseal(path: string, key: Uint8Array): Promise<{ plan: Plan; commitment: string; text: string }> {
  const raw = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} can't be read: ${describeError(cause)}.`)
  })
  const read = Sealed.safeParse(parsed(raw))
  if (!read.success) {
    throw new CliError(exitCodes.usage, 'SEALED_INVALID', `${path} is no file of sealed canaries.`, {
      hint: 'Make one with: modelwarden canary plan FILE --key env:NAME',
    })
  }
  const { salt, nonce, tag, text, commitment } = read.data
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      derived(key, Buffer.from(salt, 'base64')),
      Buffer.from(nonce, 'base64'),
      {
        authTagLength: 16,
      },
    )
    decipher.setAuthTag(Buffer.from(tag, 'base64'))
    const opened = Buffer.concat([decipher.update(Buffer.from(text, 'base64')), decipher.final()]).toString('utf8')
    if (sha256Hex(opened) !== commitment) throw new Error('its digest is another')
    return { plan: Plan.parse(JSON.parse(opened)), commitment, text: opened }
  } catch (cause) {
    throw new CliError(
      exitCodes.usage,
      'SEALED_UNOPENED',
      `${path} can't be opened: the key is another, or the file was changed.`,
      {
        cause,
      },
    )
  }
}

function derived(key: Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, 'modelwarden canaries', 32))
}

function secretsHere(): Secrets {
  return new Secrets({ env: process.env, folder: process.cwd(), redactor: new Redactor(), log: silentLog })
}

function refOf(text: string, setting: string): { env: string } | { file: string } {
  const found = /^(env|file):(.+)$/s.exec(text)
  if (found === null) {
    throw new CliError(
      exitCodes.usage,
      'SECRET_REFERENCE',
      `${setting} names where the secret stands, not the secret.`,
      {
        hint: 'Write env:NAME or file:PATH.',
      },
    )
  }
  return found[1] === 'env' ? { env: found[2]! } : { file: found[2]! }
}

export function secretOf(text: string, setting: string): string {
  const secrets = secretsHere()
  const value = secrets.read(refOf(text, setting), setting)
  secrets.settle()
  return value
}

export function keyOf(text: string): Uint8Array {
  const secrets = secretsHere()
  const key = secrets.readKey(refOf(text, '--key'), '--key')
  secrets.settle()
  return key
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
