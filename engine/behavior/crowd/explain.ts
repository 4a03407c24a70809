/** Says in words who makes up a crowd, and why each is in it. */
import { counted } from '../../../core/counted.ts'
import type { EvidenceRef } from '../../../core/signal.ts'
import { limits } from '../../../core/limits.ts'
import { inTens, power, strengthOf, strengthWords } from '../strength.ts'
import type { BehaviorFinding } from '../types.ts'
import type { Cell, Share } from './cell.ts'
import type { Account, Crowd } from './kept.ts'
import { sorts, type Sort } from './params.ts'

const words: Readonly<Record<Sort, string>> = {
  turns: 'takes its turn among them',
  steps: "asks others' queries with a step of equal size in each coordinate",
  alike: 'asks more like them than like anybody else',
  novel: 'asks what honest accounts do not',
  relay: 'begins where another of them ends, again and again',
}

const shared: Readonly<Record<Cell['kind'], (name: string) => string>> = {
  network: (name) => `shares the network ${name}`,
  agent: (name) => `shares the program ${name}`,
  model: () => 'uses the same model',
  crowded: () => 'comes from networks with several tenants',
}

/** What one account shares, and what it brought. */
export function whyMember(cell: Cell, share: Share, { queries }: Account): string {
  const brought = sorts
    .map((sort, place) => ({ sort, log: share.logs[place]! / 1e3 }))
    .filter(({ log }) => log >= 0.7)
    .sort((a, b) => b.log - a.log)
    .map(({ sort, log }) => `${words[sort]} (${power(inTens(log))})`)
  return `${shared[cell.kind](cell.name)}; ${brought.join('; ')}; ${queries} queries`.slice(0, 500)
}

/** Where it stands in a row of accounts. */
export function whyRelay({ relieves, relieved, queries }: Account): string {
  const began = relieves === undefined ? [] : ['began when another of them had ended']
  const ended = relieved === true ? ['ended when the next of them began'] : []
  return `${[...began, ...ended].join('; ')}; ${queries} queries`
}

/** What it asks, and how much of the load it has. */
export function whyDealt(calls: number, even: number): string {
  return `asks prompts of one kind with the others; of their load ${calls} calls, where equal shares make ${even.toFixed(1)}`
}

/** Whose queries follow from others', or others' from its own. */
export function whyKin({ steps, stepped, queries }: Account): string {
  const own = `asks others' queries with a step of equal size in each coordinate (${power(inTens(steps ?? 0))})`
  const others = `others ask its queries with such a step (${power(inTens(stepped ?? 0))})`
  const said = [...((steps ?? 0) >= 0.7 ? [own] : []), ...((stepped ?? 0) >= 0.7 ? [others] : [])]
  return `${said.join('; ')}; ${queries} queries`
}

export function describeCrowd(
  model: string,
  id: string,
  crowd: Crowd,
  known: (principal: string) => Account | undefined,
  line: number,
): BehaviorFinding {
  const members = Object.entries(crowd.members).sort(([a], [b]) => (a < b ? -1 : 1))
  const accounts = members.flatMap(([principal]) => known(principal) ?? [])
  const evidence: EvidenceRef[] = accounts
    .flatMap(({ evidence: refs }) => refs.slice(0, 1))
    .slice(0, limits.signalEvidenceMax)
  const queries = accounts.reduce((sum, account) => sum + account.queries, 0)
  const tenants = new Set(accounts.map(({ tenant }) => tenant)).size
  const networks = new Set(accounts.map(({ network }) => network)).size
  const agents = new Set(accounts.map(({ agent }) => agent)).size
  const strength = strengthOf(crowd.top, line)
  return {
    anchor: id,
    version: crowd.version,
    status: 'open',
    supersedes: crowd.supersedes,
    group: { 'warden.model.id': model },
    timeMs: crowd.lastMs,
    window: { startMs: crowd.sinceMs, endMs: crowd.lastMs + 1 },
    entities: [
      ...members.slice(0, 64).map(([principal]) => ({ type: 'principal' as const, id: principal })),
      ...accounts
        .slice(0, 64)
        .flatMap(({ credential }) =>
          credential === undefined ? [] : [{ type: 'credential' as const, id: credential }],
        ),
      { type: 'model', id: model },
    ],
    evidence: { count: queries, events: evidence },
    explanation:
      `${members.length} accounts of ${counted(tenants, 'tenant')} use ${model} as one hand would: from ` +
      `${counted(networks, 'network')} with ${counted(agents, 'kind')} of programs, ${counted(queries, 'query', 'queries')} together. ` +
      `Pooled over ${crowd.cells.join(', ')}: ${strengthWords(strength)}; none of them brings more than a part of it. ` +
      `${members[0]![0]}, for one, ${members[0]![1]}.`,
    facts: {
      accounts: members.length,
      tenants,
      networks,
      agents,
      queries,
      ...strength,
    },
    exposure: { queries },
    series: [{ name: 'accounts', x: 'ms', points: crowd.series }],
    members: members.map(([principal, why]) => ({ principal, why })),
  }
}
