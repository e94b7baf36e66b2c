import { mkdir, open, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { VolumeOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'

const gibibyte = 1024 ** 3

/** @returns the file that holds the volume's bytes; only what was written takes space on this host */
export function volumeFile(instance: Instance, id: number): string {
  return join(instance.directory, 'volumes', `${id}.img`)
}

/** @throws Error when there is a volume of this id */
export async function makeVolume(instance: Instance, { id, size, format }: VolumeOrder): Promise<void> {
  const file = volumeFile(instance, id)
  await mkdir(join(instance.directory, 'volumes'), { recursive: true, mode: 0o700 })
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.truncate(size * gibibyte)
  } finally {
    await handle.close()
  }
  if (format === null) return
  try {
    await execa(`mkfs.${format}`, ['-q', file])
  } catch (error) {
    await removeVolume(instance, id)
    throw error
  }
}

export async function growVolume(instance: Instance, id: number, size: number): Promise<void> {
  await truncate(volumeFile(instance, id), size * gibibyte)
}

export async function removeVolume(instance: Instance, id: number): Promise<void> {
  await rm(volumeFile(instance, id), { force: true })
}
