/** Files without any attack: each hard kind of honest customer over models that it fits, ordinary ones beside them. */
import type { Scenario } from '../attacks/scenario.ts'
import { honestCustomer, sceneOf } from './customer.ts'
import { hardKinds } from './hard.ts'
import { ordinaryKinds } from './ordinary.ts'

export const honestScenarios: readonly Scenario[] = [1, 2, 3].map((number) => ({
  name: `honest ${number}`,
  make: ({ world, traffic, dice }) => {
    for (const kind of [...hardKinds, ...ordinaryKinds]) {
      const victim = dice.pick(world.victims.filter((each) => kind.fits?.(each) ?? true))
      honestCustomer(kind, sceneOf(traffic, victim, dice, dice.int(3, 6)))
    }
    return []
  },
}))
