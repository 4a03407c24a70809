/** CloudTrail records as AWS writes them: people through IAM Identity Center, services through roles. */
import { account, region, type Person } from './cast.ts'
import type { Random } from './random.ts'

export interface AwsCall {
  readonly atMs: number
  readonly identity: Record<string, unknown>
  readonly source: string
  readonly name: string
  readonly ip: string
  readonly agent?: string
  readonly request?: Record<string, unknown> | null
  readonly response?: Record<string, unknown> | null
  readonly data?: Record<string, unknown>
  readonly resources?: readonly Record<string, unknown>[]
  readonly readOnly: boolean
  readonly dataEvent?: boolean
  readonly error?: { readonly code: string; readonly message: string }
}

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** A person, signed in this morning with a second factor. */
export function personIdentity(person: Person, signedInMs: number): Record<string, unknown> {
  const role = `AWSReservedSSO_${person.permissionSet}_5f2c8a9b1d3e4f60`
  const roleId = `AROA${person.permissionSet.toUpperCase().padEnd(17, 'X').slice(0, 17)}`
  const key = `ASIA${person.name.replace('.', '').toUpperCase().padEnd(16, '7').slice(0, 16)}`
  return {
    type: 'AssumedRole',
    principalId: `${roleId}:${person.name}`,
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${person.name}`,
    accountId: account,
    accessKeyId: key,
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: roleId,
        arn: `arn:aws:iam::${account}:role/aws-reserved/sso.amazonaws.com/${region}/${role}`,
        accountId: account,
        userName: role,
      },
      attributes: { creationDate: time(signedInMs), mfaAuthenticated: 'true' },
    },
  }
}

/** A service's role, on machines that come and go. */
export function serviceIdentity(role: string, session: string, signedInMs: number): Record<string, unknown> {
  const roleId = `AROA${role.replaceAll('-', '').toUpperCase().padEnd(17, 'S').slice(0, 17)}`
  return {
    type: 'AssumedRole',
    principalId: `${roleId}:${session}`,
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${session}`,
    accountId: account,
    accessKeyId: `ASIA${role.replaceAll('-', '').toUpperCase().padEnd(16, '3').slice(0, 16)}`,
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: roleId,
        arn: `arn:aws:iam::${account}:role/${role}`,
        accountId: account,
        userName: role,
      },
      attributes: { creationDate: time(signedInMs), mfaAuthenticated: 'false' },
    },
  }
}

export function awsRecord(call: AwsCall, random: Random): Record<string, unknown> {
  const uuid = (): string => [8, 4, 4, 4, 12].map((digits) => random.hex(digits)).join('-')
  return {
    eventVersion: '1.11',
    userIdentity: call.identity,
    eventTime: time(call.atMs),
    eventSource: call.source,
    eventName: call.name,
    awsRegion: region,
    sourceIPAddress: call.ip,
    userAgent: call.agent ?? '[aws-cli/2.27.12 md/awscrt#0.26.1 ua/2.1 os/linux md/arch#x86_64 lang/python#3.13]',
    ...(call.error === undefined ? {} : { errorCode: call.error.code, errorMessage: call.error.message }),
    requestParameters: call.request ?? null,
    responseElements: call.response ?? null,
    ...(call.data === undefined ? {} : { additionalEventData: call.data }),
    requestID: random.hex(16).toUpperCase(),
    eventID: uuid(),
    readOnly: call.readOnly,
    ...(call.resources === undefined ? {} : { resources: call.resources }),
    eventType: 'AwsApiCall',
    managementEvent: call.dataEvent !== true,
    recipientAccountId: account,
    eventCategory: call.dataEvent === true ? 'Data' : 'Management',
    tlsDetails: { tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256', clientProvidedHostHeader: call.source },
  }
}

/** Reads one object of a bucket. */
export function readObject(
  who: { readonly identity: Record<string, unknown>; readonly ip: string; readonly agent?: string },
  bucket: string,
  object: { readonly key: string; readonly bytes: number },
  atMs: number,
): AwsCall {
  return {
    ...who,
    atMs,
    source: 's3.amazonaws.com',
    name: 'GetObject',
    request: { bucketName: bucket, Host: `${bucket}.s3.${region}.amazonaws.com`, key: object.key },
    data: {
      SignatureVersion: 'SigV4',
      CipherSuite: 'TLS_AES_128_GCM_SHA256',
      bytesTransferredIn: 0,
      bytesTransferredOut: object.bytes,
      AuthenticationMethod: 'AuthHeader',
    },
    resources: [
      { type: 'AWS::S3::Object', ARN: `arn:aws:s3:::${bucket}/${object.key}` },
      { accountId: account, type: 'AWS::S3::Bucket', ARN: `arn:aws:s3:::${bucket}` },
    ],
    readOnly: true,
    dataEvent: true,
  }
}
