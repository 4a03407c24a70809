/**
 * Which indices there are, and when they go.
 *
 * Events stand in an index for each day on which they happened, so that what is old goes as a whole; events older than
 * what is kept go to the one `late` index, so that a history read in late makes no thousand indices. Where the server
 * has index lifecycle management it removes the days itself, by the day they are named after and not by when they were
 * made; else `expire` does.
 */
import type { Clock } from '../../core/ports/clock.ts'
import { collections, type Collection, type PutDocument } from '../../core/ports/search-index.ts'
import { IndexUnavailableError } from '../../core/errors.ts'
import type { Connection } from './client.ts'
import type { ElasticsearchLog, ElasticsearchSettings } from './config.ts'
import { timeField } from './query.ts'
import { errorType } from './retry.ts'
import { mappingsOf, namesFor, templates, templateVersion, type Names } from './templates.ts'

const dayMs = 86_400_000
/** A long deletion; it goes on at the server if we stop waiting. */
const deletionMsMax = 10 * 60_000

/** Who removes the days of events that are over. */
export type LifecycleKind = 'ilm' | 'expire'

export class Lifecycle {
  readonly names: Names
  readonly #connection: Connection
  readonly #settings: ElasticsearchSettings
  readonly #clock: Clock
  readonly #log: ElasticsearchLog
  /** Indices that we know to be there. */
  readonly #there = new Map<string, Promise<void>>()
  #kind: LifecycleKind | undefined

  constructor(
    connection: Connection,
    settings: ElasticsearchSettings,
    { clock, log }: { readonly clock: Clock; readonly log: ElasticsearchLog },
  ) {
    this.names = namesFor(settings.prefix)
    this.#connection = connection
    this.#settings = settings
    this.#clock = clock
    this.#log = log
  }

  /** Templates, policy, and the indices that are no day's. Mappings of indices made by an older version get its new fields. */
  async prepare(): Promise<void> {
    const path = (collection: Collection): string => `/_index_template/${this.names.template(collection)}`
    const before = await this.#connection.ask<{ index_templates?: { index_template: { version?: number } }[] }>(
      { method: 'GET', path: path('events') },
      { absent: [404] },
    )
    for (const [name, body] of templates(this.#settings)) {
      await this.#connection.ask({ method: 'PUT', path: `/_index_template/${name}`, body })
    }
    const kind = await this.kind()
    if (kind === 'ilm') await this.#putPolicy()
    for (const collection of collections) if (collection !== 'events') await this.#make(this.names.all(collection))
    const version = before?.index_templates?.[0]?.index_template.version
    if (version !== undefined && version < templateVersion) await this.#updateMappings(version)
    this.#log.debug('the search index is prepared', { lifecycle: kind, prefix: this.#settings.prefix })
  }

  /** Asked of the server once. */
  async kind(): Promise<LifecycleKind> {
    if (this.#kind === undefined) {
      // Servers without it answer as if `_ilm` were no address at all.
      const status = await this.#connection.ask<{ operation_mode?: string }>(
        { method: 'GET', path: '/_ilm/status' },
        { absent: [400, 403, 404, 405, 410] },
      )
      this.#kind = status?.operation_mode === 'RUNNING' ? 'ilm' : 'expire'
    }
    return this.#kind
  }

  /** The index that a document belongs to, made where it isn't there. */
  async indexFor({ collection, timeMs }: PutDocument): Promise<string> {
    if (collection !== 'events') return this.names.all(collection)
    const start = Math.floor(timeMs / dayMs) * dayMs
    const keptFrom = this.#clock.nowMs() - this.#settings.eventsKeptDays * dayMs
    const day = start + dayMs <= keptFrom ? undefined : new Date(start).toISOString().slice(0, 10)
    const index = day === undefined ? this.names.late : this.names.day(day)
    await this.make(index)
    return index
  }

  /** Makes an index unless it is known to be there. */
  async make(index: string): Promise<void> {
    const known = this.#there.get(index)
    if (known !== undefined) {
      await known
      return
    }
    const made = this.#make(index)
    this.#there.set(index, made)
    try {
      await made
    } catch (error) {
      this.#there.delete(index)
      throw error
    }
  }

  /** It was there, and is no longer. */
  async missing(index: string): Promise<void> {
    this.#there.delete(index)
    await this.make(index)
  }

  /**
   * Removes what is older. Of events those days that are over as a whole, unless the server does that, and what came late;
   * the number removed.
   */
  async expire(collection: Collection, beforeMs: number): Promise<number> {
    if (collection !== 'events') return await this.#removeOlder(this.names.all(collection), beforeMs)
    let removed = 0
    if ((await this.kind()) === 'expire') {
      for (const index of await this.eventIndices()) {
        const day = this.names.dayOf(index)
        if (day !== undefined && Date.parse(day) + dayMs <= beforeMs) removed += await this.#drop(index)
      }
    }
    return removed + (await this.#removeOlder(this.names.late, beforeMs))
  }

  /** The names of all indices of events that there are. */
  async eventIndices(): Promise<readonly string[]> {
    const found = await this.#connection.ask<{ indices: readonly { name: string }[] }>({
      method: 'GET',
      path: `/_resolve/index/${this.names.all('events')}`,
      querystring: { allow_no_indices: true },
    })
    return found.indices.map((each) => each.name)
  }

  async #make(index: string): Promise<void> {
    const day = this.names.dayOf(index)
    const managed = day !== undefined && (await this.kind()) === 'ilm'
    const settings = managed
      ? { 'index.lifecycle.name': this.names.policy, 'index.lifecycle.origination_date': Date.parse(day) }
      : {}
    try {
      await this.#connection.ask({ method: 'PUT', path: `/${index}`, body: { settings } })
    } catch (error) {
      if (errorType(error) === 'resource_already_exists_exception') return
      // E.g. the cluster holds all the shards it may: no document is to blame for that.
      throw new IndexUnavailableError(`The index ${index} can't be made: ${(error as Error).message}`, { cause: error })
    }
  }

  async #putPolicy(): Promise<void> {
    const age = `${this.#settings.eventsKeptDays + 1}d`
    await this.#connection.ask({
      method: 'PUT',
      path: `/_ilm/policy/${this.names.policy}`,
      body: { policy: { phases: { delete: { min_age: age, actions: { delete: {} } } } } },
    })
  }

  async #updateMappings(from: number): Promise<void> {
    for (const collection of collections) {
      const { properties, _meta } = mappingsOf(collection) as Record<string, unknown>
      try {
        await this.#connection.ask(
          {
            method: 'PUT',
            path: `/${this.names.all(collection)}/_mapping`,
            querystring: { allow_no_indices: true, ignore_unavailable: true },
            body: { properties, _meta },
          },
          { absent: [404] },
        )
      } catch (error) {
        // Its documents are found through the maps beside them; new indices get the new mapping.
        this.#log.warn('an older index keeps its mapping', { collection, from, error: (error as Error).message })
      }
    }
  }

  async #drop(index: string): Promise<number> {
    const counted = await this.#connection.ask<{ count: number }>(
      { method: 'GET', path: `/${index}/_count` },
      { absent: [404] },
    )
    await this.#connection.ask({ method: 'DELETE', path: `/${index}` }, { absent: [404] })
    this.#there.delete(index)
    return counted?.count ?? 0
  }

  async #removeOlder(index: string, beforeMs: number): Promise<number> {
    const done = await this.#connection.ask<{ deleted?: number }>(
      {
        method: 'POST',
        path: `/${index}/_delete_by_query`,
        querystring: { conflicts: 'proceed', ignore_unavailable: true, allow_no_indices: true },
        body: { query: { range: { [timeField]: { lt: beforeMs } } } },
      },
      { timeoutMs: deletionMsMax },
    )
    return done.deleted ?? 0
  }
}
