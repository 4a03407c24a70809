/**
 * Reads the files with licenses and credentials, and turns them into decisions.
 *
 * Promises: every mistake has its place; a secret is named by where it stands, digested the moment it is read and kept
 * nowhere; a decision's id comes from its content, so that publishing the same files again changes nothing.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { bareSecret } from '../../engine/sources/mapping-context.ts'
import type { Decision } from '../../core/decision.ts'
import { ContentInvalidError, describeError, formatPlace, type Mistake } from '../../core/errors.ts'
import { canonicalDigest, credentialId, derivedId } from '../../core/ids.ts'
import type { Credential } from '../../core/license.ts'
import { parseYaml, schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { SecretRef } from '../../runtime/config/config-parts.ts'
import type { Log } from '../../runtime/log.ts'
import { Redactor } from '../../runtime/redact.ts'
import { Secrets } from '../../runtime/config/secrets.ts'
import { credentialForm, labelTellsSecret, LicenseForm, secretCharsMin } from './forms.ts'
import { fileAuthor } from './logic.ts'

const CredentialInFile = credentialForm(SecretRef)
const LicenseFile = z.strictObject({
  licenses: z.array(LicenseForm).default([]),
  credentials: z.array(CredentialInFile).default([]),
})

export interface LicenseFilesOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly hmacKey: Uint8Array
  readonly log: Log
  /** When the decisions are said to be made. */
  readonly at: string
}

/** All decisions that the files amount to; throws ContentInvalidError with every mistake in any of them. */
export function readLicenseFiles(paths: readonly string[], options: LicenseFilesOptions): readonly Decision[] {
  const mistakes: Mistake[] = []
  const decisions: Decision[] = []
  const firsts = new Map<string, string>()
  for (const path of paths) {
    const parsed = parseFile(path, mistakes)
    if (parsed === undefined) continue
    const file = LicenseFile.safeParse(parsed.value)
    if (!file.success) {
      mistakes.push(...schemaMistakes(parsed, file.error, 'LICENSE_FILE_INVALID'))
      continue
    }
    const once = (key: string, at: readonly (string | number)[]): boolean => {
      const place = formatPlace(parsed.place(at))
      const first = firsts.get(key)
      if (first === undefined) firsts.set(key, place)
      else
        mistakes.push({
          code: 'LICENSE_FILE_TWICE',
          message: `This stands already at ${first}.`,
          place: parsed.place(at),
        })
      return first === undefined
    }
    for (const [index, license] of file.data.licenses.entries()) {
      if (!once(`license/${license.id}`, ['licenses', index])) continue
      decisions.push({ ...signed('license.put', license.tenant, license, options), kind: 'license.put', license })
    }
    const secrets = new Secrets({ env: options.env, folder: dirname(path), redactor: new Redactor(), log: options.log })
    for (const [index, form] of file.data.credentials.entries()) {
      const at = ['credentials', index]
      const credential = credentialOf(form, { parsed, at, secrets, hmacKey: options.hmacKey, mistakes })
      if (credential === undefined || !once(`credential/${credential.id}`, at)) continue
      decisions.push({
        ...signed('credential.put', credential.tenant, credential, options),
        kind: 'credential.put',
        credential,
      })
    }
  }
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
  return decisions
}

function parseFile(path: string, mistakes: Mistake[]): ParsedYaml | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const hint = 'licensing.files names the files to read.'
    mistakes.push({ code: 'LICENSE_FILE_UNREADABLE', message: `${path}: ${describeError(cause)}`, hint })
    return undefined
  }
  const parsed = parseYaml({ path, text })
  mistakes.push(...parsed.mistakes)
  return parsed.mistakes.length > 0 ? undefined : parsed
}

interface Reading {
  readonly parsed: ParsedYaml
  readonly at: readonly (string | number)[]
  readonly secrets: Secrets
  readonly hmacKey: Uint8Array
  readonly mistakes: Mistake[]
}

function credentialOf(form: z.infer<typeof CredentialInFile>, reading: Reading): Credential | undefined {
  const { secret: ref, credentialId: known, ...rest } = form
  if (ref === undefined) return known === undefined ? undefined : { id: known, ...rest }
  const place = reading.parsed.place([...reading.at, 'secret'])
  const where = 'env' in ref ? `the environment variable ${ref.env}` : `the file ${ref.file}`
  const secret = bareSecret(reading.secrets.read(ref, formatPlace(place)))
  const problem =
    secret === ''
      ? `There is no secret in ${where}.`
      : secret.length < secretCharsMin
        ? `The secret in ${where} has fewer than ${secretCharsMin} characters.`
        : labelTellsSecret(form.label, secret)
          ? 'The label shows too much of the secret.'
          : undefined
  if (problem === undefined) return { id: credentialId(secret, reading.hmacKey), ...rest }
  reading.mistakes.push({ code: 'LICENSE_FILE_SECRET', message: problem, place })
  return undefined
}

function signed(kind: string, tenant: string, content: unknown, { at }: LicenseFilesOptions) {
  return { id: derivedId(kind, canonicalDigest(content)), at, by: fileAuthor, roles: ['admin'], tenant }
}
