/**
 * One `hmacKey` for an installation: its fingerprint stands on the content topic, and who has another key is told.
 *
 * With another key a process gives credentials other ids than the rest, so nothing that is known of them would be found, and its
 * control records are nobody's. Whoever publishes content writes the fingerprint. Promises: a process with another key does not
 * start, unless its configuration says that this is the key's successor; one that runs already says so as an error.
 */
import { hkdfSync } from 'node:crypto'
import { WardenError } from '../core/errors.ts'
import type { Bus } from '../core/ports/bus.ts'
import { topics } from '../core/topics.ts'
import { contentKeys, type FollowedContent } from './content/content-reader.ts'
import type { Log } from './log.ts'

/** This process has another `hmacKey` than those that it would work with. */
export class HmacKeyDiffersError extends WardenError {
  override readonly code = 'HMAC_KEY_DIFFERS'
  override readonly retryable = false
}

/** 16 hex digits that name a key and tell nothing of it (HKDF-SHA-256, RFC 5869). */
export function keyFingerprint(hmacKey: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', hmacKey, '', 'modelwarden key fingerprint', 8)).toString('hex')
}

export interface KeyHolder {
  readonly bus: Pick<Bus, 'publish'>
  readonly content: Pick<FollowedContent, 'keyFingerprint' | 'onKeyFingerprint'>
  readonly hmacKey: Uint8Array
  /** Fingerprint of the key that ours has been put in the place of. */
  readonly replaces: string | undefined
  /** Whether this process publishes content, and so may write the fingerprint. */
  readonly publishes: boolean
  readonly log: Log
}

/** Throws HmacKeyDiffersError where the installation has another key; from then on, says so when it gets one. */
export async function agreeOnKey({ bus, content, hmacKey, replaces, publishes, log }: KeyHolder): Promise<void> {
  const own = keyFingerprint(hmacKey)
  const known = content.keyFingerprint()
  const differs = known !== undefined && known !== own
  if (differs && known !== replaces) {
    const message = `hmacKey is another (${own}) than that of this installation (${known}): credentials would get other ids.`
    const hint = `Give it the key of the other processes, or of your backup. Where the old key is gone for good: hmacKeyReplaces: "${known}" (docs/operations.md, Another hmacKey).`
    throw new HmacKeyDiffersError(message, { hint })
  }
  if (publishes && known !== own) {
    const value = JSON.stringify({ fingerprint: own })
    await bus.publish([{ topic: topics.content, key: contentKeys.hmacKey, value }])
  }
  content.onKeyFingerprint((told) => {
    if (told === own || told === replaces) return
    log.error('Another process of this installation has another hmacKey: credentials get other ids there, and what it publishes is refused here', { ours: own, theirs: told }) // prettier-ignore
  })
}
