import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { flushLoopDevice } from './loop-devices.ts'

const here = import.meta.dirname

/** @returns the volume's device inside a server */
function devicePath(volume: number): string {
  return `/dev/disk/by-id/scsi-0HC_Volume_${volume}`
}

/** A running server as this host sees it, by its process 1. */
const rootOf = (processOne: number) => `/proc/${processOne}/root`

/** Lets a running server see a device of this host as the volume's. Fine when it does already. */
export async function plugIn(processOne: number, volume: number, device: string): Promise<void> {
  const node = join(rootOf(processOne), devicePath(volume))
  await mkdir(dirname(node), { recursive: true })
  const { rdev } = await stat(device)
  const there = await stat(node).catch(() => undefined)
  if (there?.rdev === rdev) return
  await execa('mknod', ['--mode=660', node, 'b', ...numbers(rdev)])
}

/** @throws Error with what mount said */
export async function automount(processOne: number, volume: number): Promise<void> {
  const input = await readFile(join(here, 'automount.sh'), 'utf8')
  await execa('nsenter', ['--target', `${processOne}`, '--all', '--', '/bin/sh', '-s', '--', `${volume}`], { input })
}

/** Takes the device away from whatever uses it inside the server, as if its plug were pulled. */
export async function cutOff(processOne: number, device: string): Promise<void> {
  const [one] = await mountPoints(processOne, device)
  if (one === undefined) return
  await execa('perl', [join(here, 'cut-off.pl'), join(rootOf(processOne), one)])
  await flushLoopDevice(device)
}

/** Cuts the device off and removes every trace of the volume from the running server, mounts too. */
export async function pullOut(processOne: number, volume: number, device: string): Promise<void> {
  await cutOff(processOne, device)
  const enter = ['--target', `${processOne}`, '--all', '--']
  for (const path of (await mountPoints(processOne, device)).toReversed()) {
    await execa('nsenter', [...enter, 'umount', '--lazy', path])
  }
  // Since the last boot it is a mount of its own.
  await execa('nsenter', [...enter, 'umount', '--lazy', devicePath(volume)], { reject: false })
  await rm(join(rootOf(processOne), devicePath(volume)), { force: true })
}

/** @returns where the server has mounted the device, in the order of mounting */
async function mountPoints(processOne: number, device: string): Promise<string[]> {
  const { rdev } = await stat(device)
  return mountPointsOf(await readFile(`/proc/${processOne}/mountinfo`, 'utf8'), numbers(rdev).join(':'))
}

/** Major and minor number of a device, as makedev(3) packs them. */
function numbers(rdev: number): [string, string] {
  return [`${(rdev >> 8) & 0xfff}`, `${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`]
}

/**
 * @param mountinfo proc_pid_mountinfo(5)
 * @param number MAJOR:MINOR of the device
 */
export function mountPointsOf(mountinfo: string, number: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === number)
    .map((fields) =>
      (fields[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    )
}
