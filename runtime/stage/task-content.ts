/**
 * Which content is in force for one task, and putting more in force.
 *
 * Stands between a task (stage-task.ts), its logic and the content reader. Promises: a set with mistakes leaves what was in
 * force, and its mistakes are reported; it is tried again when the task is taken up again, which a newer program may do.
 */
import type { ContentSet } from '../../core/control.ts'
import type { TaskMeta } from './checkpoints.ts'
import type { ServiceContext } from '../service.ts'
import type { Outcome, StageLogic } from './stage.ts'

export type ContentDigests = Partial<Record<ContentSet, string>>

export class TaskContent {
  readonly #content: ServiceContext['content']
  readonly #logic: StageLogic
  readonly #sets: readonly ContentSet[]
  readonly #digests: ContentDigests
  /** What the log has named since, and the logic did not take. */
  readonly #refused: Map<string, string>

  /** `sets`: those that the stage follows. `saved`: what was in force, and refused, at the last checkpoint. */
  constructor(
    content: ServiceContext['content'],
    logic: StageLogic,
    sets: readonly ContentSet[],
    saved: Partial<Pick<TaskMeta, 'content' | 'refused'>> = {},
  ) {
    this.#content = content
    this.#logic = logic
    this.#sets = sets
    this.#digests = { ...saved.content }
    this.#refused = new Map(Object.entries(saved.refused ?? {}))
  }

  get digests(): ContentDigests {
    return { ...this.#digests }
  }

  save(): Pick<TaskMeta, 'content' | 'refused'> {
    const content = this.digests
    return this.#refused.size === 0 ? { content } : { content, refused: Object.fromEntries(this.#refused) }
  }

  /** Puts what the checkpoint names in force, or else today's: also where a newer program has left what this one can't read. */
  async start(out: Outcome, signal: AbortSignal): Promise<void> {
    for (const set of this.#sets) {
      const [known, refused] = [this.#digests[set], this.#refused.get(set)]
      let taken = await this.apply(set, known ?? (await this.#content.waitForCurrent(set, signal)), out)
      if (known === undefined) continue
      if (refused !== undefined) taken = (await this.apply(set, refused, out)) || taken
      const today = taken ? undefined : this.#content.current(set)
      if (today !== undefined) await this.apply(set, today, out)
    }
  }

  /** Whether a set that the log names is another than the one named last, of those that the stage follows. */
  isNews(set: ContentSet, digest: string): boolean {
    return this.#sets.includes(set) && (this.#digests[set] !== digest || this.#refused.has(set))
  }

  /** From here on this version is in force; false: it has mistakes. */
  async apply(set: ContentSet, digest: string, out: Outcome): Promise<boolean> {
    const { bundle, files } = await this.#content.bundle(digest)
    const mistakes = this.#logic.content?.(set, bundle, files, out) ?? []
    this.#content.reportMistakes(set, digest, mistakes)
    if (mistakes.length > 0) this.#refused.set(set, digest)
    else {
      this.#digests[set] = digest
      this.#refused.delete(set)
    }
    return mistakes.length === 0
  }
}
