/**
 * Whether a text gives a canary's planted answer: as a whole word or phrase, without regard to case, width or punctuation.
 *
 * A text that names several of the offered answers hits none: a model that recites them all knows nothing. Answers may be
 * registered as digests (`digestOf`), so that nobody who reads the inventory can publish them: then every run of as many words
 * of the text is digested and compared.
 */
import { sha256Hex } from '../../../core/ids.ts'

export type AnswerOutcome = 'hit' | 'miss'

/** Characters of a suspect's text that are looked at. */
const textCharsMax = 20_000
const digestForm = /^sha256:(\d{1,3}):([0-9a-f]{64})$/

/** A text as its digest: `sha256:<words>:<hexadecimal>`. */
export function digestOf(text: string): string {
  const words = plain(text).split(' ')
  return `sha256:${words.length}:${sha256Hex(words.join(' '))}`
}

export function outcomeOf(text: string, answer: string, distractors: readonly string[]): AnswerOutcome {
  const said = new Said(text)
  if (!said.names(answer)) return 'miss'
  const meant = plain(answer)
  const others = distractors.filter((other) => plain(other) !== meant && !` ${meant} `.includes(` ${plain(other)} `))
  return others.some((other) => said.names(other)) ? 'miss' : 'hit'
}

class Said {
  readonly #words: readonly string[]
  readonly #digests = new Map<number, ReadonlySet<string>>()

  constructor(text: string) {
    this.#words = plain(text).split(' ')
  }

  names(answer: string): boolean {
    const digest = digestForm.exec(answer)
    if (digest === null) return ` ${this.#words.join(' ')} `.includes(` ${plain(answer)} `)
    const length = Number(digest[1])
    let runs = this.#digests.get(length)
    if (runs === undefined) this.#digests.set(length, (runs = this.#runs(length)))
    return runs.has(digest[2]!)
  }

  #runs(length: number): ReadonlySet<string> {
    const runs = new Set<string>()
    for (let at = 0; at + length <= this.#words.length; at++) {
      runs.add(sha256Hex(this.#words.slice(at, at + length).join(' ')))
    }
    return runs
  }
}

/** Words alone, in lower case, without regard to width. */
export function plain(text: string): string {
  return text
    .slice(0, textCharsMax)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
