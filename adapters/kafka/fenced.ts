/**
 * Writes in transactions under a name that one holder owns.
 *
 * Whoever takes the name bumps its epoch at the transaction coordinator; what an earlier holder still tries is refused
 * (INVALID_PRODUCER_EPOCH, PRODUCER_FENCED) and becomes FencedError. A transaction that failed half-way is aborted with
 * InitProducerId version 3 or later, which carries the epoch held: it never takes the name back from somebody else.
 */
import { FencedError } from '../../core/errors.ts'
import type { CommitUntil, FencedProducer, OutgoingRecord } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { KafkaLog, Link } from './client.ts'
import type { BrokerNode } from './internals.ts'
import type { ProducerIdentity } from './outbox.ts'
import { Producer } from './produce.ts'
import { closed, faultType, isPassing, pause, withRetries } from './retry.ts'
import { bumpEpoch, isEnding } from './transaction-requests.ts'

/** Markers are written in some ms; longer waits change nothing about the commit. */
const shownWithinMs = 1_000
/** Asked after this long: at once is too early nearly always. */
const shownPollMs = 2
const publishedAtOnce = 50_000
const lostTypes: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
])

/** Which name is held, and after how long the broker aborts a transaction under it that nobody ends. */
interface Holding {
  readonly link: Link
  readonly name: string
  readonly commitMsMax: number
}

export class KafkaFencedProducer implements FencedProducer {
  readonly #link: Link
  readonly #name: string
  readonly #commitMsMax: number
  readonly #log: KafkaLog
  readonly #producer: Producer
  #identity: ProducerIdentity
  #turn: Promise<unknown> = Promise.resolve()
  /** A transaction was begun and its end is not known. */
  #open = false
  /** Whether readers are known to see the last transaction. */
  #shown = true
  #closed = false
  #fenced: FencedError | undefined

  private constructor({ link, name, commitMsMax }: Holding, identity: ProducerIdentity, log: KafkaLog, clock: Clock) {
    this.#link = link
    this.#name = name
    this.#commitMsMax = commitMsMax
    this.#identity = identity
    this.#log = log
    const current = async () => this.#identity
    this.#producer = new Producer(link, { transactionalId: name, get: current, renew: current }, log, clock)
  }

  static async take(holding: Holding, log: KafkaLog, clock: Clock): Promise<KafkaFencedProducer> {
    const { link, name, commitMsMax } = holding
    const taken = await atCoordinator(link, name, link.settings.deliveryTimeoutMs, `take ${name}`, (node) =>
      node.initProducerId({ transactionalId: name, transactionTimeout: commitMsMax }),
    )
    const identity = { producerId: Number(taken.producerId), producerEpoch: taken.producerEpoch }
    return new KafkaFencedProducer(holding, identity, log, clock)
  }

  async commit(records: readonly OutgoingRecord[], until: CommitUntil = 'shown'): Promise<void> {
    if (this.#closed) throw closed(`commit of ${this.#name}`)
    if (records.length === 0) return
    const turn = this.#turn.then(() => this.#commit(records, until))
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#turn
    // A broker that is gone does not hold up who closes.
    if (!this.#shown) await Promise.race([this.#untilShown(), pause(shownWithinMs)])
    await this.#producer.close()
  }

  async #commit(records: readonly OutgoingRecord[], until: CommitUntil): Promise<void> {
    if (this.#fenced !== undefined) throw this.#fenced
    for (let recovered = false; ; recovered = true) {
      if (this.#open) await this.#recover()
      try {
        await this.#transact(records)
        if (until === 'shown') await this.#untilShown()
        return
      } catch (error) {
        // The coordinator also bumps the epoch of a transaction that outlived its timeout: then the name is still ours.
        if (!(error instanceof FencedError) || recovered) throw this.#remember(error)
        this.#open = true
      }
    }
  }

  async #transact(records: readonly OutgoingRecord[]): Promise<void> {
    const { deliveryTimeoutMs } = this.#link.settings
    const doing = `commit of ${this.#name}`
    const partitions = await this.#producer.partitionsOf(records)
    const placed = records.map((record, index) => ({ ...record, partition: partitions[index]! }))
    const topics = [...Map.groupBy(placed, (record) => record.topic)].map(([topic, ofTopic]) => ({
      topic,
      partitions: [...new Set(ofTopic.map((record) => record.partition))],
    }))
    const id = { transactionalId: this.#name, ...this.#identity }
    this.#open = true
    await atCoordinator(this.#link, this.#name, deliveryTimeoutMs, doing, (node) =>
      node.addPartitionsToTxn({ ...id, topics }),
    )
    // In parts, each of which has the time that one publish is given.
    for (let from = 0; from < placed.length; from += publishedAtOnce) {
      await this.#producer.publish(placed.slice(from, from + publishedAtOnce))
    }
    await atCoordinator(this.#link, this.#name, deliveryTimeoutMs, doing, (node) =>
      node.endTxn({ ...id, transactionResult: true }),
    )
    this.#open = false
    this.#shown = false
  }

  /** The coordinator answers as soon as the commit can't be lost; readers see it some ms later, when markers are written. */
  async #untilShown(): Promise<void> {
    this.#shown = true
    const until = performance.now() + shownWithinMs
    try {
      do {
        if (performance.now() > until) return
        await pause(shownPollMs)
      } while (await isEnding(await this.#link.coordinator('transaction', this.#name), this.#name))
    } catch (error) {
      this.#log.debug('Whether a transaction shows yet could not be asked.', { name: this.#name, error: String(error) })
    }
  }

  /** Aborts what is open and begins again under the next epoch, if the name is still ours. */
  async #recover(): Promise<void> {
    const { deliveryTimeoutMs } = this.#link.settings
    try {
      this.#identity = await atCoordinator(this.#link, this.#name, deliveryTimeoutMs, `recover ${this.#name}`, (node) =>
        bumpEpoch(node, this.#name, this.#commitMsMax, this.#identity),
      )
    } catch (error) {
      throw this.#remember(error)
    }
    this.#producer.restart()
    this.#open = false
    this.#log.info('A transaction was aborted, and its producer begins again.', { name: this.#name })
  }

  #remember(error: unknown): unknown {
    const type = faultType(error)
    if (error instanceof FencedError) this.#fenced = error
    else if (type !== undefined && lostTypes.has(type)) {
      this.#fenced = new FencedError(`somebody else holds ${this.#name} now`, { cause: error })
    }
    return this.#fenced ?? error
  }
}

/** Asks the name's coordinator, finding it again where it has moved. Back-to-back transactions wait some ms for markers. */
async function atCoordinator<T>(
  link: Link,
  name: string,
  withinMs: number,
  doing: string,
  task: (node: BrokerNode) => Promise<T>,
): Promise<T> {
  return await withRetries(async () => task(await link.coordinator('transaction', name)), {
    doing,
    withinMs,
    firstMs: 3,
    maxMs: 500,
    onRetry: (error) => {
      if (faultType(error) !== 'CONCURRENT_TRANSACTIONS') link.forgetCoordinator('transaction', name)
      if (isPassing(error) && faultType(error) === undefined) link.forgetAll()
    },
  })
}
