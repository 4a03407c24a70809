/** Honest use of a language model. */
import type { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import type { Ask, LanguageModel } from '../victims/language.ts'
import { plus, rounded, scaledTo } from '../victims/numbers.ts'
import type { Identity } from './identity.ts'
import { dayMs, hourMs, paced, sessions, workdays } from './rhythm.ts'

export interface PromptScene {
  readonly traffic: Traffic
  readonly model: LanguageModel
  readonly dice: Dice
  readonly who: Identity
  readonly days: number
}

export interface PromptKind {
  readonly name: string
  run(scene: PromptScene): void
}

/** Lengths as texts have them: many short, some long. */
export function tokens(dice: Dice, middle: number): number {
  return Math.max(1, Math.min(4_000, Math.round(middle * Math.exp(dice.normal(0, 0.7)))))
}

function ask(dice: Dice, prompt: number[], inputs: number, outputs: number, more: Partial<Ask> = {}): Ask {
  return { prompt, inputTokens: tokens(dice, inputs), outputTokens: tokens(dice, outputs), temperature: 0.7, ...more }
}

function each(scene: PromptScene, times: readonly number[], of: (n: number) => Ask): void {
  for (const [n, atMs] of times.entries()) scene.traffic.prompt(atMs, scene.who, scene.model, of(n))
}

const atWork = ({ dice, traffic, days }: PromptScene, least: number, most: number): number[] =>
  workdays(dice, traffic.startMs, days, dice.int(least, most))

export const promptKinds: readonly PromptKind[] = [
  {
    name: 'chat',
    run: (scene) => {
      const { dice, model, traffic, days } = scene
      each(scene, sessions(dice, traffic.startMs, days, dice.int(20, 90), 45_000), () =>
        ask(dice, model.prompt(dice), 220, 260),
      )
    },
  },
  {
    name: 'help desk with a template',
    run: (scene) => {
      const { dice, model } = scene
      const template = model.template(dice)
      each(scene, atWork(scene, 100, 220), () =>
        ask(dice, model.prompt(dice, template), 900, 180, { temperature: 0.2 }),
      )
    },
  },
  {
    name: 'classifier with biased labels and log probabilities',
    run: (scene) => {
      const { dice, model } = scene
      const labels = dice.sample([...Array(model.vocabulary).keys()], dice.int(2, 6))
      const logitBias = Object.fromEntries(labels.map((token) => [token, dice.pick([5, 20, 100])]))
      const template = model.template(dice)
      each(scene, atWork(scene, 100, 240), () => {
        const prompt = model.prompt(dice, template)
        return { ...ask(dice, prompt, 260, 1, { logitBias, topLogprobs: 5, temperature: 0 }), outputTokens: 1 }
      })
    },
  },
  {
    name: 'some words forbidden by bias',
    run: (scene) => {
      const { dice, model } = scene
      const words = dice.sample([...Array(model.vocabulary).keys()], dice.int(5, 30))
      const logitBias = Object.fromEntries(words.map((token) => [token, -100]))
      each(scene, atWork(scene, 60, 140), () => ask(dice, model.prompt(dice), 320, 300, { logitBias }))
    },
  },
  {
    name: 'confidence by log probabilities',
    run: (scene) => {
      const { dice, model } = scene
      each(scene, atWork(scene, 80, 200), () =>
        ask(dice, model.prompt(dice), 400, 60, { topLogprobs: dice.int(1, 5), temperature: 0 }),
      )
    },
  },
  {
    name: 'nightly summaries',
    run: (scene) => {
      const { dice, model, traffic, days } = scene
      const template = model.template(dice)
      for (let day = 0; day < days; day++) {
        each(scene, paced(dice, traffic.startMs + day * dayMs + 2 * hourMs, 2_500, dice.int(30, 70)), () =>
          ask(dice, model.prompt(dice, template), 2_200, 240, { temperature: 0.3 }),
        )
      }
    },
  },
  {
    name: 'evaluation suite',
    run: (scene) => {
      const { dice, model, traffic, days } = scene
      const suite = Array.from({ length: dice.int(30, 60) }, () =>
        ask(dice, model.prompt(dice), 350, 200, { temperature: 0 }),
      )
      for (let day = 0; day < days; day++) {
        each(scene, paced(dice, traffic.startMs + day * dayMs + 4 * hourMs, 1_500, suite.length), (n) => suite[n]!)
      }
    },
  },
  {
    name: 'agent in loops',
    run: (scene) => {
      const { dice, model, traffic, days } = scene
      const template = model.template(dice)
      let prompt = model.prompt(dice, template)
      each(scene, sessions(dice, traffic.startMs, days, dice.int(100, 200), 6_000), (n) => {
        // The conversation grows: each turn is the last one and a little more.
        const turned = plus(prompt, dice.normals(prompt.length, 0.15 / Math.sqrt(prompt.length)))
        prompt = n % 12 === 0 ? model.prompt(dice, template) : scaledTo(turned, 1).map((value) => rounded(value))
        return ask(dice, prompt, 1_200 + 300 * (n % 12), 120, { temperature: 0 })
      })
    },
  },
]
