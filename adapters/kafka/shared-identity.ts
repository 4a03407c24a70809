import type { Link } from './client.ts'
import type { ProducerIdentity } from './outbox.ts'

/** One producer id for all partitions, until one of them is in trouble. */
export class SharedIdentity {
  readonly transactionalId = undefined
  readonly #link: Link
  #current: Promise<ProducerIdentity> | undefined

  constructor(link: Link) {
    this.#link = link
  }

  async get(): Promise<ProducerIdentity> {
    return await (this.#current ?? this.renew())
  }

  async renew(): Promise<ProducerIdentity> {
    const asked = this.#ask()
    this.#current = asked
    try {
      return await asked
    } catch (error) {
      if (this.#current === asked) this.#current = undefined
      throw error
    }
  }

  async #ask(): Promise<ProducerIdentity> {
    const node = await this.#link.any()
    const { producerId, producerEpoch } = await node.initProducerId({
      transactionTimeout: this.#link.settings.transactionTimeoutMs,
    })
    return { producerId: Number(producerId), producerEpoch }
  }
}
