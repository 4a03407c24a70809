/** The key of credentials' digests and of what our processes seal: the configured one, or that of the data folder. */
import { join } from 'node:path'
import type { Config } from '../runtime/config/config.ts'
import type { Redactor } from '../runtime/redact.ts'
import { generatedSecret, type Secrets } from '../runtime/config/secrets.ts'

export function readHmacKey(config: Config, dataFolder: string, secrets: Secrets, redactor: Redactor): Uint8Array {
  if (config.hmacKey !== undefined) return secrets.readKey(config.hmacKey, 'hmacKey')
  return Buffer.from(generatedSecret(join(dataFolder, 'hmac-key'), redactor), 'hex')
}
