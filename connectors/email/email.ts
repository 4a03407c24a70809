/**
 * E-mail over SMTP (nodemailer).
 *
 * Mail can't be read back: a message accepted just before a kill may be sent twice. Promises: such a repeat carries the
 * same Message-ID, derived from the idempotency key (RFC 5322, 3.6.4), and says in its subject and in a header that it is
 * one; hostile content can't make a header; the password is in no error.
 */
import { createTransport, type SentMessageInfo, type Transporter } from 'nodemailer'
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js'
import { z } from 'zod'
import { describeError } from '../../core/errors.ts'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
} from '../../core/ports/connector.ts'
import { maskSecrets } from '../../core/mask.ts'
import { untilAborted } from '../deadline.ts'
import { messageArgs, plainLine } from '../notice-text.ts'
import { composeMail } from './compose.ts'

export interface EmailOptions {
  readonly host: string
  readonly port: number
  /** `implicit`: TLS from the first byte; `starttls`: required before anything is sent; `none`: in the clear. */
  readonly tls: 'implicit' | 'starttls' | 'none'
  /** Name to expect in the server's certificate, where it is not the host's. */
  readonly serverName?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly from: string
  readonly to: readonly string[]
  /** Right side of the Message-ID; default: the domain of `from`. */
  readonly domain?: string | undefined
  readonly timeoutMs: number
}

/** addr-spec without quoting, comments or control characters: what a playbook or a configuration may name. */
const Address = z
  .string()
  .max(254)
  .regex(
    /^[^\s<>()[\]\\,;:"@\p{Cc}]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/u,
    'Write an address like ops@example.org',
  )

const Args = z.strictObject({ ...messageArgs, to: z.array(Address).min(1).max(50).optional() })
type Args = z.infer<typeof Args>

export function createEmailConnector(options: EmailOptions): Connector {
  const clean = (error: unknown): string => {
    const said = maskSecrets(describeError(error))
    return plainLine(options.password === undefined ? said : said.replaceAll(options.password, '[masked]'), 300)
  }
  const send: ConnectorAction<Args> = {
    args: Args,
    destructive: false,
    once: 'none',
    timeoutMs: options.timeoutMs,
    describe: (args) => `Mail “${plainLine(args.headline, 120)}” to ${(args.to ?? options.to).join(', ')}.`,
    target: (args) => `email:${(args.to ?? options.to).join(',')}`.slice(0, 512),
    do: (args, context) => deliver(options, args, context, clean),
  }
  return {
    name: 'email',
    concurrency: 2,
    actions: { send },
    probe: async () => {
      const transport = connect(options)
      try {
        await transport.verify()
        return { ok: true, summary: `${options.host}:${options.port} answers and accepts our login.` }
      } catch (error) {
        return { ok: false, summary: `${options.host}:${options.port}: ${clean(error)}` }
      } finally {
        transport.close()
      }
    },
  }
}

async function deliver(
  options: EmailOptions,
  args: Args,
  context: ConnectorContext,
  clean: (error: unknown) => string,
) {
  const to = args.to ?? options.to
  const domain = options.domain ?? options.from.slice(options.from.lastIndexOf('@') + 1)
  const mail = composeMail({ headline: args.headline, notice: args.notice, from: options.from, to, domain, context })
  // A connection of its own for each mail: a break then belongs to this mail alone.
  const transport = connect(options)
  try {
    const sent = await untilAborted(context.signal, `${options.host}:${options.port}`, transport.sendMail(mail), () => {
      transport.close()
    })
    const refused = sent.rejected.map(String)
    const some = refused.length === 0 ? '' : `; refused for ${refused.join(', ')}`
    return {
      summary: plainLine(`Mailed to ${to.filter((each) => !refused.includes(each)).join(', ')}${some}.`, 400),
      details: {
        messageId: sent.messageId,
        answer: plainLine(sent.response, 200),
        ...(refused.length === 0 ? {} : { refused: refused.join(',') }),
      },
    }
  } catch (error) {
    throw classify(error, clean)
  } finally {
    transport.close()
  }
}

function connect(options: EmailOptions): Transporter<SentMessageInfo & SMTPTransport.SentMessageInfo> {
  return createTransport({
    host: options.host,
    port: options.port,
    secure: options.tls === 'implicit',
    requireTLS: options.tls === 'starttls',
    ignoreTLS: options.tls === 'none',
    ...(options.user === undefined ? {} : { auth: { user: options.user, pass: options.password ?? '' } }),
    tls: { minVersion: 'TLSv1.2', ...(options.serverName === undefined ? {} : { servername: options.serverName }) },
    connectionTimeout: options.timeoutMs,
    greetingTimeout: options.timeoutMs,
    socketTimeout: options.timeoutMs,
    dnsTimeout: options.timeoutMs,
    // A message is built from hostile text: nothing in it may name a file or an address to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  } satisfies SMTPTransport.Options)
}

/** What the server said decides (RFC 5321, 4.2.1): 4yz may be tried again, 5yz may not; no answer to DATA: unknown. */
function classify(error: unknown, clean: (error: unknown) => string): Error {
  if (error instanceof ConnectorUnavailableError) return error
  const { code, responseCode, command } = error as { code?: string; responseCode?: number; command?: string }
  if (code === 'EAUTH' && responseCode !== undefined && responseCode < 500)
    return new ConnectorUnavailableError(`The mail server can't check the login now: ${clean(error)}`, {
      maybeDone: false,
    })
  if (code === 'EAUTH') return new ConnectorRefusedError(`The mail server refuses the login: ${clean(error)}`)
  if (responseCode !== undefined && responseCode >= 500)
    return new ConnectorRefusedError(`The mail server refuses the message: ${clean(error)}`)
  if (responseCode !== undefined)
    return new ConnectorUnavailableError(`The mail server asks to try later: ${clean(error)}`, { maybeDone: false })
  if (code === 'ETLS') return new ConnectorRefusedError(`No secure connection to the mail server: ${clean(error)}`)
  const beforeData = command !== undefined && command !== 'DATA'
  return new ConnectorUnavailableError(`The mail server can't be reached: ${clean(error)}`, { maybeDone: !beforeData })
}
