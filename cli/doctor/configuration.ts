/** Whether the secrets that the configuration names are there. The values are looked at and never kept. */
import { counted } from '../../core/counted.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { ConfigInvalidError } from '../../core/errors.ts'
import { SecretRef } from '../../runtime/config/config-parts.ts'
import { silentLog, type Log } from '../../runtime/log.ts'
import { Secrets } from '../../runtime/config/secrets.ts'
import type { Patient } from './patient.ts'

export async function lookAtSecrets({ loaded, env, redactor }: Patient): Promise<readonly Diagnosis[]> {
  const open: string[] = []
  const log: Log = { ...silentLog, warn: (_, fields) => void open.push(String(fields?.['file'])) }
  const secrets = new Secrets({ env, folder: loaded.folder, redactor, log })
  const refs = secretRefs(loaded.config)
  for (const [setting, ref] of refs) {
    if (setting === 'hmacKey') secrets.readKey(ref, setting)
    else secrets.read(ref, setting)
  }
  const found = open.map((file): Diagnosis => {
    const says = `${file} can be read by every user of this machine.`
    return { name: 'secrets', state: 'warn', says, do: `chmod 600 ${file}` }
  })
  try {
    secrets.settle()
    return [
      {
        name: 'secrets',
        state: 'ok',
        says: `${counted(refs.length, 'secret is named, and is there', 'secrets are named, and are there')}.`,
      },
      ...found,
    ]
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    const missing = error.mistakes.map(({ message, hint }): Diagnosis => {
      return { name: 'secrets', state: 'fail', says: message, ...(hint === undefined ? {} : { do: hint }) }
    })
    return [...missing, ...found]
  }
}

/** Every secret that is named in it, with the setting that names it. */
export function secretRefs(value: unknown, path = ''): readonly (readonly [string, SecretRef])[] {
  if (typeof value !== 'object' || value === null) return []
  const ref = SecretRef.safeParse(value)
  if (ref.success) return [[path, ref.data]]
  return Object.entries(value).flatMap(([key, inner]) => secretRefs(inner, path === '' ? key : `${path}.${key}`))
}
