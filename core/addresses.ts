/**
 * Whether an address lies in one of a license's blocks.
 *
 * Pure. Promises: IPv4 in IPv6 (`::ffff:198.51.100.7`) is the IPv4 address; what is no address, in a block or in a call,
 * matches nothing.
 */
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

export interface AddressBlock {
  readonly base: Address
  readonly bits: number
}

const mappedBits = 96

/** The blocks that can be read; those that can't are left out, so that they open nothing. */
export function compileBlocks(texts: readonly string[]): readonly AddressBlock[] {
  return texts.flatMap((text) => {
    const [base = '', bits] = text.split('/')
    const parsed = parseAddress(base)
    if (parsed === undefined) return []
    const whole = parsed.kind() === 'ipv4' ? 32 : 128
    const given = bits === undefined ? undefined : Number(bits)
    // A block of mapped addresses (::ffff:a.b.c.d/96+n) is written in IPv6's bits.
    const length = given !== undefined && whole === 32 && base.includes(':') ? given - mappedBits : (given ?? whole)
    return Number.isInteger(length) && length >= 0 && length <= whole ? [{ base: parsed, bits: length }] : []
  })
}

export function inBlocks(blocks: readonly AddressBlock[], text: string | undefined): boolean {
  const address = text === undefined ? undefined : parseAddress(text)
  if (address === undefined) return false
  return blocks.some(({ base, bits }) => base.kind() === address.kind() && address.match([base, bits] as never))
}

/** IPv4 in four decimal parts only: short and octal forms are read differently by different programs. */
function parseAddress(text: string): Address | undefined {
  if (text.length > 64 || text.includes('%')) return undefined
  if (!text.includes(':')) return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined
  return ipaddr.IPv6.isValid(text) ? ipaddr.process(text) : undefined
}
