import type { ReleaseSettings } from './settings.ts'

type Architecture = ReleaseSettings['architecture']

/** e_machine of the ELF header: EM_X86_64 and EM_AARCH64, both ELFCLASS64 and little-endian (elf(5)). */
const machines: Readonly<Record<Architecture, number>> = { x86: 62, arm: 183 }

/**
 * Makes sure that a program is for the machine that it will be sent to.
 * @param what names the program in the error
 * @throws Error that says for which machine it is instead
 */
export function checkMachine(what: string, program: Uint8Array, architecture: Architecture): void {
  const header = Buffer.from(program.buffer, program.byteOffset, Math.min(program.byteLength, 20))
  const isElf = header.length === 20 && header.subarray(0, 6).equals(Buffer.from('\x7fELF\x02\x01', 'latin1'))
  const machine = isElf ? header.readUInt16LE(18) : undefined
  if (machine === machines[architecture]) return
  const known = Object.entries(machines).find(([, number]) => number === machine)?.[0]
  const found = known ?? (machine === undefined ? 'no 64-bit Linux machine' : `ELF machine ${machine}`)
  throw new Error(
    `${what} holds a program for ${found}, and the server is ${architecture}: remove it and run npm ci again`,
  )
}
