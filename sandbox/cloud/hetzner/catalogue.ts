/** What the emulated data centre offers. Prices are made up: the real ones change, and nobody pays these. */

export type Architecture = 'x86' | 'arm'

interface Location {
  readonly id: number
  readonly name: string
  readonly description: string
  readonly country: string
  readonly city: string
  readonly latitude: number
  readonly longitude: number
  readonly network_zone: string
}

export interface ServerType {
  readonly id: number
  readonly name: string
  readonly cores: number
  /** GB */
  readonly memory: number
  /** GB */
  readonly disk: number
  readonly architecture: Architecture
  readonly dedicated: boolean
  readonly category: string
  /** Euro a month, net. */
  readonly price: number
  readonly locations: readonly string[]
}

export interface Image {
  readonly id: number
  readonly name: 'debian-12' | 'debian-13'
  readonly version: string
  readonly architecture: Architecture
}

const location = (
  id: number,
  name: string,
  city: string,
  country: string,
  latitude: number,
  longitude: number,
  network_zone: string,
): Location => ({ id, name, description: `${city} DC Park 1`, country, city, latitude, longitude, network_zone })

export const locations: readonly Location[] = [
  location(1, 'fsn1', 'Falkenstein', 'DE', 50.47612, 12.370071, 'eu-central'),
  location(2, 'nbg1', 'Nuremberg', 'DE', 49.452102, 11.076665, 'eu-central'),
  location(3, 'hel1', 'Helsinki', 'FI', 60.169855, 24.938379, 'eu-central'),
  location(4, 'ash', 'Ashburn, VA', 'US', 39.045821, -77.487073, 'us-east'),
  location(5, 'hil', 'Hillsboro, OR', 'US', 45.54222, -122.951924, 'us-west'),
  location(6, 'sin', 'Singapore', 'SG', 1.283333, 103.833333, 'ap-southeast'),
]

const europe = ['fsn1', 'nbg1', 'hel1']
const everywhere = locations.map(({ name }) => name)

const costOptimized = { category: 'Cost-Optimized', dedicated: false, locations: europe }
const regular = { category: 'Regular Performance', dedicated: false, locations: everywhere }
const generalPurpose = { category: 'General Purpose', dedicated: true, locations: everywhere }

export const serverTypes: readonly ServerType[] = [
  { id: 114, name: 'cx23', cores: 2, memory: 4, disk: 40, architecture: 'x86', price: 4, ...costOptimized },
  { id: 115, name: 'cx33', cores: 4, memory: 8, disk: 80, architecture: 'x86', price: 7, ...costOptimized },
  { id: 116, name: 'cx43', cores: 8, memory: 16, disk: 160, architecture: 'x86', price: 12, ...costOptimized },
  { id: 45, name: 'cax11', cores: 2, memory: 4, disk: 40, architecture: 'arm', price: 5, ...costOptimized },
  { id: 93, name: 'cax21', cores: 4, memory: 8, disk: 80, architecture: 'arm', price: 8, ...costOptimized },
  { id: 109, name: 'cpx22', cores: 2, memory: 4, disk: 80, architecture: 'x86', price: 8, ...regular },
  { id: 96, name: 'ccx13', cores: 2, memory: 8, disk: 80, architecture: 'x86', price: 15, ...generalPurpose },
]

export const images: readonly Image[] = [
  { id: 114690387, name: 'debian-12', version: '12', architecture: 'x86' },
  { id: 114690389, name: 'debian-12', version: '12', architecture: 'arm' },
  { id: 310557660, name: 'debian-13', version: '13', architecture: 'x86' },
  { id: 310557661, name: 'debian-13', version: '13', architecture: 'arm' },
]

/** By id or by name, as requests give either. */
export function findByIdOrName<Item extends { id: number; name: string }>(
  items: readonly Item[],
  wanted: number | string,
): Item | undefined {
  return items.find(({ id, name }) => id === wanted || name === wanted || String(id) === wanted)
}

/** The location by its name, which the state holds only when it is in the catalogue. */
export function locationNamed(name: string): Location {
  return known(locations.find((item) => item.name === name))
}

export const serverTypeNamed = (name: string) => known(serverTypes.find((item) => item.name === name))
export const imageNumbered = (id: number) => known(images.find((item) => item.id === id))

function known<Item>(item: Item | undefined): Item {
  if (!item) throw new Error('the state names something that the catalogue does not have')
  return item
}

const price = (net: number) => ({ net: net.toFixed(10), gross: (net * 1.19).toFixed(16) })

/**
 * A server type as the API shows it.
 * @param isAvailable whether a location has such servers
 */
export function renderServerType(type: ServerType, isAvailable: (location: string) => boolean) {
  return {
    id: type.id,
    name: type.name,
    description: type.name.toUpperCase(),
    category: type.category,
    cores: type.cores,
    memory: type.memory,
    disk: type.disk,
    deprecated: false,
    deprecation: null,
    storage_type: 'local',
    cpu_type: type.dedicated ? 'dedicated' : 'shared',
    architecture: type.architecture,
    included_traffic: 20 * 1024 ** 4,
    prices: type.locations.map((name) => ({
      location: name,
      price_hourly: price(type.price / 624),
      price_monthly: price(type.price),
      included_traffic: 20 * 1024 ** 4,
      price_per_tb_traffic: price(1),
    })),
    locations: type.locations.map((name) => ({
      id: locationNamed(name).id,
      name,
      deprecation: null,
      available: isAvailable(name),
      recommended: false,
    })),
  }
}

export function renderImage({ id, name, version, architecture }: Image) {
  return {
    id,
    type: 'system',
    status: 'available',
    name,
    description: `Debian ${version}`,
    image_size: null,
    disk_size: 5,
    created: '2025-08-18T06:00:00Z',
    created_from: null,
    bound_to: null,
    os_flavor: 'debian',
    os_version: version,
    rapid_deploy: true,
    protection: { delete: false },
    deprecated: null,
    deleted: null,
    labels: {},
    architecture,
  }
}
