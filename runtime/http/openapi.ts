/**
 * The OpenAPI document of what a process answers, made from the schemas that its routes check with.
 *
 * Pure. OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1): its schemas are JSON Schema 2020-12, as zod writes them.
 */
import { z } from 'zod'
import type { Role } from '../config/config-parts.ts'
import type { Answer, RouteDocs } from './http-route.ts'

/** Schemas that the document names once and refers to. */
export const named = z.registry<{ id: string }>()

export const ErrorBody = z.strictObject({
  error: z.strictObject({
    code: z.string().meta({ description: 'Stable: decide by it.' }),
    message: z.string().meta({ description: 'For people.' }),
    hint: z.string().optional().meta({ description: 'What can be done about it.' }),
    column: z.int().positive().optional().meta({ description: 'Where in `q` the mistake is, from 1.' }),
  }),
})
named.add(ErrorBody, { id: 'Error' })

/** A route as it was mounted. */
export interface MountedRoute {
  readonly methods: readonly string[]
  /** As Fastify writes it. */
  readonly url: string
  readonly roles: readonly Role[]
  readonly public: boolean
  /** Header that carries the token, where it is not `authorization`. */
  readonly tokenHeader?: string | undefined
  readonly docs: RouteDocs
}

type Json = Readonly<Record<string, unknown>>

/** Methods that an OpenAPI document can describe; HEAD goes with every GET. */
const methodsTold = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export function openApiOf(routes: readonly MountedRoute[], info: { readonly title: string; readonly version: string }) {
  const schemas: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  const templates = new Map<string, string>()
  const tokenHeaders = new Set<string>()
  for (const route of routes) {
    // Two routes may call the same parameter otherwise: in the document a path stands once.
    const shape = route.url.replace(/:[A-Za-z]+|\*/g, '{}')
    const path = templates.get(shape) ?? route.url.replace(/:([A-Za-z]+)/g, '{$1}').replace('*', '{path}')
    templates.set(shape, path)
    if (route.tokenHeader !== undefined) tokenHeaders.add(route.tokenHeader)
    const operations = (paths[path] ??= {})
    for (const method of route.methods.filter((each) => methodsTold.has(each))) {
      operations[method.toLowerCase()] = operationOf(route, method, path, schemas)
    }
  }
  const securitySchemes: Record<string, unknown> = { token: { type: 'http', scheme: 'bearer' } }
  for (const name of tokenHeaders) securitySchemes[name] = { type: 'apiKey', in: 'header', name }
  return {
    openapi: '3.1.1',
    info,
    paths,
    components: { schemas, securitySchemes },
  }
}

function operationOf(route: MountedRoute, method: string, path: string, schemas: Record<string, unknown>): Json {
  const { docs } = route
  const takesBody = docs.body !== undefined || docs.bodyTypes !== undefined
  const answers = { ...usualAnswers(route, takesBody), ...docs.answers }
  const name = path.replace(/^\/v1\//, '').match(/[A-Za-z0-9]+/g) ?? []
  return {
    operationId: [method.toLowerCase(), ...name].join('-'),
    summary: docs.summary,
    tags: [docs.tag],
    ...(docs.description === undefined ? {} : { description: docs.description }),
    ...(route.public ? { security: [] } : { security: [{ [route.tokenHeader ?? 'token']: [] }] }),
    ...(route.public ? {} : { 'x-roles': [...route.roles, 'admin'].filter((role, i, all) => all.indexOf(role) === i) }),
    parameters: parametersOf(docs, path, schemas),
    ...(takesBody ? { requestBody: bodyOf(docs, schemas) } : {}),
    responses: Object.fromEntries(Object.entries(answers).map(([status, each]) => [status, answerOf(each, schemas)])),
  }
}

/** What every route of its kind may answer. */
function usualAnswers(route: MountedRoute, takesBody: boolean): Record<number, Answer> {
  const error = (description: string): Answer => ({ description, schema: ErrorBody })
  return {
    ...(route.public
      ? {}
      : {
          400: error('The request is not as described.'),
          401: error('No token, or one that is not known or no longer good.'),
          403: error('The role is missing, or it is somebody else’s.'),
          503: error('Not available now; Retry-After says when, where that is known.'),
        }),
    ...(takesBody
      ? { 413: error('The body is too large.'), 415: error('The body has a content type that is not read here.') }
      : {}),
    414: error('A piece of the address is too long.'),
    421: error('The Host header is not one of this listener’s.'),
    429: error('Too many requests; Retry-After says when to come again.'),
    431: error('Address and headers are too large.'),
  }
}

function parametersOf(docs: RouteDocs, path: string, schemas: Record<string, unknown>): readonly Json[] {
  const inPath = [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name]) => name!)
  const shapes = Object.values(docs.params?.shape ?? {}) as z.ZodType[]
  return [
    ...inPath.map((name, i) => ({
      name,
      in: 'path',
      required: true,
      schema: shapes[i] === undefined ? { type: 'string' } : schemaOf(shapes[i], schemas),
    })),
    ...Object.entries((docs.query?.shape ?? {}) as Record<string, z.ZodType>).map(([name, schema]) => {
      const json = schemaOf(schema, schemas)
      const { description, ...rest } = json
      return {
        name,
        in: 'query',
        required: !schema.safeParse(undefined).success,
        ...(description === undefined ? {} : { description }),
        schema: rest,
        // A comma separates alternatives.
        ...(rest['type'] === 'array' ? { style: 'form', explode: rest['x-repeated'] === true } : {}),
      }
    }),
  ]
}

function bodyOf(docs: RouteDocs, schemas: Record<string, unknown>): Json {
  if (docs.body === undefined) {
    return { required: true, content: Object.fromEntries((docs.bodyTypes ?? []).map((type) => [type, {}])) }
  }
  return { required: true, content: { 'application/json': { schema: schemaOf(docs.body, schemas, 'input') } } }
}

function answerOf({ description, schema, type }: Answer, schemas: Record<string, unknown>): Json {
  if (schema === undefined && type === undefined) return { description }
  return {
    description,
    content: {
      [type ?? 'application/json']: schema === undefined ? {} : { schema: schemaOf(schema, schemas) },
    },
  }
}

/**
 * The schema, its named parts moved to `schemas`. What is taken in differs from what is given out in its defaults: no
 * names there.
 */
function schemaOf(schema: z.ZodType, schemas: Record<string, unknown>, io: 'input' | 'output' = 'output'): Json {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any', ...(io === 'output' ? { metadata } : {}) })
  const { $schema: _schema, $defs, ...rest } = referring(json) as Json & { $schema?: unknown; $defs?: Json }
  Object.assign(schemas, $defs)
  return rest
}

/** zod looks descriptions up in the registry that it takes the names from. */
const metadata = {
  get: (schema: z.core.$ZodType) => ({ ...z.globalRegistry.get(schema), ...named.get(schema) }),
  has: (schema: z.core.$ZodType) => named.has(schema) || z.globalRegistry.has(schema),
} as unknown as typeof z.globalRegistry

function referring(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(referring)
  if (typeof value !== 'object' || value === null) return value
  const { prefixItems } = value as { prefixItems?: readonly unknown[] }
  // A tuple of equal parts is a list of that length: some readers of the document know only that.
  if (prefixItems !== undefined && new Set(prefixItems.map((part) => JSON.stringify(part))).size === 1) {
    const { prefixItems: _tuple, ...rest } = value as Json
    return referring({ ...rest, items: prefixItems[0] })
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const isReference = name === '$ref' && typeof inner === 'string'
      return [name, isReference ? inner.replace('#/$defs/', '#/components/schemas/') : referring(inner)]
    }),
  )
}
