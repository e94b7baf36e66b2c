import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import ipaddr from 'ipaddr.js'
import type { StoredRecord } from '../state.ts'
import { CloudflareError, invalidRecord } from './envelope.ts'

const maximumTextContent = 2048
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * The full name that a record gets: lower case, without final dot, the zone appended where it is missing; `@` is the zone.
 * @throws CloudflareError 9000
 */
export function recordName(given: string, zone: string): string {
  const text = domainToASCII(given.replace(/\.$/, '').replace(/^@$/, zone)).toLowerCase()
  const name = text === zone || text.endsWith(`.${zone}`) ? text : `${text}.${zone}`
  if (!isHostname(name.replace(/^\*\./, '')) || text === '') throw new CloudflareError('invalidName')
  return name
}

type Data = StoredRecord['data']

/** What the record says, in the form in which it is kept. @throws CloudflareError where it does not fit the type */
export function recordContent(type: StoredRecord['type'], content: string | undefined, data: Data) {
  if (type === 'CAA') {
    if (!data) throw invalidRecord('data is required for a CAA record: flags, tag and value')
    return { content: `${data.flags} ${data.tag} "${data.value}"`, data }
  }
  if (data) throw invalidRecord(`data is not allowed for ${type} records`)
  return { content: plainContent(type, content ?? ''), data: null }
}

function plainContent(type: Exclude<StoredRecord['type'], 'CAA'>, content: string): string {
  switch (type) {
    case 'A':
      if (!isIPv4(content)) throw new CloudflareError('invalidA')
      return content
    case 'AAAA':
      if (!isIPv6(content) || content.includes('%')) throw new CloudflareError('invalidAaaa')
      return ipaddr.IPv6.parse(content).toRFC5952String()
    case 'CNAME': {
      const target = content.replace(/\.$/, '').toLowerCase()
      if (!isHostname(target) || isIPv4(target)) throw new CloudflareError('invalidCname')
      return target
    }
    case 'TXT':
      if (content === '' || Buffer.byteLength(content) > maximumTextContent || /\p{Cc}/u.test(content)) {
        throw invalidRecord(
          `Content for TXT record must have 1 to ${maximumTextContent} bytes and no control characters.`,
        )
      }
      return content
  }
}

const isHostname = (name: string) => name.length <= 253 && name.split('.').every((part) => label.test(part))
