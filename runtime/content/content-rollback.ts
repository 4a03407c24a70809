/**
 * Brings an earlier version of a content set back into force, by its digest.
 *
 * Every version that was ever published stands on `warden.content`; going back to one is a control record into the logs that
 * follow the set, as with a new one. Promises: a version that this program can't compile is refused before anything is told to
 * anybody; it is on record who did it, when, why, and from what; the version that was gone
 * back from is held: the publisher that watches the folders does not bring it in again, until the files are edited or a
 * person publishes them; done twice, it changes nothing.
 */
import type { ContentSet } from '../../core/control.ts'
import { ContentInvalidError, WardenError } from '../../core/errors.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { tellFollowers, type ContentChecks } from './content-publisher.ts'
import { contentKeys, type ContentHistory, type ContentReader, type Rollback } from './content-reader.ts'

/** The digest names no version to go back to. */
export class RollbackInvalidError extends WardenError {
  override readonly code = 'ROLLBACK_INVALID'
  override readonly retryable = false
}

export interface RollbackRequest {
  /** The digest, or its beginning. */
  readonly digest: string
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

const prefixCharsMin = 8

/** `checks`: the compilers of today, which an old version may not please. */
export async function rollBack(
  {
    bus,
    content,
    checks,
  }: { readonly bus: Bus; readonly content: ContentReader & ContentHistory; readonly checks: ContentChecks },
  { digest: wanted, by, reason, atMs }: RollbackRequest,
): Promise<Rollback> {
  const { set, digest } = versionNamed(content, wanted)
  const from = content.current(set)
  if (from === undefined || from === digest) {
    throw new RollbackInvalidError(`The ${set} with the digest ${digest} are in force already.`)
  }
  // All of its files must be there, be what their digests say, and compile.
  const { files } = await content.bundle(digest)
  const mistakes = checks[set](files)
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
  const rollback: Rollback = { set, from, to: digest, by, reason, at: new Date(atMs).toISOString() }
  const topic = topics.content
  const record = { topic, key: contentKeys.rollback(set, rollback.at), value: JSON.stringify(rollback) }
  // On record before it takes effect.
  await bus.publish([record])
  await tellFollowers(bus, set, digest)
  await bus.publish([{ topic, key: contentKeys.current(set), value: JSON.stringify({ digest, held: from }) }])
  return rollback
}

function versionNamed(content: ContentHistory, wanted: string): { readonly set: ContentSet; readonly digest: string } {
  const found = content.versions().filter(({ digest }) => digest.startsWith(wanted.toLowerCase()))
  const [only, second] = found
  const hint = 'See: modelwarden content history'
  if (wanted.length < prefixCharsMin) {
    throw new RollbackInvalidError(`At least ${prefixCharsMin} characters of a digest are needed.`, { hint })
  }
  if (only === undefined) {
    throw new RollbackInvalidError(`No version with the digest ${JSON.stringify(wanted.slice(0, 80))} was published.`, {
      hint,
    })
  }
  if (second !== undefined) throw new RollbackInvalidError(`More than one digest begins with ${wanted}.`, { hint })
  return only
}
