import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { execa } from 'execa'
import { z } from 'zod'

const listed = z.object({ loopdevices: z.array(z.object({ name: z.string(), 'back-file': z.string().nullable() })) })

/** @returns a block device, `/dev/loop7`, that shows the file's bytes until it is released */
export async function makeLoopDevice(file: string): Promise<string> {
  return (await execa('losetup', ['--find', '--show', file])).stdout
}

/** Lets go of the file at once, or as soon as nothing uses the device any more; fine when it has. */
export async function releaseLoopDevice(device: string): Promise<void> {
  const { exitCode, stderr } = await execa('losetup', ['--detach', device], { reject: false })
  if (exitCode !== 0 && !stderr.includes('No such device')) throw new Error(`${device} is not released: ${stderr}`)
}

/** Lets whoever uses the device see that its file has grown. */
export async function growLoopDevice(device: string): Promise<void> {
  await execa('losetup', ['--set-capacity', device])
}

/** Writes what the kernel still holds for the device into its file. */
export async function flushLoopDevice(device: string): Promise<void> {
  await execa('blockdev', ['--flushbufs', device])
}

/** Whether a file system on the device is mounted anywhere, in whatever namespace. */
export async function isMounted(device: string): Promise<boolean> {
  try {
    // The kernel mounts exclusively, and so refuses whoever wants the same (open(2), O_EXCL on block devices).
    await (await open(device, constants.O_RDONLY | constants.O_EXCL)).close()
    return false
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EBUSY') return true
    throw error
  }
}

/** @returns the devices whose files lie below the directory, deleted files too */
export async function loopDevicesBelow(directory: string): Promise<string[]> {
  const { stdout } = await execa('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE'])
  if (stdout === '') return []
  return listed
    .parse(JSON.parse(stdout))
    .loopdevices.flatMap((one) => (one['back-file']?.startsWith(`${directory}/`) ? [one.name] : []))
}
