import { describe, expect, it } from 'vitest'
import { maskSecrets } from './mask.ts'

describe('masking', () => {
  it.each([
    ['{"apiKey": "k-0d21bee0"}', 'k-0d21bee0'],
    ['{"api_key":"abcdef"', 'abcdef'],
    ["password='hunter22'", 'hunter22'],
    ['Authorization: Bearer abc.def-123', 'abc.def-123'],
    ['{\\"client_secret\\": \\"s3cr3t-value\\"}', 's3cr3t-value'],
    ['x sk-proj-0123456789abcdefghij y', 'sk-proj-0123456789abcdefghij'],
    ['token xoxb-1234567890-abcdef', 'xoxb-1234567890-abcdef'],
    ['amqp://user:pa55word@broker/', 'pa55word'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0'],
  ])('leaves nothing of the secret in %j', (text, secret) => {
    expect(maskSecrets(text)).not.toContain(secret)
    expect(maskSecrets(text)).toContain('[masked]')
  })

  it('leaves credential digests and ordinary text as they are', () => {
    const text =
      '{"credential":"hmac-00112233445566778899aabbccddeeff","apiKey":"hmac-00112233445566778899aabbccddeeff","action":"GetObject"}'
    expect(maskSecrets(text)).toBe(text)
  })

  it('masks a JWT that follows something that only begins like one', () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWl0'
    expect(maskSecrets(`eyJub3QtYS10b2tlbg and ${jwt}`)).toBe('eyJub3QtYS10b2tlbg and [masked]')
  })

  it('takes linear time on text made to be slow', () => {
    const attacks = [
      'secret'.repeat(50_000),
      '"password":'.repeat(30_000),
      'eyJ' + 'a'.repeat(200_000),
      'eyJ-'.repeat(75_000),
      `eyJ${'a'.repeat(10)}.`.repeat(20_000),
      '://a:'.repeat(60_000),
      '-----BEGIN '.repeat(30_000),
    ]
    const startMs = performance.now()
    for (const attack of attacks) maskSecrets(attack)
    expect(performance.now() - startMs).toBeLessThan(2_500)
  })
})
