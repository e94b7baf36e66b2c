/** On everything at Hetzner, so that a person in the console knows where it comes from. */
export const labels = { 'managed-by': 'skerry' }
