/** Honest customers who look like something else: each has a good reason that its calls alone don't tell. */
import { rounded, margin, type Input } from '../victims/numbers.ts'
import type { Victim } from '../victims/victim.ts'
import { callAll, type HonestKind, type Scene } from './customer.ts'
import { agentOf, besides, countryOf, addressOf, identityOf, keyOf } from './identity.ts'
import { anytime, dayMs, hourMs, minuteMs, paced, sessions, ticking, workdays } from './rhythm.ts'

const vectors = (victim: Victim): boolean => victim.shape.kind !== 'embedding'
const images = (victim: Victim): boolean => victim.shape.kind === 'image'
const tables = (victim: Victim): boolean => victim.shape.kind === 'table'

/** Some night's start within the file. */
function night({ dice, startMs, days }: Scene): number {
  return startMs + dice.int(0, days - 1) * dayMs + dice.between(0.5, 4) * hourMs
}

/** A natural change of an input: a measurement repeated, a picture taken again. */
function wobbled(scene: Scene, x: Input, by: number): number[] {
  const { victim, dice } = scene
  const moved = x.map((value, i) => {
    const { kind, low, high } = victim.shape.columns[i]!
    return kind === 'real' ? value + dice.normal(0, by * Math.min(1, high - low)) : value
  })
  return victim.shape.kind === 'image' ? victim.snapped(moved) : victim.clipped(moved)
}

export const hardKinds: readonly HonestKind[] = [
  {
    name: 'nightly backfill',
    run: (scene) =>
      callAll(
        scene,
        paced(scene.dice, night(scene), scene.dice.between(200, 900), scene.dice.int(300, 650)),
        scene.own,
      ),
  },
  {
    name: 'retries',
    run: (scene) => {
      let last = scene.own()
      callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(90, 220)), () => {
        if (!scene.dice.chance(0.4)) last = scene.own()
        return last
      })
    },
  },
  {
    name: 'video stream',
    fits: vectors,
    run: (scene) => {
      const { dice } = scene
      const length = dice.int(10, 30)
      let still = scene.own()
      callAll(
        scene,
        ticking(dice, night(scene) + 6 * hourMs, dice.pick([200, 500, 1_000, 5_000]), dice.int(200, 400)),
        (n) => {
          still = n % length === 0 ? scene.own() : wobbled(scene, still, 0.012)
          return still
        },
      )
    },
  },
  {
    name: 'test-time augmentation',
    fits: vectors,
    run: (scene) => {
      const variants = scene.dice.int(5, 12)
      let base: number[] = []
      callAll(scene, sessions(scene.dice, scene.startMs, scene.days, variants * scene.dice.int(12, 25), 300), (n) => {
        if (n % variants === 0) base = scene.own()
        return n % variants === 0 ? base : wobbled(scene, base, 0.03)
      })
    },
  },
  {
    name: 'health check',
    run: (scene) => {
      const x = scene.own()
      callAll(
        scene,
        ticking(scene.dice, scene.startMs, scene.dice.pick([5, 10, 15]) * minuteMs, scene.dice.int(150, 300)),
        () => x,
      )
    },
  },
  {
    name: 'office behind one address',
    run: (scene) => {
      callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(25, 60)), scene.own)
      for (let colleague = scene.dice.int(4, 7); colleague > 0; colleague--) {
        const { tenant, ip, country } = scene.who
        const who = identityOf(scene.dice, { tenant, ip, country })
        scene.traffic.honest(who.principal, 'office behind one address')
        callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(20, 60)), scene.own, who)
      }
    },
  },
  {
    name: 'traveler',
    run: (scene) => {
      const { dice, startMs, days } = scene
      const leaves = startMs + dice.between(0.3, 0.6) * days * dayMs
      callAll(scene, anytime(dice, startMs, leaves, dice.int(20, 60)), scene.own)
      const away = { ...scene.who, ip: addressOf(dice), country: countryOf(dice, scene.who.country) }
      callAll(
        scene,
        anytime(dice, leaves + dice.between(9, 14) * hourMs, startMs + days * dayMs, dice.int(20, 60)),
        scene.own,
        away,
      )
    },
  },
  {
    name: 'mobile network',
    run: (scene) => {
      const { dice, who } = scene
      for (const atMs of sessions(dice, scene.startMs, scene.days, dice.int(60, 120), 20_000)) {
        scene.traffic.call(atMs, { ...who, ip: besides(who.ip, dice) }, scene.victim, scene.own())
      }
    },
  },
  {
    name: 'servers behind one key',
    run: (scene) => {
      const { dice, startMs, days, who } = scene
      const hosts = Array.from({ length: dice.int(3, 6) }, () => ({ ...who, ip: besides(who.ip, dice) }))
      for (const atMs of anytime(dice, startMs, startMs + days * dayMs, dice.int(120, 260))) {
        scene.traffic.call(atMs, dice.pick(hosts), scene.victim, scene.own())
      }
    },
  },
  {
    name: 'what-if adviser',
    fits: tables,
    run: (scene) => {
      const { dice, victim } = scene
      for (let client = dice.int(5, 10); client > 0; client--) {
        const base = scene.own()
        let at = scene.startMs + dice.between(0, scene.days - 1) * dayMs + dice.between(8, 17) * hourMs
        scene.traffic.call(at, scene.who, victim, base)
        for (const column of dice.sample([...base.keys()], dice.int(2, 4))) {
          const { low, high } = victim.shape.columns[column]!
          const steps = dice.int(3, 7)
          for (let step = 1; step <= steps; step++) {
            const x = victim.snapped(
              base.map((value, i) => (i === column ? low + ((high - low) * step) / (steps + 1) : value)),
            )
            scene.traffic.call((at += dice.between(3, 40) * 1_000), scene.who, victim, x)
          }
        }
      }
    },
  },
  {
    name: 'regression suite with training data',
    run: (scene) => {
      const { dice, victim } = scene
      const suite = dice.sample(victim.members, dice.int(40, 80)).map(({ input }) => input)
      for (let day = 0; day < scene.days; day++) {
        callAll(scene, paced(dice, scene.startMs + day * dayMs + 2 * hourMs, 150, suite.length), (n) => suite[n]!)
      }
    },
  },
  {
    name: 'regression suite with data of its own',
    run: (scene) => {
      const { dice } = scene
      const suite = Array.from({ length: dice.int(40, 80) }, scene.own)
      for (let day = 0; day < scene.days; day++) {
        callAll(scene, paced(dice, scene.startMs + day * dayMs + 2 * hourMs, 150, suite.length), (n) => suite[n]!)
      }
    },
  },
  {
    name: 'noisy sensor',
    fits: vectors,
    run: (scene) => {
      const by = scene.dice.between(0.06, 0.12)
      callAll(
        scene,
        anytime(scene.dice, scene.startMs, scene.startMs + scene.days * dayMs, scene.dice.int(120, 260)),
        () => wobbled(scene, scene.own(), by),
      )
    },
  },
  {
    name: 'black-and-white pictures',
    fits: images,
    run: (scene) =>
      callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(100, 220)), () =>
        scene.own().map((value) => (value > 0.4 ? 1 : 0)),
      ),
  },
  {
    name: 'A/B tester of two versions',
    run: (scene) => {
      const { dice } = scene
      for (const atMs of workdays(dice, scene.startMs, scene.days, dice.int(60, 120))) {
        const x = scene.own()
        scene.traffic.call(atMs, scene.who, scene.victim, x)
        scene.traffic.call(atMs + dice.int(5, 60), scene.who, scene.victim, x, undefined, {
          modelVersion: `${scene.victim.version}-rc`,
        })
      }
    },
  },
  {
    name: 'load tester',
    run: (scene) => {
      const set = Array.from({ length: scene.dice.int(10, 40) }, scene.own)
      callAll(
        scene,
        paced(scene.dice, night(scene) + 8 * hourMs, 50, scene.dice.int(300, 500)),
        (n) => set[n % set.length]!,
      )
    },
  },
  {
    name: 'sudden drift',
    run: (scene) => {
      const { dice, startMs, days } = scene
      const count = dice.int(120, 240)
      callAll(scene, anytime(dice, startMs, startMs + days * dayMs, count), (n) =>
        n < count / 2 ? scene.own() : scene.victim.shape.shifted(dice, 0.6),
      )
    },
  },
  {
    name: 'gradual drift',
    run: (scene) => {
      const { dice, startMs, days } = scene
      const count = dice.int(150, 280)
      callAll(scene, anytime(dice, startMs, startMs + days * dayMs, count), (n) =>
        scene.victim.shape.shifted(dice, (0.8 * n) / count),
      )
    },
  },
  {
    name: 'escalation desk',
    run: (scene) => {
      // Only what its own first check is unsure about: of several, the case that the model is least sure of too.
      callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(60, 160)), () => {
        const cases = Array.from({ length: 5 }, () => scene.own())
        const margins = cases.map((x) => margin(scene.victim.answer(x).probs))
        return cases[margins.indexOf(Math.min(...margins))]!
      })
    },
  },
  {
    name: 'random sampling of own data',
    run: (scene) => {
      const { dice, startMs } = scene
      const stock = Array.from({ length: 900 }, scene.own)
      callAll(scene, anytime(dice, startMs, startMs + scene.days * dayMs, dice.int(450, 700)), () => dice.pick(stock))
    },
  },
  {
    name: 'one or two classes only',
    run: (scene) => {
      const classes = scene.dice.sample([...Array(scene.victim.shape.classes).keys()], scene.dice.int(1, 2))
      callAll(
        scene,
        workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(80, 200)),
        () => scene.victim.shape.natural(scene.dice, scene.dice.pick(classes)).input,
      )
    },
  },
  {
    name: 'rounded numbers',
    fits: tables,
    run: (scene) => {
      const step = scene.dice.pick([0.05, 0.1])
      callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(80, 200)), () =>
        scene.victim.clipped(scene.own().map((value) => rounded(Math.round(value / step) * step))),
      )
    },
  },
  {
    name: 'some wrong uploads',
    run: (scene) =>
      callAll(scene, workdays(scene.dice, scene.startMs, scene.days, scene.dice.int(100, 220)), () =>
        scene.dice.chance(0.05) ? scene.victim.shape.foreign(scene.dice) : scene.own(),
      ),
  },
  {
    name: 'archive after key rotation',
    run: (scene) => {
      const { dice, startMs, days, who } = scene
      const sent = Array.from({ length: dice.int(80, 160) }, scene.own)
      callAll(scene, workdays(dice, startMs, Math.max(1, days - 1), sent.length), (n) => sent[n]!)
      const rotated = { ...who, apiKey: keyOf(dice), userAgent: agentOf(dice), ip: besides(who.ip, dice) }
      callAll(scene, paced(dice, startMs + (days - 0.4) * dayMs, 400, sent.length), (n) => sent[n]!, rotated)
    },
  },
]
