/** What the pooling step remembers of an account, and of a crowd that it has found: entries of the state of one model. JSON. */
import type { EvidenceRef } from '../../../core/signal.ts'

export interface Account {
  readonly tenant: string
  network: string
  agent: string
  readonly firstMs: number
  lastMs: number
  queries: number
  /** Queries among the last ones, and where that count began. */
  kept: number
  keptFrom: number
  crowd?: string
  /** Evidence that it asks others' queries with a step, and others its own; whose it asked, latest first. */
  steps?: number
  stepped?: number
  parents?: string[]
  /** Whom it relieved, and that it was relieved itself; it is as busy, and as long in use, as those beside it. */
  relieves?: string
  relieved?: boolean
  usual?: boolean
  credential?: string
  evidence: readonly EvidenceRef[]
}

export interface Crowd {
  readonly sinceMs: number
  lastMs: number
  version: number
  /** Members when it was told last. */
  told: number
  /** Member -> why. */
  members: Record<string, string>
  supersedes: string[]
  /** Of the cell with the most evidence. */
  top: number
  cells: string[]
  /** More than the order of their queries speaks against them. */
  backed?: true
  series: [number, number][]
}
