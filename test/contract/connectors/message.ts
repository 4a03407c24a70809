/** A message as respond writes them, and one whose every text wants to be something else. */
import type { Notice } from '../../../core/notice.ts'

export const notice: Notice = {
  tenant: 'acme',
  incidentId: 'incident-1',
  incidentVersion: 3,
  severity: 'high',
  title: 'A model is being extracted',
  what: 'The key key-a asked model llm-7b 12,000 questions in 10 minutes.',
  who: ['principal acme/customer-7', 'credential key-a'],
  assets: ['model llm-7b'],
  since: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T00:10:00.000Z',
  certainty: 'Severity high, risk 95; 1 finding by 1 rule.',
  lost: '12000 queries.',
  done: ['Revoke credential key-a — done and proven: Refused at the authorize endpoint.'],
  next: ['Ask the customer.'],
  dryRun: false,
  playbook: { id: 'revoke-stolen-key', title: 'Revoke a stolen key', version: 'abc' },
}

export const message = { headline: 'Key key-a is revoked', notice }

/** Wants to mention, link, break out of a header, hide, reverse, or run. */
export const hostileText =
  '<!channel> <https://evil.example|click> *bold* `x` & <script>alert(1)</script>\r\nBcc: eve@evil.example\n\u202egnol\u0000\u200b\ud800'

export const hostile = {
  headline: hostileText,
  notice: {
    ...notice,
    title: hostileText,
    what: `${hostileText}\n${'x'.repeat(3_500)}`,
    who: Array.from({ length: 12 }, () => hostileText),
    done: Array.from({ length: 30 }, () => hostileText.repeat(3).slice(0, 480)),
  },
}
