/**
 * The network that an address belongs to and the family of a user agent: what stays when a program restarts, a lease runs
 * out or a library is updated.
 *
 * Pure and cheap: called for each event. What is no address is its own network.
 */

const textMax = 80

/** Several detectors ask for the same event, and most events come from few programs: the last answers. */
const last = { address: '', network: '', agent: '', family: '' }

/** The /24 of an IPv4 address, the /48 of an IPv6 one. */
export function networkOf(address: string): string {
  if (address === last.address) return last.network
  last.network = networkIn(address)
  last.address = address
  return last.network
}

function networkIn(address: string): string {
  const mapped = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  if (!mapped.includes(':')) {
    const end = mapped.lastIndexOf('.')
    return end < 0 ? mapped.slice(0, textMax) : mapped.slice(0, end)
  }
  // Before a run of zeros (`::`) stand fewer than three groups, where the network itself has zeros in it.
  const [head = ''] = mapped.toLowerCase().split('::')
  const groups = head.split(':').slice(0, 3)
  return (
    groups
      .map((group) => group.replace(/^0+(?=.)/, ''))
      .join(':')
      .slice(0, textMax) + '::'
  )
}

/** A user agent without its versions. */
export function agentFamily(agent: string): string {
  if (agent === last.agent) return last.family
  last.family = familyOf(agent)
  last.agent = agent
  return last.family
}

function familyOf(agent: string): string {
  return agent
    .slice(0, 200)
    .toLowerCase()
    .replace(/[\d.]+/g, '')
    .replace(/[/\s_-]+/g, ' ')
    .trim()
    .slice(0, textMax)
}
