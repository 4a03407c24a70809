/**
 * Customers of a model in time, and what `account-crowd` makes of their queries: both its steps one after the other, as in the
 * product, and all its state through JSON now and then.
 */
import type { Event } from '../../../core/event.ts'
import { accountCrowd } from '../../../engine/behavior/crowd/detector.ts'
import type { BehaviorFinding, GroupEntries } from '../../../engine/behavior/types.ts'
import { emptyInventory } from '../../../engine/inventory/inventory.ts'
import type { RuleMeta } from '../../../engine/sigma/types.ts'

export const startMs = Date.parse('2026-03-02T00:00:00.000Z')
export const hourMs = 3_600_000

export const pick = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)]!

export interface Who {
  readonly user: string
  readonly tenant: string
  readonly ip: string
  readonly agent: string
}
export interface Query extends Who {
  readonly timeMs: number
  readonly input: { readonly features: readonly number[] } | { readonly embedding: readonly number[] } | undefined
  /** Of a language model's prompt and answer. */
  readonly tokens?: readonly [prompt: number, answer: number]
}

export const agents = ['python-requests/2.32', 'aiohttp/3.9', 'okhttp/4.12', 'axios/1.7', 'curl/8.6']
export const anyAddress = (random: () => number): string =>
  [20 + random() * 180, random() * 250, random() * 250, random() * 250].map(Math.floor).join('.')

export function customer(random: () => number, n: number): Who {
  return { user: `b${n}`, tenant: `tb${n}`, ip: anyAddress(random), agent: pick(random, agents) }
}

/** Calls at random times with gaps of this mean, so many at most. */
export function poisson(
  random: () => number,
  who: Who,
  fromMs: number,
  untilMs: number,
  meanMs: number,
  input: () => Query['input'],
  countMax = Infinity,
): Query[] {
  const all: Query[] = []
  for (let t = fromMs; all.length < countMax && (t += -Math.log(1 - random()) * meanMs) < untilMs;)
    all.push({ ...who, timeMs: Math.round(t), input: input() })
  return all
}

/** `baseline`: what is learned of the model's honest inputs, as `model-queries` tells it. */
export function run(
  queries: readonly Query[],
  baseline: (name: string) => unknown = () => undefined,
): {
  crowds: Map<string, Set<string>>
  named: Set<string>
  firstAt: number
  last: BehaviorFinding[]
  entries: Map<string, unknown>
} {
  const plan = accountCrowd.create(accountCrowd.params.parse({ type: 'account-crowd' }), {} as RuleMeta)
  const context = { inventory: emptyInventory, baseline }
  let [local, grouped] = [new Map<string, Map<string, unknown>>(), new Map<string, unknown>()]
  const crowds = new Map<string, Set<string>>()
  const last = new Map<string, BehaviorFinding>()
  let firstAt = 0
  let attacks = 0
  for (const [n, query] of [...queries].sort((a, b) => a.timeMs - b.timeMs).entries()) {
    if (query.user.startsWith('x')) attacks++
    const event = {
      '@timestamp': new Date(query.timeMs).toISOString(),
      event: { id: `e${n}`, hash: 'h' },
      organization: { id: query.tenant },
      source: { ip: query.ip },
      user_agent: { original: query.agent },
      ...(query.tokens && { gen_ai: { usage: { input_tokens: query.tokens[0], output_tokens: query.tokens[1] } } }),
      warden: {
        principal: `${query.tenant}/${query.user}`,
        credential: { id: `hmac-${query.user}` },
        model: { id: 'm' },
        input: { ...query.input },
        position: { topic: 't', partition: 0, offset: n, index: 0 },
      },
    } as unknown as Event
    const read = plan.read(event, { knownSinceMs: undefined, inventory: emptyInventory })!
    const key = read.group.join(' ')
    const own = local.get(key) ?? new Map<string, unknown>()
    local.set(key, own)
    const { shuffled } = plan.local!.apply(read.group, entriesOver(own), read.observation, -Infinity, context)
    for (const { group, observation } of shuffled) {
      const told = JSON.parse(JSON.stringify(observation)) as unknown
      const { findings } = plan.grouped!.apply(group, entriesOver(grouped), told, -Infinity, context)
      for (const finding of findings) {
        if (firstAt === 0) firstAt = attacks
        for (const id of finding.supersedes) {
          crowds.delete(id)
          last.delete(id)
        }
        crowds.set(finding.anchor, new Set(finding.members!.map(({ principal }) => principal.split('/')[1]!)))
        last.set(finding.anchor, finding)
      }
    }
    // Now and then all comes back from a checkpoint.
    if (n % 500 === 499) {
      grouped = new Map(JSON.parse(JSON.stringify([...grouped])) as [string, unknown][])
      local = new Map(
        [...local].map(([name, map]) => [name, new Map(JSON.parse(JSON.stringify([...map])) as [string, unknown][])]),
      )
    }
  }
  return {
    crowds,
    named: new Set([...crowds.values()].flatMap((set) => [...set])),
    firstAt,
    last: [...last.values()],
    entries: grouped,
  }
}

function entriesOver(map: Map<string, unknown>): GroupEntries {
  return {
    get: <T>(name: string) => map.get(name) as T | undefined,
    set: (name, value) => void map.set(name, value),
    delete: (name) => void map.delete(name),
    names: () => [...map.keys()],
  }
}
