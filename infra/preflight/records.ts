import { importCommand, recoverCommand } from './adoption.ts'
import type { DnsRecord } from './cloudflare.ts'
import { fine, refused, type Verdict, warned } from './verdict.ts'

/** A record that the stack is about to make. */
export interface WantedRecord {
  readonly urn: string
  readonly zoneId: string
  readonly name: string
  readonly type: string
  /** The issuer, where it is a CAA record. */
  readonly issuer: string | undefined
}

/** Judges whether a new record can stand beside those that its name has already. */
export function judgeRecord(wanted: WantedRecord, existing: readonly DnsRecord[]): Verdict {
  return wanted.type === 'CAA' ? judgeCaa(wanted, existing) : judgeAddress(wanted, existing)
}

function judgeAddress({ urn, zoneId, name, type }: WantedRecord, existing: readonly DnsRecord[]): Verdict {
  const alias = existing.find((record) => record.type === 'CNAME')
  if (alias) {
    return refused(
      `${name} is an alias (CNAME) of ${alias.content}, and an alias cannot have addresses: delete that record in Cloudflare's dashboard, or choose another skerry:hostname.`,
    )
  }
  const [first, ...others] = existing.filter((record) => record.type === type)
  if (!first) return fine
  const several =
    others.length > 0
      ? [
          `It has more than one (${others.map(({ content }) => content).join(', ')}): delete those in Cloudflare's dashboard.`,
        ]
      : []
  return refused(
    [
      `${name} has an ${type} record already, to ${first.content}: a second one would lead some clients elsewhere.`,
      `After an up that was killed: ${recoverCommand(urn)}`,
      'If another stack has it, choose another skerry:hostname. To let this stack have it and lead it to its own address:',
      `  ${importCommand(urn, `${zoneId}/${first.id}`)}`,
      ...several,
    ].join('\n'),
  )
}

function judgeCaa({ urn, zoneId, name, issuer }: WantedRecord, existing: readonly DnsRecord[]): Verdict {
  const issuing = existing.filter(({ type, data }) => type === 'CAA' && data?.tag?.startsWith('issue'))
  const same = issuing.find(({ data }) => data?.tag === 'issue' && data.value === issuer)
  if (same) {
    return refused(
      [
        `${name} has the same CAA record already. After an up that was killed: ${recoverCommand(urn)}`,
        'Otherwise, to let this stack have it:',
        `  ${importCommand(urn, `${zoneId}/${same.id}`)}`,
      ].join('\n'),
    )
  }
  if (issuing.length === 0) return fine
  const others = issuing.map(({ data }) => data?.value).join(', ')
  return warned(
    `${name} has CAA records of others (${others}): besides ${issuer} these may issue certificates for it too. Delete them in Cloudflare's dashboard if they should not.`,
  )
}
