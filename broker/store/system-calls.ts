/** One finished system call of a traced process, as far as files and sockets are concerned. */
export interface SystemCall {
  readonly name: string
  /** Path of the file or directory, or both ends of the TCP connection: `TCP:[127.0.0.1:1883->127.0.0.1:50000]`. */
  readonly target: string
  /** What was written. */
  readonly data: Buffer
  /** The last number among the arguments: of `pwrite64` the offset, of `ftruncate` the length. */
  readonly number: number
  readonly isCreating: boolean
}

/** What strace is asked for; `parseSystemCalls` reads what it answers. */
export const straceOptions = [
  '-f',
  '-yy',
  '-xx',
  '--string-limit=10000000',
  '--trace=openat,unlink,rename,ftruncate,pwrite64,fsync,fdatasync,write,writev,sendmsg',
] as const

const SYNCS: readonly string[] = ['fsync', 'fdatasync']
const FINISHED = /^(\w+)\((.*?) ?\)\s+= (-?\d+|\?)(.*)$/s
const STRING = /"((?:\\x[0-9a-f]{2})*)"/g

/**
 * Reads the output of strace. Of calls that other threads interrupt, a sync stands where it ended (not before is anything
 * safe), everything else where it began (from then on it may have happened). What the end of the process interrupted has
 * happened, unless it is a sync. Failed calls are left out.
 */
export function parseSystemCalls(output: string): SystemCall[] {
  const calls: (SystemCall | undefined)[] = []
  const unfinished = new Map<string, { readonly text: string; readonly place: number }>()
  for (const line of output.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/s.exec(line) ?? []
    if (text.endsWith('<unfinished ...>')) {
      unfinished.set(thread, { text: text.slice(0, -'<unfinished ...>'.length), place: calls.length })
      calls.push(undefined)
      continue
    }
    const [, rest] = /^<\.\.\. \w+ resumed>(.*)$/s.exec(text) ?? []
    const begun = rest === undefined ? undefined : unfinished.get(thread)
    const call = parseCall(begun ? begun.text + rest : text)
    if (begun) unfinished.delete(thread)
    if (call && begun && !SYNCS.includes(call.name)) calls[begun.place] = call
    else calls.push(call)
  }
  for (const { text, place } of unfinished.values()) calls[place] = parseCall(`${text}) = ?`)
  return calls.filter((call) => call !== undefined)
}

function parseCall(text: string): SystemCall | undefined {
  const [, name = '', args = '', result = '-1', after = ''] = FINISHED.exec(text) ?? []
  if (Number(result) < 0 || (result === '?' && SYNCS.includes(name))) return undefined
  const strings = [...args.matchAll(STRING)].map(([, hex = '']) => Buffer.from(hex.replaceAll('\\x', ''), 'hex'))
  // Opened files are described behind the result, the others in front.
  const [, described = ''] =
    /^\s*<(.*)>$/s.exec(name === 'openat' ? after : '') ?? /^\d+<(.*?)>(?:,|$)/s.exec(args) ?? []
  const target = name === 'unlink' || name === 'rename' ? String(strings[0]) : plain(described)
  return {
    name,
    target,
    data:
      name === 'openat'
        ? Buffer.alloc(0)
        : Buffer.concat(strings).subarray(0, result === '?' ? undefined : Number(result)),
    number: Number(/(\d+)$/.exec(args)?.[1] ?? 0),
    isCreating: args.includes('O_CREAT'),
  }
}

function plain(text: string): string {
  return text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
