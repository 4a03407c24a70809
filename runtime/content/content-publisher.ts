/**
 * Brings folders of rules, playbooks and sources into force everywhere, over the bus.
 *
 * Runs in whichever process publishes (`up`, `run schedule`, `content publish`). Order: file bodies, the bundle, a control
 * record into every partition of the topics whose stage follows the set, then `current/<set>`: a publisher that dies in
 * between does it again, and nothing refers to what has not been published.
 *
 * Promises: only what compiles is published; a broken edit changes nothing and is reported with file, line and column; the
 * same files published twice, or by two processes, change nothing; an edit is seen within `pollMs` even where the file
 * system tells nothing of changes.
 */
import { watch, type FSWatcher } from 'node:fs'
import type { ContentFile } from '../../core/content.ts'
import type { Control, ContentSet } from '../../core/control.ts'
import type { Mistake } from '../../core/errors.ts'
import { sha256Hex } from '../../core/ids.ts'
import type { Bus, OutgoingRecord } from '../../core/ports/bus.ts'
import { headers, topics, type TopicName } from '../../core/topics.ts'
import { bundleOf } from './content-digest.ts'
import { foldersSignature, loadFolders } from './content-files.ts'
import { contentKeys, type ContentHistory, type ContentReader } from './content-reader.ts'
import type { Log } from '../log.ts'
import type { Telemetry } from '../telemetry.ts'

export const contentSets: readonly ContentSet[] = ['sources', 'rules', 'playbooks', 'inventory']

/** The topics whose stages follow a set: each of their partitions is told when it changes. */
const followers: Readonly<Record<ContentSet, readonly TopicName[]>> = {
  sources: [topics.audit, topics.inference],
  rules: [topics.events, topics.observations],
  playbooks: [topics.effects],
  inventory: [topics.events, topics.observations],
}

export type ContentFolders = Readonly<Record<ContentSet, readonly string[]>>

/** What is wrong with these files; the composition root hands in the engines' compilers. */
export type ContentChecks = Readonly<Record<ContentSet, (files: readonly ContentFile[]) => readonly Mistake[]>>

export interface CheckedContent {
  readonly set: ContentSet
  readonly digest: string
  readonly files: readonly ContentFile[]
  /** With the files' places on this machine. */
  readonly mistakes: readonly Mistake[]
}

export interface Published {
  readonly set: ContentSet
  readonly digest: string
  readonly files: number
  /**
   * `published`: in force from now on. `unchanged`: it was already. `refused`: it has mistakes. `held`: somebody went back from
   * it to an earlier version.
   */
  readonly outcome: 'published' | 'unchanged' | 'refused' | 'held'
  readonly mistakes: readonly Mistake[]
}

export interface PublisherOptions {
  readonly bus: Bus
  readonly content: ContentReader & Pick<ContentHistory, 'held'>
  readonly folders: ContentFolders
  readonly checks: ContentChecks
  readonly log: Log
  readonly telemetry: Telemetry
}

const settleMs = 100
const pollMs = 1_000

/** Loads a set's folders and checks it, without publishing. */
export async function checkContent(
  set: ContentSet,
  folders: ContentFolders,
  checks: ContentChecks,
): Promise<CheckedContent> {
  const { files, origins, mistakes } = await loadFolders(folders[set])
  const found = checks[set](files).map((mistake) => {
    const origin = mistake.place === undefined ? undefined : origins.get(mistake.place.file)
    return origin === undefined ? mistake : { ...mistake, place: { ...mistake.place!, file: origin } }
  })
  return { set, digest: bundleOf(set, files).digest, files, mistakes: [...mistakes, ...found] }
}

export class ContentPublisher {
  readonly #options: PublisherOptions
  readonly #watched = new Map<ContentSet, WatchedSet>()
  readonly #sent = new Map<ContentSet, string>()

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Publishes every set that has no mistakes and is not in force already. `evenHeld`: also what was gone back from. */
  async publishAll(evenHeld = false): Promise<readonly Published[]> {
    const results: Published[] = []
    for (const set of contentSets) results.push(await this.publish(set, evenHeld))
    return results
  }

  async publish(set: ContentSet, evenHeld = false): Promise<Published> {
    const { content, log, folders, checks } = this.#options
    const checked = await checkContent(set, folders, checks)
    const { digest, mistakes } = checked
    content.reportMistakes(set, digest, mistakes, 'publisher')
    const result = { set, digest, files: checked.files.length, mistakes }
    if (mistakes.length > 0) return { ...result, outcome: 'refused' }
    if (!evenHeld && content.held(set) === digest) return { ...result, outcome: 'held' }
    if (this.#inForce(set) === digest) return { ...result, outcome: 'unchanged' }
    await this.#send(checked)
    this.#sent.set(set, digest)
    log.info('Content is in force', { set, digest, files: checked.files.length })
    this.#options.telemetry.count('content_published', { set })
    return { ...result, outcome: 'published' }
  }

  /** From now on edits take effect by themselves. */
  watch(): void {
    for (const set of contentSets) {
      this.#watched.set(set, new WatchedSet(set, this.#options, () => this.publish(set)))
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#watched.values()].map((each) => each.stop()))
    this.#watched.clear()
  }

  /** What the reader says, or what we have sent and it has not read yet. */
  #inForce(set: ContentSet): string | undefined {
    const current = this.#options.content.current(set)
    const sent = this.#sent.get(set)
    if (sent === current) this.#sent.delete(set)
    return sent ?? current
  }

  async #send(checked: CheckedContent): Promise<void> {
    const { bus } = this.#options
    const { set, digest, files } = checked
    const bundle = bundleOf(set, files)
    const bodies = new Map(files.map(({ text }) => [sha256Hex(text), text]))
    const topic = topics.content
    await bus.publish([...bodies].map(([sha256, text]) => ({ topic, key: contentKeys.file(sha256), value: text })))
    await bus.publish([{ topic, key: contentKeys.bundle(set, digest), value: JSON.stringify(bundle) }])
    await tellFollowers(bus, set, digest)
    await bus.publish([{ topic, key: contentKeys.current(set), value: JSON.stringify({ digest }) }])
  }
}

/** Writes into every log that follows a set that another version is in force from here on. */
export async function tellFollowers(bus: Bus, set: ContentSet, digest: string): Promise<void> {
  const control: Control = { control: 'content', set, digest }
  const told: OutgoingRecord[] = []
  for (const follower of followers[set]) {
    for (let partition = 0; partition < (await bus.partitionCount(follower)); partition++) {
      const value = JSON.stringify(control)
      told.push({ topic: follower, partition, value, headers: { [headers.control]: 'content' } })
    }
  }
  await bus.publish(told)
}

/** The folders of one set, watched by the file system's own notices and by looking. */
class WatchedSet {
  readonly #set: ContentSet
  readonly #options: PublisherOptions
  readonly #publish: () => Promise<unknown>
  readonly #watchers: FSWatcher[] = []
  readonly #poll: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  #signature: string | undefined
  #running: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(set: ContentSet, options: PublisherOptions, publish: () => Promise<unknown>) {
    this.#set = set
    this.#options = options
    this.#publish = publish
    for (const folder of options.folders[set]) this.#listen(folder)
    // Network file systems, and changes while no watcher stood, are only seen by looking.
    this.#poll = setInterval(() => this.#look(), pollMs)
    this.#look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#poll)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers) watcher.close()
    await this.#running
  }

  #listen(folder: string): void {
    try {
      const watcher = watch(folder, { recursive: true, persistent: false }, () => {
        clearTimeout(this.#settling)
        this.#settling = setTimeout(() => this.#look(), settleMs)
      })
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // The poll sees the folder when it is there.
    }
  }

  #look(): void {
    if (this.#stopped) return
    this.#again = this.#running !== undefined
    if (this.#again) return
    this.#running = this.#publishIfChanged().finally(() => {
      this.#running = undefined
      if (this.#again) this.#look()
    })
  }

  async #publishIfChanged(): Promise<void> {
    const { folders, log } = this.#options
    try {
      const signature = await foldersSignature(folders[this.#set])
      if (signature === this.#signature) return
      await this.#publish()
      this.#signature = signature
    } catch (error) {
      log.warn('Content could not be published now; trying again', { set: this.#set, error })
    }
  }
}
