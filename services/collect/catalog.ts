/**
 * The sources in force, compiled, for the doors of collect. Follows `warden.content`; a broken version changes nothing.
 */
import { compileSources } from '../../engine/sources/compile.ts'
import type { Source } from '../../engine/sources/source.ts'
import type { ContentReader } from '../../runtime/content/content-reader.ts'

export class SourceCatalog {
  readonly #content: ContentReader
  #digest: string | undefined
  #sources: ReadonlyMap<string, Source> = new Map()
  #loading: Promise<void> | undefined

  constructor(content: ContentReader) {
    this.#content = content
  }

  /** Today's sources; empty before there are any. */
  async sources(): Promise<ReadonlyMap<string, Source>> {
    const digest = this.#content.current('sources')
    if (digest !== undefined && digest !== this.#digest) {
      this.#loading ??= this.#load(digest).finally(() => (this.#loading = undefined))
      await this.#loading
    }
    return this.#sources
  }

  async #load(digest: string): Promise<void> {
    const { files } = await this.#content.bundle(digest)
    const { sources, mistakes } = compileSources(files)
    this.#content.reportMistakes('sources', digest, mistakes)
    if (mistakes.length === 0) this.#sources = sources
    this.#digest = digest
  }
}
