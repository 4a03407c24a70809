/**
 * Which addresses a webhook may be delivered to: the guard against server-side request forgery.
 *
 * Promises: a name is resolved once, here; all its addresses must be allowed, and the connection goes to exactly one of
 * these, so that a name that changes its answer between the check and the connection (DNS rebinding) gains nothing. Only
 * global unicast addresses pass (IANA special-purpose registries, as ipaddr.js has them), in whatever notation they come;
 * others only where the configuration names their block.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ConnectorRefusedError } from '../../core/ports/connector.ts'

export interface GuardOptions {
  /** Plain HTTP is refused unless this is set. */
  readonly allowHttp: boolean
  /** CIDR blocks that may be delivered to although they are not public. */
  readonly allowAddresses: readonly string[]
}

/** All of IPv6 that is given out (IANA, IPv6 address space): what lies outside may be IPv4 in a deprecated disguise. */
const globalUnicast = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number]
/** Public by its number, but in every Azure network the platform's own agent, which gives out configuration and keys. */
const azureWireServer = '168.63.129.16'

/** Resolves a name to all its addresses; node's `dns.lookup` unless a test says otherwise. */
export type Resolve = (name: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void

const systemResolve: Resolve = (name, done) => {
  systemLookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
    done(error, addresses)
  })
}

export class AddressGuard {
  readonly #allowHttp: boolean
  readonly #blocks: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]
  readonly #resolve: Resolve

  constructor(options: GuardOptions, resolve: Resolve = systemResolve) {
    this.#allowHttp = options.allowHttp
    this.#blocks = options.allowAddresses.map((block) =>
      ipaddr.parseCIDR(block.includes('/') ? block : `${block}/${ipaddr.parse(block).kind() === 'ipv4' ? 32 : 128}`),
    )
    this.#resolve = resolve
  }

  /** Throws ConnectorRefusedError where the URL itself is not allowed. */
  checkUrl(url: URL): void {
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.#allowHttp)) {
      throw new ConnectorRefusedError(`Webhooks go to https addresses only, not to ${url.protocol}//`)
    }
    if (url.username !== '' || url.password !== '')
      throw new ConnectorRefusedError('A webhook’s address must not carry a login.')
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (ipaddr.isValid(host)) this.#checkAddress(host)
  }

  #checkAddress(address: string): void {
    if (!this.allows(address))
      throw new ConnectorRefusedError(
        `${address} is not a public address, and connectors.webhook.allowAddresses does not name it.`,
      )
  }

  /** Whether an address may be connected to. IPv4 in IPv6 notation counts as the IPv4 address that it is. */
  allows(address: string): boolean {
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    if (this.#blocks.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match(base, bits))) return true
    if (parsed.range() !== 'unicast' || parsed.toString() === azureWireServer) return false
    return parsed.kind() === 'ipv4' || parsed.match(globalUnicast)
  }

  /** For the socket's own lookup: what it connects to is what was checked. */
  readonly lookup: LookupFunction = (name, options, done) => {
    this.#resolve(name, (error, addresses) => {
      const fail = (cause: Error): void => {
        done(cause, [])
      }
      if (error !== null) {
        fail(error)
        return
      }
      const [first] = addresses
      const refused = addresses.find(({ address }) => !this.allows(address))
      if (refused !== undefined || first === undefined) {
        fail(
          new ConnectorRefusedError(
            refused === undefined
              ? `${name} has no address.`
              : `${name} stands for ${refused.address}, which is not a public address.`,
          ),
        )
      } else if (options.all === true) done(null, [...addresses])
      else done(null, first.address, first.family)
    })
  }
}
