/**
 * One route of the HTTP API: what it takes and answers, as the schemas that check it and from which the OpenAPI document
 * is made (openapi.ts).
 *
 * Promises: parameters, query and body are checked by the very schemas that are published, unknown names are refused, and
 * the complaint says where and what, never the value; a deed is on record before it is tried (deeds.ts).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { complaintText, firstComplaint } from '../../core/form-words.ts'
import { canonicalDigest } from '../../core/ids.ts'
import type { Role } from '../config/config-parts.ts'
import type { Caller } from './http-access.ts'
import { HttpError } from './http-error.ts'

/** One kind of answer. Without a schema: JSON of any form, or what `type` says. */
export interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  /** Content type; default application/json. */
  readonly type?: string
}

/** What the OpenAPI document says of a route. */
export interface RouteDocs {
  readonly summary: string
  /** Groups routes in the document. */
  readonly tag: string
  readonly description?: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** Content types of a body that no schema describes. */
  readonly bodyTypes?: readonly string[]
  /** By status; those that every route of its kind may answer with need not be named. */
  readonly answers: Readonly<Record<number, Answer>>
}

/** Changes something on a person's behalf: goes on record. */
export interface DeedSpec<Given> {
  /** In a few words what it is about, e.g. `close incident:<id>`. */
  readonly target: (given: Given) => string
  /** What the digest is made over; default: parameters, query and body. Never a secret. */
  readonly arguments?: (given: Given) => unknown
}

/** Which of the limits on requests in a minute counts it. */
export type Pace = 'query' | 'deed'

type Parsed<Schema> = Schema extends z.ZodType ? z.infer<Schema> : undefined

export interface Given<P, Q, B> {
  readonly params: Parsed<P>
  readonly query: Parsed<Q>
  readonly body: Parsed<B>
  readonly caller: Caller
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

export interface RouteSpec<
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
> extends Omit<RouteDocs, 'params' | 'query' | 'body'> {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** With `:name` for parameters. */
  readonly url: string
  readonly roles: readonly Role[]
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** Code of the error where query or body are not as described. */
  readonly invalid?: string
  /** What helps whoever got it wrong. */
  readonly hint?: string
  readonly bodyLimit?: number
  readonly pace?: Pace
  readonly deed?: DeedSpec<Given<P, Q, B>>
  readonly handle: (given: Given<P, Q, B>) => unknown
}

const nothing = z.strictObject({})
/** An id in a path. */
export const IdParams = z.strictObject({ id: z.string().min(1).max(512) })

export function mountRoute<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(app: FastifyInstance, spec: RouteSpec<P, Q, B>): void {
  const { method, url, roles, bodyLimit, deed, handle, invalid = 'REQUEST_INVALID', hint } = spec
  const { params, query, body } = spec
  const pace = spec.pace ?? (deed === undefined ? 'query' : 'deed')
  app.route({
    method,
    url,
    config: { roles, docs: spec as RouteDocs, pace, ...(deed === undefined ? {} : { deed: true }) },
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    handler: async (request, reply) => {
      const given = {
        params: params === undefined ? undefined : checked(params, request.params, 'parameter', invalid, hint),
        query: checked(query ?? nothing, request.query, 'parameter', invalid, hint),
        body: body === undefined ? undefined : checked(body, request.body, 'field', invalid, hint),
        caller: request.caller,
        request,
        reply,
      } as Given<P, Q, B>
      if (deed !== undefined) {
        const spoken = deed.arguments?.(given) ?? { params: request.params, query: request.query, body: request.body }
        await app.deeds.attempt(request, deed.target(given), canonicalDigest(spoken))
      }
      return await handle(given)
    },
  })
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: 'parameter' | 'field',
  code: string,
  hint: string | undefined,
): z.infer<Schema> {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  const told = complaintOf(parsed.error, schema, what)
  const help = told.hint ?? hint
  throw new HttpError(400, code, told.message, help === undefined ? {} : { hint: help })
}

/** Where and what, never the value: it may be hostile, or a secret. */
function complaintOf(
  error: z.ZodError,
  schema: z.ZodType,
  what: string,
): { readonly message: string; readonly hint?: string } {
  const found = firstComplaint(error)
  if (found === undefined) return { message: complaintText(error) }
  const { issue } = found
  const at = found.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys
    const known = schema instanceof z.ZodObject && at === '' ? Object.keys(schema.shape) : []
    const hint = known.length === 0 ? {} : { hint: `There are: ${known.join(', ')}.` }
    const where = at === '' ? '' : `${at}: `
    return { message: `${where}There is no ${what} ${JSON.stringify(name.slice(0, 100))}.`, ...hint }
  }
  if (issue.code === 'invalid_value' && at !== '') {
    return { message: `${at} has no such value.`, hint: `There are: ${issue.values.map(String).join(', ')}.` }
  }
  return { message: complaintText(error) }
}
