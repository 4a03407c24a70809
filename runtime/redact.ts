/**
 * Takes secrets out of what is about to be logged.
 *
 * Stands where log lines are built. Promises: fields whose name says "secret" are replaced, values that this process has
 * resolved from its configuration never appear, nor do tokens of well-known forms; depth, width and length are bounded;
 * never throws, whatever the value (cycles, getters that throw, hostile keys).
 */
import { WardenError, formatPlace } from '../core/errors.ts'

const replacement = '[redacted]'
const depthMax = 6
const itemsMax = 100
const charsMax = 8_192
/** Shorter values would also mask ordinary words. */
const secretCharsMin = 8

const secretName =
  /^(?:.*[-_.])?(?:authorization|proxy-authorization|cookie|set-cookie|passwd|password|passphrase|secret|token|api-?key|apikey|private-?key|secret-?key|access-?key|hmac-?key|session-?token|client-?secret|webhook-?url|credentials?)$/
/** Bearer and basic values, AWS keys, Slack, GitHub and model providers' tokens, JWTs, PEM blocks, credentials in URLs. */
const secretForms =
  /\b(?:bearer|basic)\s+[a-z0-9+/=._~-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[abeoprs]-[A-Za-z0-9-]{8,}|\bgh[opsur]_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{16,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]{0,8192}(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?|(?<=:\/\/)[^\s/:@]{1,128}:[^\s/@]{1,256}(?=@)/gi

/** Knows the secrets of this process, so that it can keep them out of sight. */
export class Redactor {
  readonly #known = new Set<string>()

  /** From now on this value is masked wherever it appears. */
  remember(secret: string): void {
    if (secret.length >= secretCharsMin) this.#known.add(secret)
  }

  text(text: string): string {
    let masked = text.length > charsMax ? `${text.slice(0, charsMax)}… (${text.length} characters)` : text
    for (const secret of this.#known) if (masked.includes(secret)) masked = masked.replaceAll(secret, replacement)
    return masked.replace(secretForms, replacement)
  }

  fields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return this.#object(fields, 0)
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'bigint') return value.toString()
    if (typeof value === 'function' || typeof value === 'symbol') return undefined
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Error) return this.#error(value, depth)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
    if (depth >= depthMax) return '[deeper]'
    if (Array.isArray(value)) {
      const items = value.slice(0, itemsMax).map((item) => this.#value(item, depth + 1))
      return value.length > itemsMax ? [...items, `… ${value.length - itemsMax} more`] : items
    }
    if (value instanceof Map) return this.#object(Object.fromEntries(value as Map<string, unknown>), depth + 1)
    if (value instanceof Set) return this.#value([...value], depth + 1)
    return this.#object(value, depth + 1)
  }

  #object(value: object, depth: number): Record<string, unknown> {
    const masked: Record<string, unknown> = {}
    let names: string[]
    try {
      names = Object.keys(value)
    } catch {
      return masked
    }
    for (const name of names.slice(0, itemsMax)) {
      // A line must not gain a prototype from a hostile record.
      if (name === '__proto__') continue
      try {
        masked[this.text(name)] = isSecretName(name)
          ? maskedField((value as Record<string, unknown>)[name])
          : this.#value((value as Record<string, unknown>)[name], depth)
      } catch {
        masked[name] = '[unreadable]'
      }
    }
    return masked
  }

  #error(error: Error, depth: number): Record<string, unknown> {
    const warden = error instanceof WardenError ? error : undefined
    const code = (error as { code?: unknown }).code
    return {
      name: error.name,
      ...(typeof code === 'string' ? { code } : {}),
      message: this.text(error.message),
      ...(warden?.hint === undefined ? {} : { hint: this.text(warden.hint) }),
      ...(warden?.place === undefined ? {} : { place: formatPlace(warden.place) }),
      // What was raised on purpose says enough; a bug needs its stack.
      ...(warden === undefined && error.stack !== undefined ? { stack: this.text(error.stack) } : {}),
      ...(error.cause === undefined || depth >= depthMax ? {} : { cause: this.#value(error.cause, depth + 1) }),
    }
  }
}

function isSecretName(name: string): boolean {
  return secretName.test(name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase())
}

/** A flag or a count under such a name is no secret (`tokens: 3` is not matched at all, `token: true` is harmless). */
function maskedField(value: unknown): unknown {
  return typeof value === 'boolean' || value === undefined || value === null ? value : replacement
}
