import { describe, expect, it } from 'vitest'
import { neutralLine, neutralText } from './terminal-text.ts'

describe('text from events on a terminal', () => {
  it('shows escape sequences and changes of direction as what they are', () => {
    expect(neutralText('a\u001b]0;x\u0007\u202eb\u009b')).toBe('a\\u001b]0;x\\u0007\\u202eb\\u009b')
  })

  it('shows characters that have no width, so that two names do not look like one', () => {
    expect(neutralText('ana\u200b')).toBe('ana\\u200b')
    expect(neutralLine('ana\u{e0041}')).toBe('ana\\udb40\\udc41')
    // Fillers and a blank of other scripts, and what chooses between pictures.
    for (const hidden of ['\u3164', '\u115f', '\uffa0', '\u2800', '\u034f', '\ufe0f', '\u{e0100}']) {
      expect(neutralLine(`ana${hidden}x`)).toMatch(/^ana\\u[0-9a-f]{4}/)
    }
  })

  it('leaves JSON the JSON that it was', () => {
    const value = { name: 'a\u200b\u{e0041}\u202e', text: 'naïve \u{1f600} 例' }
    expect(JSON.parse(neutralText(JSON.stringify(value)))).toEqual(value)
  })
})
