import { isIPv4, isIPv6 } from 'node:net'
import type { DnsRecord } from '../cloud/datacenter.ts'

/** What dnsmasq reads: `hosts` at any time again, `settings` only when it starts. */
export interface RenderedRecords {
  readonly hosts: string
  readonly settings: string
}

const typeNumbers = { TXT: 16, CAA: 257 } as const
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const nameForm = new RegExp(`^${label}(?:\\.${label})*$`, 'i')

/**
 * @returns dnsmasq's files for the records, in a fixed order
 * @throws Error when a name or a content is not what its type asks for
 */
export function renderRecords(records: readonly DnsRecord[]): RenderedRecords {
  const lines = { hosts: new Set<string>(), settings: new Set<string>() }
  for (const record of records) {
    if (record.type === 'A' || record.type === 'AAAA') lines.hosts.add(hostLine(record))
    else lines.settings.add(settingLine(record))
  }
  return { hosts: text(lines.hosts), settings: text(lines.settings) }
}

function text(lines: Set<string>): string {
  return [...lines]
    .toSorted()
    .map((line) => `${line}\n`)
    .join('')
}

function hostLine({ type, name, content }: DnsRecord): string {
  if (type === 'A' ? !isIPv4(content) : !isIPv6(content)) {
    throw new Error(`${type} record ${name}: "${content}" is not an address of that kind`)
  }
  return `${content} ${checkedName(name)}`
}

function settingLine({ type, name, content }: DnsRecord): string {
  switch (type) {
    case 'CAA':
      return binaryRecord(name, typeNumbers.CAA, caaData(name, content))
    case 'TXT':
      return binaryRecord(name, typeNumbers.TXT, textData(content))
    default:
      return `cname=${checkedName(name)},${checkedName(content)}`
  }
}

/** In hexadecimal, so that no content can be mistaken for a setting. */
function binaryRecord(name: string, type: number, data: Buffer): string {
  return `dns-rr=${checkedName(name)},${type},${data.toString('hex')}`
}

/** RFC 8659, section 4.1: flags, length of the tag, tag, value. */
function caaData(name: string, content: string): Buffer {
  const [, flags, tag, value] = /^(\d{1,3}) ([a-z0-9]{1,15}) "([^"]*)"$/i.exec(content) ?? []
  if (tag === undefined || value === undefined || Number(flags) > 255) {
    throw new Error(`CAA record ${name}: "${content}" is not of the form 0 issue "letsencrypt.org"`)
  }
  return Buffer.concat([Buffer.from([Number(flags), tag.length]), Buffer.from(`${tag}${value}`)])
}

/** RFC 1035, section 3.3.14: character strings of at most 255 bytes. */
function textData(content: string): Buffer {
  const bytes = Buffer.from(content)
  const strings = [Buffer.from([Math.min(bytes.length, 255)]), bytes.subarray(0, 255)]
  for (let start = 255; start < bytes.length; start += 255) {
    const part = bytes.subarray(start, start + 255)
    strings.push(Buffer.from([part.length]), part)
  }
  return Buffer.concat(strings)
}

function checkedName(name: string): string {
  if (!nameForm.test(name) || name.length > 253) throw new Error(`DNS name "${name}" is not one that can be served`)
  return name.toLowerCase()
}
