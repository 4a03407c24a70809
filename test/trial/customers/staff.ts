/** People and services of the operator: what they read, pull, clone and send on ordinary days. */
import type { Dice } from '../dice.ts'
import type { Traffic } from '../files/traffic.ts'
import { dayMs, hourMs, minuteMs } from './rhythm.ts'

export interface Person {
  readonly principal: string
  readonly role: 'research' | 'platform' | 'data' | 'support' | 'service'
  readonly ip: string
  readonly country: string
  readonly userAgent: string
  /** Hour of the day that work begins, UTC. */
  readonly begins: number
  /** How much more than others. */
  readonly zeal: number
}

export interface Estate {
  readonly people: readonly Person[]
  readonly weights: string
  readonly corpus: string
  readonly backup: string
  readonly models: readonly string[]
  readonly shards: number
  readonly shardBytes: number
  readonly parts: number
  readonly partBytes: number
  readonly repositories: readonly string[]
  readonly sites: readonly string[]
  readonly country: string
}

export function estateOf(dice: Dice): Estate {
  const country = dice.pick(['DE', 'FR', 'NL', 'SE', 'US', 'CA'])
  const [second, org] = [dice.int(10, 250), dice.pick(['ml', 'research', 'core-ai', 'platform'])]
  const office = (): string => `10.${second}.${dice.int(0, 15)}.${dice.int(2, 250)}`
  const agents = ['aws-cli/2.22', 'Boto3/1.35', 'git/2.47', 's5cmd/2.3', 'console.example']
  const person = (principal: string, role: Person['role']): Person => {
    return {
      principal,
      role,
      ip: office(),
      country,
      userAgent: dice.pick(agents),
      begins: dice.between(6, 9),
      zeal: Math.exp(dice.normal(0, 0.4)),
    }
  }
  const roles = ['research', 'platform', 'data', 'support'] as const
  const staff = Array.from({ length: dice.int(22, 28) }, (_, n) =>
    person(`${dice.pick(['e', 'emp-', 'x.'])}${dice.hex(4)}`, roles[n % 4]!),
  )
  return {
    people: [
      ...staff,
      ...['backup', 'train', 'release', 'ci'].map((name) => person(`svc-${name}-${dice.hex(2)}`, 'service')),
    ],
    weights: `s3://${dice.pick(['weights', 'model-weights', 'release-weights'])}-${dice.hex(3)}`,
    corpus: `s3://${dice.pick(['train-data', 'training-corpus', 'train-sets'])}-${dice.hex(3)}`,
    backup: `s3://backup-${dice.hex(3)}`,
    models: Array.from({ length: 3 }, () => `${dice.pick(['lm', 'vis', 'rank'])}-${dice.hex(2)}`),
    shards: dice.int(16, 48),
    shardBytes: dice.int(90, 400) * 1_000_000,
    parts: dice.int(150, 300),
    partBytes: dice.int(10, 60) * 1_000_000,
    repositories: ['trainer', 'serving', 'evals', 'tools', 'infra', 'tokenizer'].map((name) => `git://${org}/${name}`),
    sites: ['docs.example.org', 'github.com', 'zoom.us', 'saas.example.com', 'tickets.example.com'],
    country,
  }
}

export function shard({ weights, shards }: Estate, model: string, n: number): string {
  return `${weights}/${model}/model-${String(n + 1).padStart(5, '0')}-of-${String(shards).padStart(5, '0')}.safetensors`
}

export function part({ corpus }: Estate, n: number): string {
  return `${corpus}/corpus/part-${String(n).padStart(4, '0')}.parquet`
}

export interface Deed {
  readonly source: 'objectstore' | 'registry' | 'git' | 'iam' | 'egress'
  readonly action: string
  readonly resource: string
  readonly bytes?: number
  readonly detail?: Record<string, unknown>
}

export function audit(
  traffic: Traffic,
  atMs: number,
  who: Person,
  { bytes = 0, detail = {}, ...deed }: Deed,
  run?: string,
): void {
  const { principal, ip, userAgent, country } = who
  const body = {
    type: 'audit',
    ...deed,
    principal,
    tenant: 'corp',
    ip,
    userAgent,
    country,
    bytes: Math.round(bytes),
    outcome: 'success',
    detail,
  }
  traffic.other(Math.floor(atMs), principal, body, run)
}

/** Everybody's days; the honest truth of all but those who are named is that they did their work. */
export function addStaff(traffic: Traffic, estate: Estate, dice: Dice, days: number, except: readonly Person[]): void {
  for (const person of estate.people) {
    if (!except.includes(person)) traffic.honest(person.principal, `staff: ${person.role}`)
    for (let day = 0; day < days; day++) {
      const midnight = traffic.startMs + day * dayMs
      const weekday = new Date(midnight).getUTCDay()
      if (person.role === 'service') serviceDay(traffic, estate, dice, person, midnight)
      else if ((weekday !== 0 && weekday !== 6) || dice.chance(0.06)) personDay(traffic, estate, dice, person, midnight)
    }
  }
}

function personDay(traffic: Traffic, estate: Estate, dice: Dice, person: Person, midnight: number): void {
  const at = (): number => midnight + (person.begins + dice.between(0, 9)) * hourMs
  const some = (mean: number): number => Math.floor(dice.exponential(mean * person.zeal) + 0.4)
  audit(traffic, midnight + person.begins * hourMs, person, {
    source: 'iam',
    action: 'ConsoleLogin',
    resource: 'console',
    detail: { mfa: true },
  })
  for (let n = some(4); n > 0; n--) {
    audit(traffic, at(), person, {
      source: 'egress',
      action: 'flow',
      resource: dice.pick(estate.sites),
      bytes: 3e6 * Math.exp(dice.normal(0, 1.3)),
    })
  }
  for (let n = some(1.5); n > 0; n--) {
    const action = dice.chance(0.75) ? 'git.fetch' : 'git.push'
    audit(traffic, at(), person, {
      source: 'git',
      action,
      resource: dice.pick(estate.repositories.slice(0, 4)),
      bytes: 2e6 * dice.exponential(1),
    })
  }
  if (person.role === 'data' || (person.role === 'research' && dice.chance(0.5))) {
    // Training reads come in runs of parts that lie together.
    const from = dice.int(0, estate.parts - 1)
    const start = at()
    for (let n = some(person.role === 'data' ? 14 : 7); n > 0; n--) {
      const bytes = estate.partBytes * dice.between(0.9, 1.1)
      audit(traffic, start + n * dice.between(4, 30) * 1_000, person, {
        source: 'objectstore',
        action: 'GetObject',
        resource: part(estate, (from + n) % estate.parts),
        bytes,
      })
    }
  }
  if (person.role === 'support' && dice.chance(0.4)) {
    audit(traffic, at(), person, {
      source: 'objectstore',
      action: 'GetObject',
      resource: part(estate, dice.int(0, 20)),
      bytes: estate.partBytes,
    })
  }
  if (person.role === 'research' && dice.chance(0.12)) {
    audit(traffic, at(), person, {
      source: 'objectstore',
      action: 'GetObject',
      resource: shard(estate, dice.pick(estate.models), dice.int(0, 2)),
      bytes: estate.shardBytes,
    })
  }
  if (person.role === 'platform' && dice.chance(0.1)) {
    audit(traffic, at(), person, {
      source: 'registry',
      action: 'PromoteModel',
      resource: `${dice.pick(estate.models)}:v${dice.int(1, 9)}`,
    })
  }
  if (person.role === 'platform' && dice.chance(0.06)) {
    const detail = { ticket: `OPS-${dice.int(1_000, 9_999)}` }
    audit(traffic, at(), person, {
      source: 'iam',
      action: 'CreateAccessKey',
      resource: dice.pick(estate.people).principal,
      detail,
    })
  }
}

function serviceDay(traffic: Traffic, estate: Estate, dice: Dice, person: Person, midnight: number): void {
  const [model] = estate.models
  const name = person.principal
  if (name.startsWith('svc-backup')) {
    for (let n = 0; n < estate.shards; n++) {
      const detail = { dest: estate.backup }
      audit(traffic, midnight + 2 * hourMs + n * 20_000, person, {
        source: 'objectstore',
        action: 'CopyObject',
        resource: shard(estate, model!, n),
        bytes: estate.shardBytes,
        detail,
      })
    }
  } else if (name.startsWith('svc-train')) {
    for (let n = 0; n < 40; n++) {
      const at = midnight + (1 + n * 0.5) * hourMs + dice.between(0, 20) * minuteMs
      audit(traffic, at, person, {
        source: 'objectstore',
        action: 'GetObject',
        resource: part(estate, dice.int(0, estate.parts - 1)),
        bytes: estate.partBytes,
      })
    }
  } else if (name.startsWith('svc-release')) {
    if (dice.chance(0.4)) {
      const pulled = dice.pick(estate.models)
      for (let n = 0; n < estate.shards; n++) {
        audit(traffic, midnight + 11 * hourMs + n * 8_000, person, {
          source: 'registry',
          action: 'PullModel',
          resource: shard(estate, pulled, n),
          bytes: estate.shardBytes,
        })
      }
    }
  } else {
    for (let n = 0; n < 12; n++) {
      audit(traffic, midnight + dice.between(0, 24) * hourMs, person, {
        source: 'git',
        action: 'git.clone',
        resource: dice.pick(estate.repositories),
        bytes: 3e7,
      })
    }
  }
}
