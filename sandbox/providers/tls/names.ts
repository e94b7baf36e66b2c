import { isIP } from 'node:net'
import { isObject, list, type Properties, type Value } from '../values.ts'
import { type Extension, Name, SubjectAlternativeNameExtension } from './x509.ts'

/** In the order in which the genuine provider's library writes a name. */
const attributes: readonly (readonly [string, string])[] = [
  ['country', 'C'],
  ['organization', 'O'],
  ['organizationalUnit', 'OU'],
  ['locality', 'L'],
  ['province', 'ST'],
  ['streetAddresses', '2.5.4.9'],
  ['postalCode', '2.5.4.17'],
  ['commonName', 'CN'],
  ['serialNumber', '2.5.4.5'],
  ['emailAddress', 'E'],
]

/** A subject as the program gives it, as a distinguished name. */
export function distinguishedName(subject: Value | undefined): Name {
  if (!isObject(subject)) return new Name([])
  return new Name(
    attributes.flatMap(([property, type]) => {
      const value = subject[property]
      const values = Array.isArray(value) ? value : value === undefined || value === null || value === '' ? [] : [value]
      return values.map((entry) => ({ [type]: [String(entry)] }))
    }),
  )
}

/** The inputs' `dnsNames`, `ipAddresses` and `uris`; undefined when there are none. */
export function alternativeNames(inputs: Properties, critical: boolean): Extension | undefined {
  const names = [
    ...list(inputs, 'dnsNames').map((value) => ({ type: 'dns' as const, value: String(value) })),
    ...list(inputs, 'ipAddresses').map((value) => ({ type: 'ip' as const, value: String(value) })),
    ...list(inputs, 'uris').map((value) => ({ type: 'url' as const, value: String(value) })),
  ]
  for (const { type, value } of names) {
    if (type === 'ip' && isIP(value) === 0) throw new Error(`"${value}" in ipAddresses is no IP address`)
  }
  return names.length > 0 ? new SubjectAlternativeNameExtension(names, critical) : undefined
}
