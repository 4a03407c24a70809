/**
 * Whether a text gives a canary's planted answer: as a whole word or phrase, without regard to case, width or punctuation.
 *
 * A text that names several of the offered answers hits none: a model that recites them all knows nothing.
 */

export type AnswerOutcome = 'hit' | 'miss'

export function outcomeOf(text: string, answer: string, distractors: readonly string[]): AnswerOutcome {
  const said = ` ${plain(text)} `
  if (!said.includes(` ${plain(answer)} `)) return 'miss'
  const meant = plain(answer)
  return distractors.some(
    (other) => plain(other) !== meant && !meant.includes(plain(other)) && said.includes(` ${plain(other)} `),
  )
    ? 'miss'
    : 'hit'
}

/** Characters of a suspect's text that are looked at. */
const textCharsMax = 20_000

function plain(text: string): string {
  return text
    .slice(0, textCharsMax)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
