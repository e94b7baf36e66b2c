import { invalidField } from './errors.ts'
import { isLabelKey, isLabelValue } from './input.ts'

type Labels = Readonly<Record<string, string>>
type Term = (labels: Labels) => boolean

/**
 * Reads a label selector: terms joined by commas, each `key`, `!key`, `key=value`, `key==value`, `key!=value`,
 * `key in (a,b)` or `key notin (a,b)`; all must hold.
 * @throws HetznerError `invalid_input` on anything else
 */
export function labelSelector(text: string): Term {
  const terms = split(text).map(term)
  return (labels) => terms.every((holds) => holds(labels))
}

/** At commas that are not inside parentheses. */
const split = (text: string) => text.split(/,(?![^(]*\))/).map((part) => part.trim())

function term(text: string): Term {
  const set = text.match(/^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/)
  if (set) {
    const [, key = '', operator, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    return checked(text, key, values, (labels) => {
      const among = Object.hasOwn(labels, key) && values.includes(labels[key] ?? '')
      return operator === 'in' ? among : !among
    })
  }
  const comparison = text.match(/^([^\s=!]+)\s*(==|=|!=)\s*(\S*)$/)
  if (comparison) {
    const [, key = '', operator, value = ''] = comparison
    return checked(text, key, [value], (labels) => {
      const equal = Object.hasOwn(labels, key) && labels[key] === value
      return operator === '!=' ? !equal : equal
    })
  }
  const absent = text.startsWith('!')
  const key = absent ? text.slice(1) : text
  return checked(text, key, [], (labels) => Object.hasOwn(labels, key) !== absent)
}

function checked(text: string, key: string, values: readonly string[], holds: Term): Term {
  if (!isLabelKey(key) || !values.every(isLabelValue)) {
    throw invalidField('label_selector', `'${text}' is not a valid selector`)
  }
  return holds
}
