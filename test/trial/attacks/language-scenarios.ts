/**
 * Theft of a language model: its last layer by biased log probabilities (Carlini et al. 2024), its skills by prompts
 * that are asked to train another model on the answers.
 */
import { identityOf } from '../customers/identity.ts'
import { promptKinds, tokens } from '../customers/language.ts'
import { hourMs, paced } from '../customers/rhythm.ts'
import { languageModelOf, type LanguageModel } from '../victims/language.ts'
import { plus, rounded, scaledTo } from '../victims/numbers.ts'
import type { Scenario, Stage } from './scenario.ts'
import { addPromptBackground } from '../files/world.ts'

function languageScenario(name: string, runs: number, write: (stage: Stage, model: LanguageModel) => void): Scenario {
  return {
    name,
    make: (stage) => {
      const models = stage.dice.shuffled(stage.world.languageModels)
      for (let n = 0; n < runs; n++) write(stage, models[n % models.length]!)
      addPromptBackground(stage.world, stage.traffic, stage.dice.fork('background'), 8)
      return []
    },
  }
}

function leakLogits({ dice, traffic, scenario }: Stage, model: LanguageModel): void {
  const who = identityOf(dice)
  const run = traffic.runId(scenario)
  traffic.run({ scenario, id: run, model: model.id, accounts: [who.principal], accepted: ['logit-leak', 'extraction'] })
  const [shown, bias] = [dice.int(3, 5), dice.pick([40, 60, 100])]
  const anchor = dice.int(0, model.vocabulary - 1)
  const others = dice.shuffled([...Array(model.vocabulary).keys()].filter((token) => token !== anchor))
  const each = Math.ceil(others.length / (shown - 1))
  const queries = dice.int(300, 500)
  const times = paced(dice, traffic.startMs + dice.between(2, 30) * hourMs, dice.between(200, 9_000), queries)
  let prompt = model.prompt(dice)
  for (const [n, atMs] of times.entries()) {
    if (n % each === 0) prompt = model.prompt(dice)
    const from = (n % each) * (shown - 1)
    const biased = [anchor, ...others.slice(from, from + shown - 1)]
    const logitBias = Object.fromEntries(biased.map((token) => [token, bias]))
    traffic.prompt(
      atMs,
      who,
      model,
      { prompt, inputTokens: dice.int(4, 30), outputTokens: 1, temperature: 0, topLogprobs: shown, logitBias },
      run,
    )
  }
}

/** A few skills, asked about all over, by one text that surrounds every task. */
function distill({ dice, traffic, scenario }: Stage, model: LanguageModel, accounts: number): void {
  const all = Array.from({ length: accounts }, () => identityOf(dice))
  const run = traffic.runId(scenario)
  traffic.run({
    scenario,
    id: run,
    model: model.id,
    accounts: all.map(({ principal }) => principal),
    accepted: ['distillation', 'extraction'],
  })
  const template = model.template(dice)
  const skills = Array.from({ length: dice.int(2, 4) }, () => model.prompt(dice))
  const spread = dice.between(0.4, 0.8) / Math.sqrt(model.shape.dimension)
  const queries = dice.int(600, 900)
  const length = dice.int(250, 700)
  const gap = dice.between(3, 20) * 1_000
  for (const [n, atMs] of paced(dice, traffic.startMs + dice.between(2, 20) * hourMs, gap, queries).entries()) {
    const task = plus(dice.pick(skills), dice.normals(model.shape.dimension, spread))
    const prompt = scaledTo(plus(task, template), 1).map((value) => rounded(value))
    const sizes = { inputTokens: tokens(dice, 300), outputTokens: tokens(dice, length) }
    traffic.prompt(atMs, all[n % accounts]!, model, { prompt, ...sizes, temperature: dice.pick([0.7, 1]) }, run)
  }
}

export const languageScenarios: readonly Scenario[] = [
  languageScenario('logit leak', 3, leakLogits),
  languageScenario('language distillation by one', 2, (stage, model) => distill(stage, model, 1)),
  languageScenario('language distillation by six', 2, (stage, model) => distill(stage, model, 6)),
  {
    name: 'distillation of a new model by thirty',
    make: (stage) => {
      const { traffic, dice } = stage
      const model = languageModelOf(`new-${dice.hex(3)}`, 'embedding', dice.fork('model'))
      distill(stage, model, 30)
      for (const kind of dice.shuffled(promptKinds)) {
        const who = identityOf(dice)
        traffic.honest(who.principal, `prompts: ${kind.name}`)
        kind.run({ traffic, model, dice, who, days: dice.int(2, 4) })
      }
      return []
    },
  },
  {
    name: 'honest prompts',
    make: ({ world, traffic, dice }) => {
      addPromptBackground(world, traffic, dice, 24)
      return []
    },
  },
]
