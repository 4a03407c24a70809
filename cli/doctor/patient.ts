/** The installation that the doctor looks at. */
import type { LoadedConfig } from '../../runtime/config/config-load.ts'
import type { Redactor } from '../../runtime/redact.ts'
import type { Secrets } from '../../runtime/config/secrets.ts'

/** What a look has to go by. */
export interface Patient {
  readonly loaded: LoadedConfig
  readonly dataFolder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly redactor: Redactor
  /** For one look: a secret that is missing fails that look alone. */
  secrets(): Secrets
}
