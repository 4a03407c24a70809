/**
 * Which content is in force for one task, and putting more in force.
 *
 * Stands between a task (stage-task.ts), its logic and the content reader. Promises: a set with mistakes leaves what was in
 * force, and its mistakes are reported.
 */
import type { ContentSet } from '../core/control.ts'
import type { ServiceContext } from './service.ts'
import type { Outcome, StageLogic } from './stage.ts'

export type ContentDigests = Partial<Record<ContentSet, string>>

export class TaskContent {
  readonly #content: ServiceContext['content']
  readonly #logic: StageLogic
  readonly #sets: readonly ContentSet[]
  readonly #digests: ContentDigests

  /** `sets`: those that the stage follows. `digests`: what was in force at the last checkpoint. */
  constructor(
    content: ServiceContext['content'],
    logic: StageLogic,
    sets: readonly ContentSet[],
    digests: ContentDigests,
  ) {
    this.#content = content
    this.#logic = logic
    this.#sets = sets
    this.#digests = { ...digests }
  }

  get digests(): ContentDigests {
    return { ...this.#digests }
  }

  /** Puts what the checkpoint names, or else today's, in force. */
  async start(out: Outcome, signal: AbortSignal): Promise<void> {
    for (const set of this.#sets) {
      await this.apply(set, this.#digests[set] ?? (await this.#content.waitForCurrent(set, signal)), out)
    }
  }

  /** Whether a set that the log names is another than the one in force, of those that the stage follows. */
  isNews(set: ContentSet, digest: string): boolean {
    return this.#sets.includes(set) && this.#digests[set] !== digest
  }

  /** From here on this version is in force. */
  async apply(set: ContentSet, digest: string, out: Outcome): Promise<void> {
    const { bundle, files } = await this.#content.bundle(digest)
    const mistakes = this.#logic.content?.(set, bundle, files, out) ?? []
    this.#content.reportMistakes(set, digest, mistakes)
    if (mistakes.length === 0) this.#digests[set] = digest
  }
}
