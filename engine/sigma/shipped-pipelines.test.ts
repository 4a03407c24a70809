import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { compileSigma } from './compile.ts'
import { createMatcher } from './matcher.ts'
import type { EventTree, LogSource } from './types.ts'

const pipelines = globSync('rules/pipelines/*.yml').map((path) => ({ path, text: readFileSync(path, 'utf8') }))

/** Whether a public rule finds one of our events. */
function finds(logsource: LogSource, selection: Record<string, unknown>, source: LogSource, event: EventTree): boolean {
  const detection = { selection, condition: 'selection' }
  const rule = { path: 'r.yml', text: stringify({ title: 'R', logsource, detection }) }
  const { rules, mistakes } = compileSigma([...pipelines, rule])
  expect(mistakes).toEqual([])
  let found = false
  createMatcher(rules).match({ ...event, warden: { logsource: source } }, () => (found = true))
  return found
}

describe('public rules find our events', () => {
  it.each<[string, LogSource, Record<string, unknown>, LogSource, EventTree]>([
    [
      'of CloudTrail',
      { product: 'aws', service: 'cloudtrail' },
      { eventName: 'StopLogging', 'userIdentity.type': 'Root' },
      { product: 'aws', service: 'cloudtrail' },
      { aws: { cloudtrail: { eventName: 'StopLogging', userIdentity: { type: 'Root' } } } },
    ],
    [
      'of Kubernetes',
      { category: 'application', product: 'kubernetes', service: 'audit' },
      { verb: 'create', 'objectRef.subresource': 'exec' },
      { product: 'kubernetes', service: 'audit' },
      { kubernetes: { audit: { verb: 'create', objectRef: { subresource: 'exec' } } } },
    ],
    [
      'of Okta, however the rule spells its fields',
      { product: 'okta', service: 'okta' },
      { eventtype: 'user.session.start', 'securityContext.isProxy': 'true' },
      { product: 'okta', service: 'okta' },
      { okta: { eventType: 'user.session.start', securityContext: { isProxy: true } } },
    ],
    [
      'of GitHub',
      { product: 'github', service: 'audit' },
      { action: ['repo.access'] },
      { product: 'github', service: 'audit' },
      { github: { action: 'repo.access' } },
    ],
    [
      'of Microsoft 365',
      { product: 'm365', service: 'audit' },
      { Operation: 'New-InboxRule' },
      { product: 'm365', service: 'audit' },
      { o365: { audit: { Operation: 'New-InboxRule' } } },
    ],
    [
      'of Sysmon',
      { product: 'windows', category: 'process_creation' },
      { 'Image|endswith': '\\a.exe', OriginalFileName: 'a' },
      { product: 'windows', service: 'sysmon' },
      { event: { code: '1' }, process: { executable: 'C:\\a.exe' }, winlog: { event_data: { OriginalFileName: 'A' } } },
    ],
    [
      'of the Windows security log',
      { product: 'windows', service: 'security' },
      { EventID: 4624, LogonType: 3 },
      { product: 'windows', service: 'security' },
      { event: { code: 4624 }, winlog: { event_data: { LogonType: '3' } } },
    ],
    [
      'of Linux processes and of auditd',
      { product: 'linux', service: 'auditd' },
      { type: 'EXECVE', Image: '/bin/sh' },
      { product: 'linux', service: 'auditd' },
      { auditd: { data: { type: 'execve' } }, process: { executable: '/bin/sh' } },
    ],
    [
      'of proxies',
      { category: 'proxy' },
      { 'c-uri|contains': '/x', 'cs-method': 'GET' },
      { product: 'squid', category: 'proxy' },
      { url: { original: 'http://h/x' }, http: { request: { method: 'get' } } },
    ],
    [
      'of web servers, where the query stands alone or not',
      { category: 'webserver' },
      { 'cs-uri-query|contains': 'q=1', 'sc-status': 200 },
      { category: 'webserver' },
      { url: { original: '/a?q=1' }, http: { response: { status_code: 200 } } },
    ],
  ])('%s', (_name, logsource, selection, source, event) => {
    expect(finds(logsource, selection, source, event)).toBe(true)
    expect(finds(logsource, selection, { product: 'another' }, event)).toBe(false)
  })

  it('of Sysmon only where they were recorded for the rule\u2019s category', () => {
    const rule = [{ product: 'windows', category: 'image_load' }, { 'Image|endswith': '\\a.exe' }] as const
    const sysmon = { product: 'windows', service: 'sysmon' }
    expect(finds(...rule, sysmon, { event: { code: 7 }, process: { executable: '\\a.exe' } })).toBe(true)
    expect(finds(...rule, sysmon, { event: { code: 1 }, process: { executable: '\\a.exe' } })).toBe(false)
  })
})
