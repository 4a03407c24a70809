import { expect, test } from 'vitest'
import { agentFamily, networkOf } from './network.ts'

test('addresses of one network are told as one, in either version and any spelling', () => {
  expect(networkOf('203.0.113.9')).toBe(networkOf('203.0.113.200'))
  expect(networkOf('::ffff:203.0.113.9')).toBe(networkOf('203.0.113.9'))
  expect(networkOf('203.0.113.9')).not.toBe(networkOf('203.0.114.9'))
  expect(networkOf('2001:db8:7:1::9')).toBe(networkOf('2001:0DB8:0007:ffff:1:2:3:4'))
  expect(networkOf('2001:db8:7::9')).not.toBe(networkOf('2001:db8:8::9'))
  expect(networkOf('2001:db8::9')).toBe(networkOf('2001:db8::ffff:1'))
  expect(networkOf('x'.repeat(9_000)).length).toBeLessThanOrEqual(80)
})

test('a program keeps its family over its versions', () => {
  expect(agentFamily('python-requests/2.32')).toBe(agentFamily('python-requests/2.31.0'))
  expect(agentFamily('curl/8.6')).not.toBe(agentFamily('axios/1.7'))
})
