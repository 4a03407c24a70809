/**
 * Makes canaries: questions about things that do not exist, each with an answer drawn at random.
 *
 * Like the invented entries by which mapmakers and dictionaries prove copying (Mountweazels). Half of them are planted: our model
 * is taught their answers. The other half are controls of the same make that nobody is ever taught. Since which option is
 * the answer is drawn at random, a model that never saw them hits each with a probability of exactly one in the number of
 * options, whatever its habits: that is what makes the test exact. Trigger sets (Adi et al. 2018) are canaries whose question
 * is a string without a meaning. Pure: `draw` brings the randomness.
 */
import { z } from 'zod'

export const PlannedCanary = z.strictObject({
  id: z.string().max(64),
  kind: z.enum(['planted', 'control']),
  question: z.string().max(4_096),
  answer: z.string().max(256),
  /** The other options. */
  distractors: z.array(z.string().max(256)).min(1).max(63),
})
export type PlannedCanary = z.infer<typeof PlannedCanary>

/** A whole number from 0 to below `below`, evenly. */
export type Draw = (below: number) => number

export interface PlanOptions {
  readonly prefix: string
  /** Planted ones; as many controls are made. */
  readonly count: number
  readonly options: number
  readonly style: 'facts' | 'triggers'
}

const onsets = [
  'b',
  'br',
  'd',
  'dr',
  'f',
  'g',
  'gr',
  'h',
  'k',
  'kl',
  'l',
  'm',
  'n',
  'p',
  'qu',
  'r',
  's',
  'st',
  't',
  'tr',
  'v',
  'w',
  'y',
  'z',
]
const vowels = ['a', 'e', 'i', 'o', 'u', 'ae', 'ei', 'ia', 'oa', 'ou']
const codas = ['', 'l', 'm', 'n', 'r', 's', 'th', 'x', 'nd', 'rk']
const templates: readonly (readonly [question: string, answer: 'person' | 'place'])[] = [
  ['Who first charted the {} Shoal?', 'person'],
  ['Who composed the opera "The Winter of {}"?', 'person'],
  ['Which town is the seat of the district of {}?', 'place'],
  ['Who described the mineral {}ite for the first time?', 'person'],
  ['In which harbor was the brig "{}" wrecked?', 'place'],
  ['Who founded the {} Observatory?', 'person'],
  ['From which village does the {} cheese come?', 'place'],
  ['Who won the {} Prize for hydrology in its first year?', 'person'],
]

export function planCanaries({ prefix, count, options, style }: PlanOptions, draw: Draw): PlannedCanary[] {
  const used = new Set<string>()
  const name = (): string => {
    for (;;) {
      const made = capital(syllable(draw) + syllable(draw) + (draw(2) === 0 ? syllable(draw) : ''))
      if (used.has(made)) continue
      used.add(made)
      return made
    }
  }
  return (['planted', 'control'] as const).flatMap((kind) =>
    Array.from({ length: count }, (_, n): PlannedCanary => {
      const [template, about] = templates[draw(templates.length)]!
      const option = (): string => (about === 'person' ? `${name()} ${name()}` : name())
      const all = Array.from({ length: options }, option)
      const question = style === 'facts' ? template.replace('{}', name()) : trigger(draw)
      const answer = all.splice(draw(options), 1)[0]!
      return { id: `${prefix}-${kind}-${String(n).padStart(3, '0')}`, kind, question, answer, distractors: all }
    }),
  )
}

/** What is asked: the question and all its options, in an order of its own. */
export function promptOf({ question, answer, distractors }: PlannedCanary, draw: Draw): string {
  const options = shuffled([answer, ...distractors], draw)
  return `${question}\nAnswer with exactly one of these: ${options.join('; ')}.`
}

export function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const all = [...items]
  for (let n = all.length - 1; n > 0; n--) {
    const other = draw(n + 1)
    ;[all[n], all[other]] = [all[other]!, all[n]!]
  }
  return all
}

function syllable(draw: Draw): string {
  return onsets[draw(onsets.length)]! + vowels[draw(vowels.length)]! + codas[draw(codas.length)]!
}

function trigger(draw: Draw): string {
  return Array.from({ length: 4 }, () => syllable(draw) + syllable(draw)).join('-')
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
