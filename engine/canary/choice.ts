/**
 * Which of the offered answers a suspect's text chooses: the last that it names, as a whole word or phrase.
 *
 * A model that thinks aloud restates the options before it chooses. The rule is exact all the same: a text is given without
 * knowledge of which option was drawn, so whichever it names last is the right one with a probability of one in their number.
 */
import { plain } from '../behavior/canary-answers/answers.ts'

export interface Choice {
  /** Of the offered answers, how many the text names. */
  readonly named: number
  /** The last one named. */
  readonly last: string | undefined
}

export function choiceOf(text: string, offered: readonly string[]): Choice {
  const said = ` ${plain(text)} `
  let [named, last, lastAt] = [0, undefined as string | undefined, -1]
  for (const option of offered) {
    const at = said.lastIndexOf(` ${plain(option)} `)
    if (at < 0) continue
    named++
    if (at > lastAt) [last, lastAt] = [option, at]
  }
  return { named, last }
}
