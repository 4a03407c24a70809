/**
 * A gateway beside the pipeline: holders of keys call all the time, and it asks authorize about each call. What licensing and
 * respond promise is judged by what it is told: a key that was refused once is never let through again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from '../../support/fleet.ts'

export interface GateReport {
  /** Principals whose keys are refused in the end. */
  readonly refused: readonly string[]
  readonly allowed: readonly string[]
  /** Keys that were let through after they had been refused. */
  readonly relented: readonly string[]
  /** Answers that said neither yes nor no: authorize was away, or not ready. */
  readonly silent: number
  readonly asked: number
}

const everyMs = 20
const withinMs = 60_000

export class Gate {
  readonly #fleet: Fleet
  readonly #principals: readonly string[]
  readonly #refused = new Set<string>()
  readonly #relented = new Set<string>()
  #silent = 0
  #asked = 0
  #asking: Promise<void> | undefined
  #over = false

  /** `principals`: each holds a key. */
  constructor(fleet: Fleet, principals: readonly string[]) {
    this.#fleet = fleet
    this.#principals = principals
  }

  /** Registers the keys, and one license that is about to end; resolves when all are let through. */
  async open(validUntilMs: number): Promise<void> {
    const validUntil = new Date(validUntilMs).toISOString()
    await this.#put('/v1/licenses/fault', { tenant: 'own', models: ['*'], validUntil })
    for (const principal of this.#principals) {
      const whose = { secret: secretOf(principal), tenant: 'own', principal: `own/${principal}`, licenseId: 'fault' }
      await this.#put('/v1/credentials', { ...whose, label: principal })
    }
    const deadline = performance.now() + withinMs
    for (const principal of this.#principals) {
      while ((await this.#ask(principal)) !== 'allow') {
        if (performance.now() > deadline) throw new Error(`the key of ${principal} is not let through`)
        await sleep(everyMs)
      }
    }
    this.#asking = this.#askOn()
  }

  async close(): Promise<GateReport> {
    this.#over = true
    await this.#asking
    const last = new Map<string, string>()
    for (const principal of this.#principals) last.set(principal, await this.#ask(principal))
    return {
      refused: this.#principals.filter((each) => last.get(each) === 'deny'),
      allowed: this.#principals.filter((each) => last.get(each) === 'allow'),
      relented: [...this.#relented],
      silent: this.#silent,
      asked: this.#asked,
    }
  }

  async #askOn(): Promise<void> {
    for (let turn = 0; !this.#over; turn += 1) {
      const principal = this.#principals[turn % this.#principals.length]!
      const decision = await this.#ask(principal)
      if (decision === 'deny') this.#refused.add(principal)
      else if (decision === 'allow' && this.#refused.has(principal)) this.#relented.add(principal)
      await sleep(everyMs)
    }
  }

  async #ask(principal: string): Promise<'allow' | 'deny' | 'silence'> {
    this.#asked += 1
    try {
      const answer = await this.#send('authorize', 'POST', '/v1/authorize', {
        credential: secretOf(principal),
        model: 'm',
      })
      if (answer.status === 200) {
        const { decision } = (await answer.json()) as { decision: string }
        return decision === 'allow' ? 'allow' : 'deny'
      }
    } catch {
      // It is being killed.
    }
    this.#silent += 1
    return 'silence'
  }

  async #put(path: string, body: unknown): Promise<void> {
    const answer = await this.#send('licensing', 'PUT', path, body)
    if (!answer.ok) throw new Error(`licensing answers ${answer.status} to ${path}: ${await answer.text()}`)
  }

  #send(service: string, method: string, path: string, body: unknown): Promise<Response> {
    const { token, members } = this.#fleet
    return fetch(`${members.get(service)!.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5_000),
    })
  }
}

function secretOf(principal: string): string {
  return `sk-fault-${principal}-0123456789`
}
