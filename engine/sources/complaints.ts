/**
 * Collects the mistakes of one content file while it is compiled, each at its place.
 */
import type { Mistake } from '../../core/errors.ts'
import type { ParsedYaml, YamlPath } from '../../core/yaml.ts'

export class Complaints {
  readonly mistakes: Mistake[] = []
  readonly #parsed: ParsedYaml

  constructor(parsed: ParsedYaml) {
    this.#parsed = parsed
  }

  /** The value at this path is wrong. */
  at(path: YamlPath, message: string, hint?: string): void {
    this.#add(message, this.#parsed.place(path), hint)
  }

  /** The key at the end of this path is wrong. */
  atKey(path: YamlPath, message: string, hint?: string): void {
    this.#add(message, this.#parsed.keyPlace(path), hint)
  }

  #add(message: string, place: Mistake['place'], hint: string | undefined): void {
    this.mistakes.push({
      code: 'SOURCE_INVALID',
      message,
      ...(place === undefined ? {} : { place }),
      ...(hint === undefined ? {} : { hint }),
    })
  }
}
