/**
 * The content in force, as it stands on the bus: what stages ask when they start and when a control record names a digest.
 *
 * Fed by following `warden.content`; every process that runs a stage with content has one. Promises: bodies are checked
 * against their digests before anyone sees them; a bundle that is still on its way is waited for, up to a limit.
 */
import { z } from 'zod'
import { Bundle, type ContentFile } from '../../core/content.ts'
import type { ContentSet } from '../../core/control.ts'
import { formatMistake, WardenError, type Mistake } from '../../core/errors.ts'
import { sha256Hex } from '../../core/ids.ts'
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { bundleDigest } from './content-digest.ts'
import type { Log } from '../log.ts'
import type { Telemetry } from '../telemetry.ts'

export interface LoadedBundle {
  readonly bundle: Bundle
  readonly files: readonly ContentFile[]
}

/** Mistakes that a stage, or the publisher, found in a version of a set. */
export interface ContentReport {
  readonly set: ContentSet
  readonly by: Reporter
  readonly digest: string
  readonly mistakes: readonly Mistake[]
}

/** `publisher`: an edit that was not published. `stage`: what stands on the bus, and this stage can't use. */
export type Reporter = 'stage' | 'publisher'

export interface ContentReader {
  /** Digest of the bundle in force; undefined before the first one was published. */
  current(set: ContentSet): string | undefined
  /** The bundle with its files. Rejects with ContentMissingError where it has not arrived after `bundleWaitMsMax`. */
  bundle(digest: string): Promise<LoadedBundle>
  /** The digest in force, as soon as there is one. Rejects with the signal's reason when that aborts first. */
  waitForCurrent(set: ContentSet, signal: AbortSignal): Promise<string>
  /** A bundle can't be used; an empty list takes the same reporter's older report of the set back. Shown and counted. */
  reportMistakes(set: ContentSet, digest: string, mistakes: readonly Mistake[], by?: Reporter): void
  /** What is wrong now, set by set. */
  mistakes(): readonly ContentReport[]
}

/** A version of a set that was published at some time. */
export interface ContentVersion {
  readonly set: ContentSet
  readonly digest: string
  readonly files: number
  /** When it was first published, as far as the topic still tells. */
  readonly publishedMs: number
}

/** Somebody went back to an earlier version. */
export const Rollback = z.strictObject({
  set: Bundle.shape.set,
  from: z.string(),
  to: z.string(),
  by: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
})
export type Rollback = z.infer<typeof Rollback>

/** What was in force before, and what became of it. */
export interface ContentHistory {
  /** Newest first. */
  versions(): readonly ContentVersion[]
  /** Newest first. */
  rollbacks(): readonly Rollback[]
  /** The version that was gone back from: watchers of folders don't bring it in again. */
  held(set: ContentSet): string | undefined
}

/** A bundle that the log speaks of did not arrive on `warden.content`. Retried: it may be on its way. */
export class ContentMissingError extends WardenError {
  override readonly code = 'CONTENT_MISSING'
  override readonly retryable = true
}

const bundleWaitMsMax = 30_000

/** Keys on `warden.content`. */
export const contentKeys = {
  file: (sha256: string): string => `file/${sha256}`,
  bundle: (set: ContentSet, digest: string): string => `bundle/${set}/${digest}`,
  current: (set: ContentSet): string => `current/${set}`,
  rollback: (set: ContentSet, at: string): string => `rollback/${set}/${at}`,
  /** Which key this installation has (installation-key.ts). */
  hmacKey: 'hmac-key',
} as const

const Current = z.strictObject({ digest: z.string(), held: z.string().optional() })

const KeyRecord = z.strictObject({ fingerprint: z.string().regex(/^[0-9a-f]{16}$/) })

export interface FollowedContent extends ContentReader, ContentHistory {
  /** Of the installation's hmacKey; undefined before the first publisher has said so. */
  keyFingerprint(): string | undefined
  /** Called with that, now and whenever somebody says it anew. */
  onKeyFingerprint(listener: (fingerprint: string) => void): void
  stop(): Promise<void>
}

/** Follows `warden.content`; resolves once all that was there has been read. */
export async function followContent(bus: Bus, log: Log, telemetry: Telemetry): Promise<FollowedContent> {
  const reader = new ContentOnBus(log, telemetry)
  const following = await bus.follow(topics.content, (batch) => reader.apply(batch))
  return Object.assign(reader, { stop: () => following.stop() })
}

/** The reader without the bus: `apply` is given what stands on the topic. */
export class ContentOnBus implements ContentReader, ContentHistory {
  readonly #log: Log
  readonly #telemetry: Telemetry
  readonly #bundleWaitMs: number
  readonly #files = new Map<string, string>()
  readonly #bundles = new Map<string, Bundle>()
  readonly #current = new Map<ContentSet, string>()
  readonly #held = new Map<ContentSet, string>()
  readonly #publishedMs = new Map<string, number>()
  readonly #rollbacks = new Map<string, Rollback>()
  readonly #reports = new Map<string, ContentReport>()
  readonly #waiting = new Set<() => void>()
  #keyFingerprint: string | undefined
  readonly #keyListeners: ((fingerprint: string) => void)[] = []

  constructor(log: Log, telemetry: Telemetry, bundleWaitMs: number = bundleWaitMsMax) {
    this.#log = log
    this.#telemetry = telemetry
    this.#bundleWaitMs = bundleWaitMs
  }

  apply(batch: readonly BusRecord[]): void {
    for (const record of batch) {
      if (record.key === undefined || record.key === '') continue
      try {
        this.#applyRecord(record.key, record.value, record.appendedMs)
      } catch (cause) {
        this.#log.warn('A record on the content topic makes no sense and was passed over', {
          key: record.key,
          offset: record.offset,
          error: cause,
        })
      }
    }
    for (const wake of [...this.#waiting]) wake()
  }

  current(set: ContentSet): string | undefined {
    return this.#current.get(set)
  }

  async bundle(digest: string): Promise<LoadedBundle> {
    const deadline = AbortSignal.timeout(this.#bundleWaitMs)
    try {
      return await this.#until(() => this.#load(digest), deadline)
    } catch (cause) {
      if (!deadline.aborted) throw cause
      throw new ContentMissingError(`The content with digest ${digest} has not arrived on ${topics.content}.`, {
        hint: 'Publish it again with: modelwarden content publish',
      })
    }
  }

  waitForCurrent(set: ContentSet, signal: AbortSignal): Promise<string> {
    return this.#until(() => this.#current.get(set), signal)
  }

  reportMistakes(set: ContentSet, digest: string, mistakes: readonly Mistake[], by: Reporter = 'stage'): void {
    const key = `${by}/${set}`
    const before = this.#reports.get(key)
    this.#telemetry.gauge('content_mistakes', { set, by }, mistakes.length)
    if (mistakes.length === 0) {
      if (before !== undefined) this.#log.info('The content has no mistakes any more', { set, digest })
      this.#reports.delete(key)
      return
    }
    this.#reports.set(key, { set, by, digest, mistakes })
    // Each partition of a stage reports the same: one line is enough.
    if (before?.digest === digest && before.mistakes.length === mistakes.length) return
    const until = this.#current.has(set)
      ? 'what was in force before stays in force'
      : 'none is in force until they are mended'
    this.#log.error(`Content has mistakes: ${until}`, {
      set,
      digest,
      mistakes: mistakes.map(formatMistake),
    })
  }

  mistakes(): readonly ContentReport[] {
    return [...this.#reports.values()]
  }

  versions(): readonly ContentVersion[] {
    const all = [...this.#bundles.values()].map(({ set, digest, files }) => {
      return { set, digest, files: files.length, publishedMs: this.#publishedMs.get(digest) ?? 0 }
    })
    return all.sort((a, b) => b.publishedMs - a.publishedMs)
  }

  rollbacks(): readonly Rollback[] {
    return [...this.#rollbacks.values()].sort((a, b) => (a.at < b.at ? 1 : -1))
  }

  held(set: ContentSet): string | undefined {
    return this.#held.get(set)
  }

  keyFingerprint(): string | undefined {
    return this.#keyFingerprint
  }

  onKeyFingerprint(listener: (fingerprint: string) => void): void {
    this.#keyListeners.push(listener)
    if (this.#keyFingerprint !== undefined) listener(this.#keyFingerprint)
  }

  #applyRecord(key: string, value: Buffer | null, appendedMs: number): void {
    const [kind, second = '', third = ''] = key.split('/')
    const text = value?.toString('utf8')
    if (kind === 'file') {
      if (text === undefined) this.#files.delete(second)
      else if (sha256Hex(text) === second) this.#files.set(second, text)
      else throw new Error('The file’s text does not have the digest that its key says.')
    } else if (kind === 'bundle') {
      if (text === undefined) this.#bundles.delete(third)
      else {
        this.#bundles.set(third, checkedBundle(third, text))
        if (!this.#publishedMs.has(third)) this.#publishedMs.set(third, appendedMs)
      }
    } else if (kind === 'current') {
      const set = Bundle.shape.set.parse(second)
      const { digest, held }: Partial<z.infer<typeof Current>> =
        text === undefined ? {} : Current.parse(JSON.parse(text))
      if (digest === undefined) this.#current.delete(set)
      else this.#current.set(set, digest)
      if (held === undefined) this.#held.delete(set)
      else this.#held.set(set, held)
    } else if (kind === 'rollback') {
      if (text === undefined) this.#rollbacks.delete(key)
      else this.#rollbacks.set(key, Rollback.parse(JSON.parse(text)))
    } else if (kind === contentKeys.hmacKey && text !== undefined) {
      const { fingerprint } = KeyRecord.parse(JSON.parse(text))
      this.#keyFingerprint = fingerprint
      for (const listener of this.#keyListeners) listener(fingerprint)
    }
  }

  #load(digest: string): LoadedBundle | undefined {
    const bundle = this.#bundles.get(digest)
    if (bundle === undefined) return undefined
    const files: ContentFile[] = []
    for (const { path, sha256 } of bundle.files) {
      const text = this.#files.get(sha256)
      if (text === undefined) return undefined
      files.push({ path, text })
    }
    return { bundle, files }
  }

  /** Looks again whenever something has arrived. */
  #until<T>(look: () => T | undefined, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(check)
        signal.removeEventListener('abort', abort)
      }
      const check = (): void => {
        const found = look()
        if (found === undefined) return
        end()
        resolve(found)
      }
      const abort = (): void => {
        end()
        reject(signal.reason as Error)
      }
      if (signal.aborted) {
        abort()
        return
      }
      this.#waiting.add(check)
      signal.addEventListener('abort', abort, { once: true })
      check()
    })
  }
}

function checkedBundle(digest: string, text: string): Bundle {
  const bundle = Bundle.parse(JSON.parse(text))
  if (bundle.digest !== digest || bundleDigest(bundle.set, bundle.files) !== digest) {
    throw new Error('The bundle’s files do not have the digest that its key says.')
  }
  return bundle
}
