/**
 * Builds a Slack message from a notice, within Slack's limits: 50 blocks, 150 characters in a header, 3,000 in a section,
 * 40,000 in the text (docs.slack.dev/reference/block-kit/blocks).
 *
 * Pure. Content stands in `plain_text` objects, where Slack interprets nothing; what stands in mrkdwn is ours, and escaped
 * all the same, so that no content can mention a channel, make a link or look like one of ours.
 */
import type { KnownBlock } from '@slack/web-api'
import type { Notice } from '../../core/notice.ts'
import { footerOf, plainLine, plainText, sectionsOf, subjectOf } from '../notice-text.ts'

const headerCharsMax = 150
const sectionCharsMax = 2_900
const blocksMax = 50

export function blocksOf(headline: string, notice: Notice, possiblyRepeated: boolean): KnownBlock[] {
  const blocks: KnownBlock[] = [
    {
      type: 'header',
      text: {
        type: 'plain_text',
        text: plainLine(subjectOf(headline, notice, possiblyRepeated), headerCharsMax),
        emoji: false,
      },
    },
    { type: 'section', text: { type: 'plain_text', text: plainLine(notice.title), emoji: false } },
  ]
  for (const { label, lines } of sectionsOf(notice)) {
    blocks.push({ type: 'section', text: { type: 'mrkdwn', text: `*${escapeMrkdwn(label)}*`, verbatim: true } })
    blocks.push({
      type: 'section',
      text: {
        type: 'plain_text',
        text: plainText(lines.map((line) => (lines.length > 1 ? `• ${line}` : line)).join('\n'), sectionCharsMax),
        emoji: false,
      },
    })
  }
  blocks.push({ type: 'context', elements: [{ type: 'plain_text', text: plainLine(footerOf(notice)), emoji: false }] })
  return blocks.slice(0, blocksMax)
}

/** What notifications and clients without blocks show. Slack parses it, so it is escaped. */
export function fallbackText(headline: string, notice: Notice, possiblyRepeated: boolean): string {
  return escapeMrkdwn(subjectOf(headline, notice, possiblyRepeated))
}

/** The three characters that control Slack's parser (docs.slack.dev/messaging/formatting-message-text). */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
