/**
 * Who is calling, and may they: bearer tokens, the Host header, what this machine may do without a token.
 *
 * Pure but for the clock handed in. Promises: tokens are compared in constant time over their digests; an address that
 * keeps presenting wrong ones is told to wait, and the right one is let in from there all the same (many callers share
 * a proxy's address, and none of them can lock the others out); a web page that a person on this machine opens gains
 * nothing by calling here.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Role } from '../config/config-parts.ts'
import { isLoopback } from '../loopback.ts'
import { HttpError } from './http-error.ts'

export interface AccessToken {
  readonly name: string
  /** The token itself, or `sha256` of it (64 hex digits). */
  readonly token?: string | undefined
  readonly sha256?: string | undefined
  /** From when on it is no longer good. */
  readonly expiresAt?: string | undefined
  readonly roles: readonly Role[]
  /** Absent: all tenants. */
  readonly tenant?: string | undefined
}

/** Who a request comes from. */
export interface Caller {
  readonly name: string
  readonly roles: readonly Role[]
  readonly tenant?: string | undefined
  /** When its token stops being good, ms since 1970. */
  readonly expiresMs?: number | undefined
}

export interface AccessOptions {
  readonly tokens: readonly AccessToken[]
  readonly loopbackRoles: readonly Role[]
  readonly allowedHosts: readonly string[]
  readonly refusalsPerMinuteMax: number
  /** Whether the listener is on a loopback address. */
  readonly loopback: boolean
  readonly nowMs: () => number
}

const addressesMax = 10_000
const minuteMs = 60_000

export class Access {
  readonly #options: AccessOptions
  readonly #tokens: readonly { readonly digest: Buffer; readonly caller: Caller }[]
  readonly #hosts: ReadonlySet<string>
  readonly #refusals = new Map<string, { count: number; sinceMs: number }>()
  readonly #loopbackCaller: Caller

  constructor(options: AccessOptions) {
    this.#options = options
    this.#loopbackCaller = { name: 'loopback', roles: options.loopbackRoles }
    this.#tokens = options.tokens.map(knownToken)
    this.#hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()))
  }

  /**
   * Throws where the Host header is not ours: a name that somebody else points at this machine (DNS rebinding). Loopback
   * names always are: nobody else can point them anywhere.
   */
  checkHost(header: string | undefined): void {
    if (!this.#options.loopback && this.#hosts.size === 0) return
    const name = hostName(header)
    if (name !== undefined && (this.#hosts.has(name) || isLoopback(name))) return
    throw new HttpError(421, 'HOST_NOT_ALLOWED', 'This listener does not answer to that Host header.', {
      hint: 'Add the name to http.allowedHosts if it is yours.',
    })
  }

  /** Who calls: undefined without a token where this machine may do nothing without one. Throws on a wrong token. */
  identify(headers: IncomingHttpHeaders, address: string): Caller | undefined {
    const header = headers.authorization
    if (header === undefined) return this.#withoutToken(headers, address)
    const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(header) ?? []
    const digest = digestOf(token ?? '')
    let found: Caller | undefined
    // All are compared, so that the time tells nothing.
    for (const known of this.#tokens) if (timingSafeEqual(known.digest, digest)) found = known.caller
    if (token !== undefined && found !== undefined) return this.#unexpired(found)
    throw this.#refusal(address)
  }

  #unexpired(caller: Caller): Caller {
    if (caller.expiresMs === undefined || caller.expiresMs > this.#options.nowMs()) return caller
    throw new HttpError(401, 'TOKEN_EXPIRED', 'The token is no longer good.', {
      hint: 'Ask whoever runs Modelwarden for a new one; see docs/configuration.md, http.tokens.',
    })
  }

  /** Throws where none of the caller's roles is among those that the route names. `admin` may do everything. */
  authorize(caller: Caller | undefined, routeRoles: readonly Role[]): asserts caller is Caller {
    if (caller === undefined) {
      throw new HttpError(401, 'TOKEN_MISSING', 'This needs a bearer token.', {
        hint: 'Send the header Authorization: Bearer <token>; see docs/configuration.md, http.tokens.',
      })
    }
    if (caller.roles.includes('admin') || routeRoles.some((role) => caller.roles.includes(role))) return
    throw new HttpError(403, 'ROLE_MISSING', `This needs one of the roles ${routeRoles.join(', ')}.`, {
      ...(caller === this.#loopbackCaller && {
        hint: 'Without a token this machine may do less; send the header Authorization: Bearer <token>.',
      }),
    })
  }

  #withoutToken(headers: IncomingHttpHeaders, address: string): Caller | undefined {
    const { loopback, loopbackRoles } = this.#options
    if (!loopback || loopbackRoles.length === 0 || !isLoopback(address)) return undefined
    // A proxy on this machine speaks for others, a browser for whatever page is open.
    const site = headers['sec-fetch-site']
    const crossSite = headers.origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin')
    if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined || crossSite) return undefined
    return this.#loopbackCaller
  }

  /** For one more wrong token of this address. */
  #refusal(address: string): HttpError {
    const nowMs = this.#options.nowMs()
    let refusals = this.#refusals.get(address)
    if (refusals === undefined || nowMs >= refusals.sinceMs + minuteMs) {
      this.#refusals.delete(address)
      if (this.#refusals.size >= addressesMax) this.#refusals.delete(this.#refusals.keys().next().value!)
      this.#refusals.set(address, (refusals = { count: 0, sinceMs: nowMs }))
    }
    refusals.count++
    const message = 'The bearer token is not known here.'
    if (refusals.count <= this.#options.refusalsPerMinuteMax) return new HttpError(401, 'TOKEN_INVALID', message)
    return new HttpError(429, 'TOO_MANY_REFUSALS', `${message} Nor were many others from this address.`, {
      hint: 'Look where the token comes from before you try again.',
      retryAfterMs: refusals.sinceMs + minuteMs - nowMs,
    })
  }
}

function knownToken({ token, sha256, expiresAt, ...caller }: AccessToken): {
  readonly digest: Buffer
  readonly caller: Caller
} {
  const digest = sha256 === undefined ? digestOf(token ?? '') : Buffer.from(sha256, 'hex')
  return { digest, caller: expiresAt === undefined ? caller : { ...caller, expiresMs: Date.parse(expiresAt) } }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

/** `Host` without its port, in lower case; IPv6 without brackets. */
function hostName(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?$/i.exec(header ?? '') ?? []
  return (bracketed ?? plain)?.toLowerCase()
}
