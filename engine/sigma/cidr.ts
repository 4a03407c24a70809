/**
 * Tests whether an address lies in a CIDR block. IPv4 in dotted form is read by hand, everything else by ipaddr.js.
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
