/** Who calls: names, keys, addresses and agents, all drawn. */
import type { Dice } from '../dice.ts'

export interface Identity {
  readonly principal: string
  readonly tenant: string
  readonly apiKey: string
  readonly ip: string
  readonly userAgent: string
  readonly country: string
}

const agents = [
  'python-requests/2.32.3',
  'python-httpx/0.28.1',
  'aiohttp/3.11',
  'okhttp/4.12.0',
  'okhttp/5.1.0',
  'axios/1.8.2',
  'node-fetch/3.3',
  'undici',
  'Go-http-client/2.0',
  'curl/8.9.1',
  'Apache-HttpClient/5.4 (Java/21.0.5)',
  'Java-http-client/21.0.4',
  'GuzzleHttp/7',
  'Faraday v2.12.0',
  'reqwest/0.12',
  'PostmanRuntime/7.43.0',
]
const countries = [
  'DE',
  'FR',
  'GB',
  'US',
  'IN',
  'BR',
  'CA',
  'JP',
  'NL',
  'PL',
  'ES',
  'AU',
  'SG',
  'ZA',
  'SE',
  'MX',
  'KR',
  'IT',
]

export function addressOf(dice: Dice): string {
  return `${dice.int(23, 212)}.${dice.int(0, 255)}.${dice.int(0, 255)}.${dice.int(1, 254)}`
}

/** Another address of the same network (/24). */
export function besides(ip: string, dice: Dice): string {
  return `${ip.slice(0, ip.lastIndexOf('.'))}.${dice.int(1, 254)}`
}

export function agentOf(dice: Dice, not?: string): string {
  return dice.pick(agents.filter((agent) => agent !== not))
}

export function countryOf(dice: Dice, not?: string): string {
  return dice.pick(countries.filter((country) => country !== not))
}

export function identityOf(dice: Dice, given: Partial<Identity> = {}): Identity {
  const name = dice.pick([
    `u-${dice.hex(6)}`,
    `acct_${dice.hex(8)}`,
    `${dice.hex(4)}@c${dice.hex(3)}.example`,
    dice.hex(12),
  ])
  return {
    principal: name,
    tenant: `t-${dice.hex(5)}`,
    apiKey: keyOf(dice),
    ip: addressOf(dice),
    userAgent: agentOf(dice),
    country: countryOf(dice),
    ...given,
  }
}

export function keyOf(dice: Dice): string {
  return `k-${dice.hex(12)}`
}
