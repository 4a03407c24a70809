/**
 * Masks what looks like a secret in text that was never parsed, or is about to be shown.
 *
 * Pure; linear time (every pattern is free of nested repetition). A net under the declared sensitive fields, not a
 * replacement for them.
 */

const mask = '[masked]'

/** Values behind names that always mean a secret, in JSON, query strings, headers and assignments. */
const named =
  /((?:api[_-]?key|apikey|authorization|auth[_-]?token|access[_-]?token|refresh[_-]?token|session[_-]?token|secret(?:[_-]?access)?[_-]?key|client[_-]?secret|password|passwd|secret|private[_-]?key)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?)((?:bearer|basic)\s)?([^\s"'\\,;&}\]]{3,4096})/gi

const shaped: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,200}/g,
  /\b(?:ghp|gho|ghs|ghu|github_pat)_[A-Za-z0-9_]{20,255}/g,
  /\bxox[abposr]-[A-Za-z0-9-]{10,200}/g,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,4096}/gi,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,16384}-----END [A-Z ]{0,40}PRIVATE KEY-----/g,
  /(?<=:\/\/[^\s:/@]{1,200}:)[^\s:/@]{1,200}(?=@)/g,
]

/**
 * A JWT; without its last two parts it is none. What only begins like one is taken in whole all the same, so that a long
 * run of beginnings is read once and not once from each of them.
 */
const token = /\beyJ[A-Za-z0-9_-]{10,4096}(\.[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{0,4096})?/g

/** The text with secrets replaced by `[masked]`; credential digests (`hmac-…`) stay. */
export function maskSecrets(text: string): string {
  let masked = text.replace(named, (whole, name: string, scheme: string | undefined, value: string) =>
    value.startsWith('hmac-') || value.startsWith(mask) ? whole : `${name}${scheme ?? ''}${mask}`,
  )
  masked = masked.replace(token, (whole, rest: string | undefined) => (rest === undefined ? whole : mask))
  for (const pattern of shaped) masked = masked.replace(pattern, mask)
  return masked
}
