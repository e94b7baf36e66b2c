import type { DnsRecord } from './datacenter.ts'
import type { StoredRecord } from './state.ts'

/** The records as the name server wants them. */
export function dnsRecords(records: readonly StoredRecord[]): DnsRecord[] {
  return records.map(({ type, name, content }) => ({
    type,
    name,
    content: type === 'TXT' ? plainText(content) : content,
  }))
}

const quoted = /"(?:[^"\\]|\\.)*"/g

/** A TXT record may be kept in quotes, even in several pieces: on the wire it is one text. */
function plainText(content: string): string {
  const pieces = content.match(quoted) ?? []
  const onlyPieces = pieces.length > 0 && content.replace(quoted, '').trim() === ''
  return onlyPieces ? pieces.map((piece) => piece.slice(1, -1).replace(/\\(.)/g, '$1')).join('') : content
}
