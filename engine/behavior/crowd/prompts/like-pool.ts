/** Accounts of one kind of prompts, and what is weighed of them: how they share a load, and what they gather. */
import type { Center } from '../../asked.ts'
import { Balance, type BalanceJson } from './balance.ts'
import { Gathered, type GatheredJson } from './gathered.ts'

export interface PoolJson {
  readonly sinceMs: number
  readonly lastMs: number
  readonly balance: BalanceJson
  /** States of before have none. */
  readonly gathered?: GatheredJson
}

export class LikePool {
  readonly sinceMs: number
  lastMs: number
  readonly balance: Balance
  readonly gathered: Gathered
  /** Of all members, since none of them has asked. */
  center: Center | undefined

  constructor({ sinceMs, lastMs, balance, gathered }: PoolJson) {
    this.sinceMs = sinceMs
    this.lastMs = lastMs
    this.balance = new Balance(balance)
    this.gathered = new Gathered(gathered)
  }

  toJSON(): PoolJson {
    const { sinceMs, lastMs, balance, gathered } = this
    return { sinceMs, lastMs, balance: balance.toJSON(), gathered: gathered.toJSON() }
  }
}
