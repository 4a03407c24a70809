/**
 * Where countries are, well enough to say what cannot be traveled: a middle and a radius that takes in most of those who
 * live there, in degrees and kilometers. Overseas territories have codes of their own. Written down for this purpose from
 * general knowledge; off by a hundred kilometers here or there, which the radius covers.
 */
const table = `
AD 42.5 1.6 30|AE 24.3 54.6 250|AF 33.9 66.0 600|AL 41.1 20.0 150|AM 40.2 44.8 150|AO -11.5 17.5 800|AR -34.6 -63.0 1500|
AT 47.6 14.1 300|AU -29.0 138.0 2100|AZ 40.3 47.8 250|BA 44.2 17.8 180|BD 23.8 90.3 300|BE 50.7 4.6 140|BF 12.3 -1.7 400|
BG 42.7 25.3 250|BH 26.0 50.5 40|BI -3.4 29.9 130|BJ 8.5 2.3 350|BN 4.5 114.7 80|BO -17.0 -65.0 700|BR -14.0 -50.0 2200|
BS 25.0 -77.4 250|BT 27.4 90.4 150|BW -23.0 25.0 500|BY 53.5 28.0 330|BZ 17.2 -88.7 130|CA 50.0 -95.0 2600|CD -4.0 22.0 1200|
CF 6.6 20.5 600|CG -2.0 15.0 500|CH 46.8 8.2 180|CI 7.5 -5.5 380|CL -33.5 -71.0 1900|CM 5.5 12.5 550|CN 33.0 110.0 2300|
CO 5.0 -74.5 800|CR 9.9 -84.1 200|CU 22.0 -79.5 550|CV 15.1 -23.6 150|CY 35.1 33.2 110|CZ 49.8 15.3 250|DE 51.0 10.2 430|
DJ 11.6 42.8 100|DK 55.9 10.5 200|DO 18.8 -70.2 180|DZ 34.0 3.0 1100|EC -1.5 -78.5 450|EE 58.7 25.5 170|EG 28.5 31.0 600|
ER 15.3 38.9 350|ES 40.2 -3.6 550|ET 9.0 39.0 650|FI 62.5 26.0 550|FJ -17.8 178.0 250|FR 46.6 2.4 530|GA -0.6 11.6 350|
GB 53.3 -1.8 480|GE 42.0 43.6 250|GH 7.8 -1.1 350|GM 13.4 -15.5 170|GN 10.4 -11.0 380|GR 38.8 23.0 380|GT 15.2 -90.4 220|
GY 5.5 -58.8 350|HK 22.3 114.2 40|HN 14.7 -86.8 280|HR 45.1 16.0 250|HT 18.9 -72.6 170|HU 47.2 19.4 230|ID -4.0 112.0 2300|
IE 53.2 -7.8 220|IL 31.8 34.9 220|IN 22.0 79.5 1500|IQ 33.0 43.8 450|IR 32.8 53.0 900|IS 64.6 -19.0 260|IT 43.0 12.2 600|
JM 18.1 -77.3 110|JO 31.6 36.3 230|JP 36.0 137.5 1150|KE 0.3 37.7 500|KG 41.4 74.6 400|KH 12.4 104.9 270|KP 39.8 126.8 330|
KR 36.4 127.8 270|KW 29.3 47.7 90|KZ 47.5 68.0 1500|LA 18.5 103.5 500|LB 33.9 35.8 100|LI 47.2 9.5 20|LK 7.6 80.7 220|
LR 6.4 -9.4 250|LS -29.6 28.2 120|LT 55.2 23.9 190|LU 49.7 6.1 50|LV 56.8 24.9 210|LY 30.5 17.0 800|MA 32.3 -6.6 650|
MC 43.7 7.4 10|MD 47.1 28.6 190|ME 42.8 19.3 100|MG -19.0 46.8 700|MK 41.6 21.7 110|ML 14.5 -6.0 800|MM 20.0 96.2 900|
MN 47.0 104.0 900|MO 22.2 113.5 20|MR 18.0 -12.5 650|MT 35.9 14.4 30|MU -20.2 57.6 40|MV 3.5 73.3 400|MW -13.5 34.2 400|
MX 22.0 -101.5 1300|MY 3.8 108.0 1000|MZ -18.0 35.5 1000|NA -21.5 17.0 650|NE 15.0 8.0 650|NG 9.1 8.0 600|NI 12.6 -85.6 230|
NL 52.2 5.4 150|NO 62.5 10.5 800|NP 28.1 84.0 430|NZ -40.5 174.0 850|OM 21.8 57.2 450|PA 8.6 -80.4 330|PE -9.8 -75.5 950|
PG -6.5 145.5 600|PH 12.5 122.3 900|PK 30.5 70.5 800|PL 52.0 19.3 350|PR 18.2 -66.4 90|PS 31.9 35.0 70|PT 39.6 -8.2 320|
PY -24.5 -57.2 420|QA 25.3 51.2 80|RE -21.1 55.5 40|RO 45.8 25.0 330|RS 44.0 20.9 230|RU 56.0 55.0 3300|RW -2.0 30.0 110|
SA 24.0 45.0 900|SD 15.0 31.0 800|SE 60.0 15.8 650|SG 1.35 103.8 30|SI 46.1 14.8 110|SK 48.7 19.5 210|SL 8.5 -11.8 180|
SN 14.6 -15.0 330|SO 5.0 45.8 700|SR 4.5 -55.7 250|SV 13.7 -88.9 130|SY 34.9 38.0 320|SZ -26.5 31.5 90|TD 13.0 18.0 700|
TG 8.5 1.0 300|TH 14.5 101.0 750|TJ 38.6 70.5 330|TM 39.0 59.0 500|TN 35.0 9.6 350|TR 39.0 34.5 750|TT 10.5 -61.3 70|
TW 24.0 120.9 200|TZ -6.3 35.0 650|UA 49.0 31.2 620|UG 1.2 32.5 300|US 38.5 -96.0 2400|UY -33.5 -56.0 280|UZ 41.0 65.0 600|
VE 8.8 -67.5 650|VN 16.0 107.0 850|XK 42.6 20.9 80|YE 15.0 46.0 450|ZA -29.0 26.0 800|ZM -13.8 28.2 600|ZW -19.0 29.8 400`

export interface Country {
  readonly latitude: number
  readonly longitude: number
  readonly radiusKm: number
}

const countries: ReadonlyMap<string, Country> = new Map(
  table
    .split('|')
    .map((entry) => entry.trim().split(' '))
    .map(([code, latitude, longitude, radiusKm]) => [
      code!,
      { latitude: Number(latitude), longitude: Number(longitude), radiusKm: Number(radiusKm) },
    ]),
)

/** Undefined: not a country that we can place; nothing is said of it. */
export function countryOf(code: string): Country | undefined {
  return countries.get(code)
}

const earthRadiusKm = 6_371

/** The least distance that lies between somebody in each, in km, over the great circle; 0 where they may be neighbors. */
export function leastDistanceKm(from: Country, to: Country): number {
  const radians = Math.PI / 180
  const a =
    Math.sin(((to.latitude - from.latitude) * radians) / 2) ** 2 +
    Math.cos(from.latitude * radians) *
      Math.cos(to.latitude * radians) *
      Math.sin(((to.longitude - from.longitude) * radians) / 2) ** 2
  const middle = 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(a)))
  return Math.max(0, middle - from.radiusKm - to.radiusKm)
}
