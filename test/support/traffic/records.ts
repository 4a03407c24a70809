/** Inputs as an inference gateway logs them. */
import { sha256Hex } from '../../../core/ids.ts'
import type { Input, World } from './world.ts'

export interface Account {
  readonly name: string
  readonly stream: Iterator<Input>
  readonly queries: number
  readonly startMs: number
  readonly everyMs: number
  /** What of an input and its answer the gateway logs. */
  readonly logs?: 'features' | 'embedding' | 'output' | 'hash'
}

export interface GatewayRecord {
  readonly id: string
  readonly ts: string
  readonly principal: string
  readonly [field: string]: unknown
}

/** The calls of these accounts in order of time. */
export function recordsOf(file: string, model: string, world: World, accounts: readonly Account[]): GatewayRecord[] {
  const calls = accounts.flatMap((account) =>
    Array.from({ length: account.queries }, (_, n) => {
      return { account, n, atMs: account.startMs + n * account.everyMs, input: account.stream.next().value as Input }
    }),
  )
  calls.sort((a, b) => a.atMs - b.atMs || (a.account.name < b.account.name ? -1 : 1) || a.n - b.n)
  return calls.map(({ account, atMs, input }, n) => recordOf(`${file}-${n}`, atMs, account, model, world, input))
}

export function inputHash(input: Input): string {
  return sha256Hex(JSON.stringify(input))
}

function recordOf(
  id: string,
  atMs: number,
  account: Account,
  model: string,
  world: World,
  input: Input,
): GatewayRecord {
  const { probs, label } = world.answer(input)
  const logs = account.logs ?? 'features'
  return {
    id,
    type: 'inference',
    ts: new Date(atMs).toISOString(),
    tenant: `t-${account.name}`,
    principal: account.name,
    apiKey: `k-${account.name}`,
    ip: '203.0.113.7',
    model,
    ...(logs === 'features' ? { features: input } : logs === 'embedding' ? { embedding: input } : {}),
    ...(logs === 'hash' ? { similarityHash: similarityHash(input) } : {}),
    inputHash: inputHash(input),
    probs,
    label,
    confidence: probs[label],
    status: 200,
  }
}

/** Signs of 256 fixed projections, as docs/detectors/model-queries.md shows it for gateways; the seed stands for the secret. */
function similarityHash(input: Input): string {
  let hash = ''
  for (let bit = 0; bit < 256; bit += 4) {
    let digit = 0
    for (let n = bit; n < bit + 4; n++) {
      let sum = 0
      for (const [i, value] of input.entries()) sum += (sign(n * 4_096 + i) ? 1 : -1) * (value - 0.3)
      digit = digit * 2 + (sum > 0 ? 1 : 0)
    }
    hash += digit.toString(16)
  }
  return hash
}

function sign(n: number): boolean {
  let h = Math.imul(n ^ (n >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return ((h ^ (h >>> 15)) & 1) === 1
}
