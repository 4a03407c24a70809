/**
 * Puts documents through the bulk API.
 *
 * Promises: one result each, in order; documents of one call are stored in their order; those that an overloaded server
 * turns away (429, 503) are sent again, they alone, while the others' results stand; at most `bulksMax` requests are
 * under way over all calls, the next ones wait; a request that is too large is halved; what the server says to have stored
 * (acknowledged.ts), or to have already (conflicts.ts), is looked after.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '../../core/counted.ts'
import { IndexUnavailableError } from '../../core/errors.ts'
import type { PutDocument, PutResult } from '../../core/ports/search-index.ts'
import { documentJson } from '../../core/search-document.ts'
import { stored, type Acknowledged } from './acknowledged.ts'
import type { Connection } from './client.ts'
import { indexLimits, type ElasticsearchSettings } from './config.ts'
import { lasting, type Place } from './conflicts.ts'
import { sourceOf } from './encode.ts'
import { placesOf } from './fields.ts'
import { mayPass, pauseMs, refusalOf, statusOf, type ServerError } from './retry.ts'

/** One document on its way. */
interface Item {
  /** Its place among the documents of the call. */
  readonly at: number
  readonly id: string
  readonly index: string
  /** With a version the highest wins; else the first. */
  readonly versioned: boolean
  /** Its two lines of the request. */
  readonly lines: string
}

interface ItemAnswer {
  readonly status: number
  readonly error?: ServerError
  readonly _primary_term?: number
  readonly _seq_no?: number
}

interface Sent extends Place {
  readonly item: Item
}

interface BulkAnswer {
  readonly items: readonly Readonly<Record<string, ItemAnswer | undefined>>[]
}

export interface BulkTarget {
  /** The index of a document, made where it isn't there. */
  indexFor(document: PutDocument): Promise<string>
  /** An index that should be there is gone: it is made again. */
  missing(index: string): Promise<void>
}

export class Bulk {
  readonly #connection: Connection
  readonly #settings: ElasticsearchSettings
  readonly #target: BulkTarget
  readonly #turns = new Turns()

  constructor(connection: Connection, settings: ElasticsearchSettings, target: BulkTarget) {
    this.#connection = connection
    this.#settings = settings
    this.#target = target
  }

  async put(documents: readonly PutDocument[]): Promise<readonly PutResult[]> {
    const results: PutResult[] = []
    let items: Item[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      if (items.length === 0) return
      await this.#send(items, results)
      items = []
      bytes = 0
    }
    for (const [at, document] of documents.entries()) {
      const item = await this.#itemOf(document, at)
      if ('reason' in item) {
        results[at] = { id: document.id, outcome: 'refused', reason: item.reason }
        continue
      }
      // Characters, not bytes: near enough for a batch, and the server says when one is too large.
      if (bytes + item.lines.length > indexLimits.bulkBytesMax || items.length >= indexLimits.bulkDocumentsMax) {
        await flush()
      }
      items.push(item)
      bytes += item.lines.length
    }
    await flush()
    return results
  }

  async #itemOf(put: PutDocument, at: number): Promise<Item | { readonly reason: string }> {
    const checked = documentJson(put)
    if ('reason' in checked) return checked
    const { id, timeMs, document, version } = put
    const encoded = sourceOf({ id, timeMs, document, json: checked.json }, placesOf(put.collection))
    if ('reason' in encoded) return encoded
    const index = await this.#target.indexFor(put)
    const to = `"_index":${JSON.stringify(index)},"_id":${JSON.stringify(id)}`
    const head =
      version === undefined ? `{"create":{${to}}}` : `{"index":{${to},"version":${version},"version_type":"external"}}`
    return { at, id, index, versioned: version !== undefined, lines: `${head}\n${encoded.source}\n` }
  }

  /** Sends until each has a result. */
  async #send(items: readonly Item[], results: PutResult[]): Promise<void> {
    const deadline = performance.now() + this.#settings.deliveryTimeoutMs
    let waiting = items
    for (let tries = 1; ; tries += 1) {
      const again = await this.#turns.take(() => this.#once(waiting, results))
      if (again.items.length === 0) return
      if (performance.now() > deadline) {
        throw new IndexUnavailableError(
          `${counted(again.items.length, 'document was', 'documents were')} turned away: ${again.why}`,
        )
      }
      await sleep(pauseMs(tries))
      waiting = again.items
    }
  }

  /** One request; what must be sent again. */
  async #once(items: readonly Item[], results: PutResult[]): Promise<Again> {
    const answer = await this.#request(items, results)
    if ('why' in answer) return answer
    const again: Item[] = []
    const written: (Sent & Acknowledged)[] = []
    const conflicts: Sent[] = []
    let why = ''
    for (const [i, item] of items.entries()) {
      const { status, error, ...write }: ItemAnswer = Object.values(answer.items[i] ?? {})[0] ?? { status: 500 }
      const sent: Sent = { item, index: item.index, id: item.id }
      if (status < 300) written.push({ ...sent, term: write._primary_term, seqNo: write._seq_no })
      else if (status === 409) conflicts.push(sent)
      else if (mayPass(status, error)) {
        if (error?.type === 'index_not_found_exception') await this.#target.missing(item.index)
        again.push(item)
        why = error === undefined ? `status ${status}` : refusalOf(error)
      } else {
        const reason = error === undefined ? `status ${status}` : refusalOf(error)
        results[item.at] = { id: item.id, outcome: 'refused', reason }
      }
    }
    const known = await stored(this.#connection, written)
    // A flush tells of the others; in good health there are none.
    const others = [...written.filter((each) => !known.has(each)), ...conflicts]
    const there = await lasting(this.#connection, others)
    for (const each of [...known, ...there]) {
      const { at, id, versioned } = each.item
      results[at] = { id, outcome: 'term' in each ? 'stored' : versioned ? 'stale' : 'duplicate' }
    }
    for (const each of others) if (!there.has(each)) again.push(each.item)
    if (there.size < others.length) why = 'it was there, but not on the disk yet'
    return { items: again.sort((a, b) => a.at - b.at), why }
  }

  async #request(items: readonly Item[], results: PutResult[]): Promise<BulkAnswer | Again> {
    try {
      return await this.#connection.ask<BulkAnswer>({
        method: 'POST',
        path: '/_bulk',
        querystring: { filter_path: 'items.*.status,items.*.error,items.*._primary_term,items.*._seq_no' },
        lines: items.map((each) => each.lines).join(''),
      })
    } catch (error) {
      const status = statusOf((error as Error).cause)
      if (status === 429) return { items, why: (error as Error).message }
      if (status !== 413) throw error
      if (items.length === 1) {
        const reason = 'It is larger than the server takes in one request (http.max_content_length).'
        results[items[0]!.at] = { id: items[0]!.id, outcome: 'refused', reason }
        return { items: [], why: '' }
      }
      const half = Math.ceil(items.length / 2)
      const first = await this.#once(items.slice(0, half), results)
      const second = await this.#once(items.slice(half), results)
      return { items: [...first.items, ...second.items], why: first.why || second.why }
    }
  }
}

interface Again {
  readonly items: readonly Item[]
  /** Why the last of them was turned away. */
  readonly why: string
}

/** Lets `bulksMax` tasks run at a time, first come, first served. */
class Turns {
  readonly #waiting: (() => void)[] = []
  #running = 0

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= indexLimits.bulksMax) {
      if (this.#waiting.length >= indexLimits.waitingMax) {
        throw new IndexUnavailableError(`${this.#waiting.length} requests wait for the index already.`)
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running += 1
    }
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
