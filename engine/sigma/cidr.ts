/**
 * Tests whether an address lies in a CIDR block, or in which of many. IPv4 in dotted form is read by hand, everything else by
 * ipaddr.js.
 *
 * Pure. An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address that it is.
 */
import ipaddr from 'ipaddr.js'

/** A dotted IPv4 address as an unsigned number, or -1. */
function ipv4(text: string): number {
  if (text.length < 7 || text.length > 15) return -1
  let address = 0
  let octet = -1
  let dots = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 46) {
      if (octet < 0 || ++dots > 3) return -1
      address = address * 256 + octet
      octet = -1
    } else if (code >= 48 && code <= 57) {
      octet = octet < 0 ? code - 48 : octet * 10 + code - 48
      if (octet > 255) return -1
    } else return -1
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : -1
}

/** `block` is known to be valid. */
export function compileCidr(block: string): (text: string) => boolean {
  const [network, bits] = ipaddr.parseCIDR(block)
  if (network.kind() === 'ipv6') {
    return (text) => {
      if (!text.includes(':') || !ipaddr.isValid(text)) return false
      const address = ipaddr.parse(text)
      return address.kind() === 'ipv6' && address.match(network, bits)
    }
  }
  // Division by a power of two keeps the prefix; shifts would lose the sign.
  const width = 2 ** (32 - bits)
  const prefix = Math.floor(ipv4(network.toString()) / width)
  return (text) => {
    const plain = ipv4(text)
    if (plain >= 0) return Math.floor(plain / width) === prefix
    if (!text.includes(':') || !ipaddr.isValid(text)) return false
    const address = ipaddr.process(text)
    return address.kind() === 'ipv4' && Math.floor(ipv4(address.toString()) / width) === prefix
  }
}

/** How likely an address lies in a block, guessed: what is private is seen everywhere. */
export function shareOfBlock(block: string): number {
  const [network, bits] = ipaddr.parseCIDR(block)
  const length = network.kind() === 'ipv6' ? bits / 4 : bits
  const share = length <= 8 ? 0.3 : length <= 16 ? 0.03 : 0.003
  return network.range() === 'unicast' ? share : Math.min(0.3, share * 4)
}

/** Blocks of one length. */
interface Four<Filed> {
  /** Addresses in each. */
  readonly width: number
  readonly blocks: Map<number, Filed>
}

interface Six<Filed> {
  readonly bits: number
  readonly blocks: Map<string, Filed>
}

/** Many blocks, and what is filed under each: an address is looked up once for each length that some block has. */
export class CidrTable<Filed> {
  readonly #fours: Four<Filed>[] = []
  readonly #sixes: Six<Filed>[] = []

  /** `joined`: what is filed under a block that is given twice, perhaps spelled otherwise. */
  constructor(blocks: Iterable<readonly [block: string, filed: Filed]>, joined: (before: Filed, more: Filed) => Filed) {
    for (const [block, filed] of blocks) {
      const [network, bits] = ipaddr.parseCIDR(block)
      if (network instanceof ipaddr.IPv6) file(this.#sixBlocks(bits), prefixOf(network.parts, bits), filed, joined)
      else {
        const width = 2 ** (32 - bits)
        file(this.#fourBlocks(width), Math.floor(ipv4(network.toString()) / width), filed, joined)
      }
    }
  }

  #fourBlocks(width: number): Map<number, Filed> {
    const known = this.#fours.find((each) => each.width === width)
    if (known !== undefined) return known.blocks
    const blocks = new Map<number, Filed>()
    this.#fours.push({ width, blocks })
    return blocks
  }

  #sixBlocks(bits: number): Map<string, Filed> {
    const known = this.#sixes.find((each) => each.bits === bits)
    if (known !== undefined) return known.blocks
    const blocks = new Map<string, Filed>()
    this.#sixes.push({ bits, blocks })
    return blocks
  }

  /** Tells what is filed under each block that the address lies in, until it is told that this is enough (true). */
  look(text: string, found: (filed: Filed) => boolean): boolean {
    const plain = ipv4(text)
    if (plain >= 0) return this.#lookFour(plain, found)
    if (!text.includes(':') || !ipaddr.isValid(text)) return false
    const address = ipaddr.parse(text)
    if (!(address instanceof ipaddr.IPv6)) return false
    if (address.isIPv4MappedAddress() && this.#lookFour(ipv4(address.toIPv4Address().toString()), found)) return true
    for (const { bits, blocks } of this.#sixes) {
      const filed = blocks.get(prefixOf(address.parts, bits))
      if (filed !== undefined && found(filed)) return true
    }
    return false
  }

  #lookFour(address: number, found: (filed: Filed) => boolean): boolean {
    for (const { width, blocks } of this.#fours) {
      const filed = blocks.get(Math.floor(address / width))
      if (filed !== undefined && found(filed)) return true
    }
    return false
  }
}

function file<Key, Filed>(
  blocks: Map<Key, Filed>,
  key: Key,
  filed: Filed,
  joined: (before: Filed, more: Filed) => Filed,
): void {
  const before = blocks.get(key)
  blocks.set(key, before === undefined ? filed : joined(before, filed))
}

/** The first bits of an IPv6 address, which comes in parts of sixteen. */
function prefixOf(parts: readonly number[], bits: number): string {
  const whole = bits >>> 4
  const rest = bits & 15
  let prefix = ''
  for (let at = 0; at < whole; at++) prefix += String.fromCharCode(parts[at]!)
  return rest === 0 ? prefix : prefix + String.fromCharCode(parts[whole]! >>> (16 - rest))
}
