/** Customers as most are: their own data, once each, at some rhythm. */
import { callAll, type HonestKind } from './customer.ts'
import { anytime, dayMs, paced, sessions, workdays } from './rhythm.ts'

export const ordinaryKinds: readonly HonestKind[] = [
  {
    name: 'steady',
    run: (scene) => {
      const { dice, startMs, days } = scene
      callAll(scene, anytime(dice, startMs, startMs + days * dayMs, dice.int(60, 220)), scene.own)
    },
  },
  {
    name: 'working hours',
    run: (scene) => callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(50, 240)), scene.own),
  },
  {
    name: 'small',
    run: (scene) =>
      callAll(scene, sessions(scene.dice, scene.startMs, scene.days, scene.dice.int(4, 40), 9_000), scene.own),
  },
  {
    name: 'sessions',
    run: (scene) =>
      callAll(scene, sessions(scene.dice, scene.startMs, scene.days, scene.dice.int(50, 160), 4_000), scene.own),
  },
  {
    name: 'busy',
    run: (scene) => {
      const { dice, startMs, days } = scene
      const from = startMs + dice.between(0, 0.4) * dayMs
      const count = dice.int(250, 420)
      callAll(scene, paced(dice, from, ((days - 0.5) * dayMs) / count, count), scene.own)
    },
  },
]
