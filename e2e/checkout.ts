import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseDocument } from 'yaml'
import { checkout } from './sandbox.ts'

export interface Checkout extends AsyncDisposable {
  readonly path: string
}

/** A copy of this tree as it is after cloning and `npm ci`: nothing is built. */
export function freshCheckout(): Promise<Checkout> {
  return copyCheckout(['node_modules', '.git', 'dist'])
}

/** A copy of this tree, what is built included, whose broker begins with `statement` and is the same otherwise. */
export async function changedCheckout(statement: string): Promise<Checkout> {
  const copy = await copyCheckout(['node_modules', '.git'])
  const entry = join(copy.path, 'broker', 'main.ts')
  await writeFile(entry, `${statement}\n${await readFile(entry, 'utf8')}`)
  return copy
}

/** A copy of this tree, what is built included, whose sandbox has these settings too. */
export async function checkoutWith(settings: Readonly<Record<string, string>>): Promise<Checkout> {
  const copy = await copyCheckout(['node_modules', '.git'])
  const file = join(copy.path, 'Pulumi.sandbox.yaml')
  const document = parseDocument(await readFile(file, 'utf8'))
  for (const [key, value] of Object.entries(settings)) document.setIn(['config', key], value)
  await writeFile(file, document.toString())
  return copy
}

async function copyCheckout(left: readonly string[]): Promise<Checkout> {
  const path = await mkdtemp(join(tmpdir(), 'skerry-checkout-'))
  const remove = () => rm(path, { recursive: true, force: true })
  try {
    await cp(checkout, path, { recursive: true, filter: (source) => !left.includes(relative(checkout, source)) })
    await symlink(join(checkout, 'node_modules'), join(path, 'node_modules'))
    return { path, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}
