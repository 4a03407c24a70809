/**
 * A model's traffic that changes for everybody, and a group of people for whom the model stops being right. No account
 * is to blame.
 */
import { identityOf } from '../customers/identity.ts'
import { anytime, dayMs } from '../customers/rhythm.ts'
import { vectorVictims, victimsFor, type Scenario } from './scenario.ts'

function change(name: string, accepted: readonly string[], ofGroup: boolean): Scenario {
  return {
    name,
    make: ({ traffic, dice, world, scenario }) => {
      const stage = { traffic, dice, world, scenario }
      for (const victim of new Set(victimsFor(stage, 2, vectorVictims))) {
        const run = traffic.runId(scenario)
        traffic.run({ scenario, id: run, model: victim.id, accounts: [], accepted, ofModel: true })
        const changes = traffic.startMs + dice.between(1.8, 2.6) * dayMs
        const groups = [dice.hex(2), dice.hex(3)]
        for (let customer = 0; customer < 8; customer++) {
          const who = identityOf(dice)
          traffic.honest(who.principal, `customer while ${ofGroup ? 'a group suffers' : 'all drifts'}`)
          for (const atMs of anytime(dice, traffic.startMs, traffic.startMs + 5 * dayMs, dice.int(100, 160))) {
            const group = dice.chance(0.3) ? 1 : 0
            const changed = atMs >= changes && (!ofGroup || group === 1)
            const { input, label } = victim.shape.natural(dice)
            const x = changed && !ofGroup ? victim.shape.shifted(dice, 1) : input
            // For the group the truth is no longer what the model learned.
            const wrong = changed && dice.chance(ofGroup ? 0.5 : 0.3)
            const truth = wrong
              ? (label + 1) % victim.shape.classes
              : ofGroup || !changed
                ? label
                : victim.answer(x).label
            traffic.call(atMs, who, victim, x, changed ? run : undefined, { truth, group: groups[group] })
          }
        }
      }
      return []
    },
  }
}

export const driftScenarios: readonly Scenario[] = [
  change('drift', ['drift', 'bias'], false),
  change('subgroup bias', ['bias', 'drift'], true),
]
