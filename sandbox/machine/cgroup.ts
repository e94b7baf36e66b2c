import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from '../instance.ts'

/**
 * Everything that a sandbox runs lives in its control group, so that nothing escapes the sweep.
 * @returns the group's directory, whether it exists or not
 * @throws Error when the kernel's cgroup2 is not mounted
 */
export async function instanceCgroup(instance: Instance): Promise<string> {
  // On hosts of the hybrid kind it is mounted beside version 1 and has no controllers; killing works all the same.
  const mount = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2')
  if (!mount?.[1]) throw new Error('cgroup2 is not mounted: the sandbox needs it to keep its processes together')
  return join(mount[1], instance.name)
}

/** @returns a command line that enters the group, then becomes `command` */
export function inCgroup(group: string, command: readonly string[]): [string, ...string[]] {
  return ['/bin/sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', group, ...command]
}

export async function makeCgroup(group: string): Promise<void> {
  await mkdir(group, { recursive: true })
}

/**
 * Ends every process in the group and below, then removes the groups; a group that is not there is fine.
 * @throws Error when a process does not end within ten seconds
 */
export async function endCgroup(group: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (true) {
    // Again in every round: a group that is made while we kill is not hit by the first blow.
    await writeFile(join(group, 'cgroup.kill'), '1').catch(ignoreMissing)
    if (await removeTree(group)) return
    if (Date.now() > deadline) {
      const processes = (await cgroupProcesses(group)).join(', ')
      throw new Error(`processes ${processes} in ${group} do not end: look what holds them, then run this again`)
    }
    await sleep(10)
  }
}

/** @returns the process ids in the group and below */
export async function cgroupProcesses(group: string): Promise<number[]> {
  const groups = await below(group)
  const lists = await Promise.all(groups.map((path) => readFile(join(path, 'cgroup.procs'), 'utf8').catch(() => '')))
  return lists.flatMap((list) => list.split('\n').filter(Boolean).map(Number))
}

/** The group and all below it, the deepest first. */
async function below(group: string): Promise<string[]> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => null)
  if (!entries) return []
  const children = entries.filter((entry) => entry.isDirectory()).map((entry) => below(join(group, entry.name)))
  return [...(await Promise.all(children)).flat(), group]
}

async function removeTree(group: string): Promise<boolean> {
  for (const path of await below(group)) {
    try {
      await rmdir(path)
    } catch (error) {
      if (hasCode(error, 'EBUSY')) return false
      ignoreMissing(error)
    }
  }
  return true
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENODEV')) throw error
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
