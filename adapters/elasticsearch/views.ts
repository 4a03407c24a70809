/**
 * Views of the index for walks through pages: points in time that the server keeps.
 *
 * A glance at a first page costs none: a view is opened when a second page is asked for. Cursors name it by a handle,
 * since the server's own ids are kilobytes long. Promises: a walk whose view is gone (another process, a restart, a minute
 * of rest) goes on without: pages are in a total order, so they still follow each other without gap or repetition.
 */
import { randomBytes } from 'node:crypto'
import type { Connection } from './client.ts'
import { indexLimits } from './config.ts'

const keepAlive = `${indexLimits.viewKeptMs}ms`

export class Views {
  readonly #connection: Connection
  /** The server's id by handle, the longest unused first. */
  readonly #known = new Map<string, string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A new view; undefined where the server has none to give. */
  async open(index: string): Promise<string | undefined> {
    const querystring = { keep_alive: keepAlive, ignore_unavailable: true }
    const opened = await this.#connection.ask<{ id: string }>(
      { method: 'POST', path: `/${index}/_pit`, querystring },
      { absent: [400, 403, 404, 405, 429, 503] },
    )
    if (opened === undefined) return undefined
    for (const handle of this.#known.keys()) {
      if (this.#known.size < indexLimits.viewsMax) break
      await this.close(handle)
    }
    const handle = randomBytes(9).toString('base64url')
    this.#known.set(handle, opened.id)
    return handle
  }

  /** What a search says to see through it; undefined where it is gone. */
  through(handle: string): { readonly id: string; readonly keep_alive: string } | undefined {
    const id = this.#known.get(handle)
    return id === undefined ? undefined : { id, keep_alive: keepAlive }
  }

  /** The server may give a view another id with each answer. */
  renew(handle: string, id: string): void {
    this.#known.delete(handle)
    this.#known.set(handle, id)
  }

  async close(handle: string): Promise<void> {
    const id = this.#known.get(handle)
    this.#known.delete(handle)
    if (id === undefined) return
    try {
      await this.#connection.ask({ method: 'DELETE', path: '/_pit', body: { id } }, { absent: [404] })
    } catch {
      // It ends by itself within a minute.
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#known.keys()].map((handle) => this.close(handle)))
  }
}
