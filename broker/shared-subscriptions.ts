const SHARE = '$share'

/** A topic filter as a client names it: `FILTER`, or `$share/NAME/FILTER` for a shared subscription. */
export interface NamedFilter {
  readonly share: string | undefined
  readonly filter: string
}

/** Takes a subscription's text apart; undefined for a malformed share name or a missing filter [MQTT-4.8.2-1] [MQTT-4.8.2-2]. */
export function parseNamedFilter(text: string): NamedFilter | undefined {
  if (text !== SHARE && !text.startsWith(`${SHARE}/`)) return { share: undefined, filter: text }
  const end = text.indexOf('/', SHARE.length + 1)
  if (end === -1) return undefined
  const share = text.slice(SHARE.length + 1, end)
  const filter = text.slice(end + 1)
  return share === '' || filter === '' || /[+#]/.test(share) ? undefined : { share, filter }
}
