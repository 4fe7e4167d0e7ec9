import { once } from 'node:events';
import { request } from 'node:http';
import { startVendors } from './deals.ts';
import { Machine } from './machine.ts';
import { startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * A CSV in the format of a CRM export, from the socket to the COMMIT of its last row, with one API and one worker process.
 * The peak memory of both is compared with their idle memory and must not grow with the file.
 */

const headroomMb = 64;
/** Allowed growth between the halves of a long file, for garbage that was not collected yet. */
const noiseMb = 16;

type Import = {
  import_id: string;
  status: string;
  created: number;
  processed_rows: number;
  problem: string | null;
};
type Peaks = Map<string, number>;
/** `first` and `later` are the peak memory of the two halves of the import. */
type Sent = {
  seconds: number;
  uploadSeconds: number;
  bytes: number;
  peaks: Peaks;
  later: Peaks;
  first: Peaks;
};

const names = ['Sarah Johnson', "Seán O'Brien", 'José Ñandú', '小龙 李', 'Ana María López García', 'Bob'];
const header = 'First Name,Last Name,Phone,Email,Street,City,State,Zip,Lead Source,Tags,Notes\r\n';

function rowOf(n: number): string {
  const [first, ...rest] = names[n % names.length]!.split(' ');
  const phone = `(${201 + (Math.floor(n / 8_000_000) % 700)}) ${2_000_000 + (n % 8_000_000)}`.replace(
    /(\d{3})(\d{4})$/,
    '$1-$2',
  );
  return `${first},${rest.join(' ')},${phone},lead${n}@mail.example,"${n} Ocean Drive, Apt ${n % 90}",Miami,FL,33139,Web form,"old, spring",Asked about a massage on day ${n % 365}\r\n`;
}

function* chunks(rows: number, salt: number): Generator<string> {
  let text = header;
  for (let n = 0; n < rows; n += 1) {
    text += rowOf(salt + n);
    if (text.length < 64 * 1024) continue;
    yield text;
    text = '';
  }
  yield text;
}

async function api<T>(url: string, key: string, path: string): Promise<T> {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

async function upload(url: string, key: string, rows: number, salt: number) {
  const sending = request(`${url}/api/imports?start=true&file_name=bench-${rows}.csv`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
  });
  const answered = once(sending, 'response');
  let bytes = 0;
  for (const text of chunks(rows, salt)) {
    bytes += Buffer.byteLength(text);
    if (!sending.write(text)) await once(sending, 'drain');
  }
  sending.end();
  const [response] = await answered;
  let body = '';
  for await (const part of response) body += part;
  const answer = JSON.parse(body) as { import?: Import };
  if (answer.import?.status !== 'running') throw new Error(`the upload was answered: ${body.slice(0, 500)}`);
  return { bytes, id: answer.import.import_id };
}

async function send(
  machine: Machine,
  target: { url: string; apiKey: string },
  rows: number,
  salt: number,
): Promise<Sent> {
  let usage = await machine.measure();
  let first: Peaks | null = null;
  const began = performance.now();
  const { bytes, id } = await upload(target.url, target.apiKey, rows, salt);
  const uploadSeconds = (performance.now() - began) / 1000;
  for (;;) {
    const { import: now } = await api<{ import: Import }>(target.url, target.apiKey, `/api/imports/${id}`);
    if (now.status === 'done') {
      if (now.created !== rows) throw new Error(`${now.created} leads of ${rows} rows`);
      break;
    }
    if (now.status !== 'running') throw new Error(`the import ${now.status}: ${now.problem}`);
    if (first === null && now.processed_rows >= rows / 2) {
      first = peaksOf(await usage.end());
      usage = await machine.measure();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const seconds = (performance.now() - began) / 1000;
  const later = peaksOf(await usage.end());
  const peaks = new Map([...later].map(([role, mb]) => [role, Math.max(mb, first?.get(role) ?? 0)]));
  return { seconds, uploadSeconds, bytes, peaks, later, first: first ?? later };
}

const peaksOf = (usages: readonly Usage[]) => new Map(usages.map(({ role, peakMb }) => [role, peakMb]));
const ours = ['api', 'worker'];

async function run(backend: Backend, sizes: readonly number[]) {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const target = await startProduct(servers, vendors, {
      workers: 1,
      buyers: 1,
      unbounded: true,
      only: ['importer'],
      env: { MAX_CSV_SIZE_MB: '1000' },
    });
    // A small import first, so that idle memory is measured after the code has run once.
    await send(machine, target, 2_000, 0);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const idle = peaksOf(await (await machine.measure()).end());
    const sent: Sent[] = [];
    let salt = 10_000;
    for (const rows of sizes) {
      sent.push(await send(machine, target, rows, salt));
      salt += rows;
    }
    return { idle, sent };
  } finally {
    await machine.stop();
  }
}

export const measureBulkCsv: Measure = async ({ backends, quick }) => {
  const sizes = quick ? [10_000, 100_000] : [100_000, 1_000_000];
  const rows: Row[] = [];
  for (const backend of backends) {
    const measured = await run(backend, sizes);
    if (!measured) continue;
    const { idle, sent } = measured;
    const over = sent.map(({ peaks }) => ours.map((role) => peaks.get(role)! - idle.get(role)!));
    const [small, large] = sent as [Sent, Sent];
    const grown = (role: string) => large.later.get(role)! - large.first.get(role)!;
    const steady = ours.every(
      (role, i) => over[0]![i]! <= headroomMb && over[1]![i]! <= headroomMb && grown(role) <= noiseMb,
    );
    const speed = (each: Sent, count: number) => (count / each.seconds).toFixed(0);
    rows.push({
      name: 'bulk csv',
      work: `a CSV of ${sizes[1]!.toLocaleString('en-US')} rows (${(large.bytes / 1e6).toFixed(0)} MB), from the socket to the commit of its last row`,
      backend,
      ours: { value: sizes[1]! / large.seconds, unit: 'rows/s' },
      floor: null,
      ratio: null,
      goal: `peak ≤ idle + ${headroomMb} MB in api and worker, for any file length`,
      met: steady,
      processes: ours.map((role) => ({ role, cores: 0, peakMb: large.peaks.get(role)! })),
      notes: [
        ...ours.map(
          (role, i) =>
            `${role}: idle ${idle.get(role)} MB, peak +${over[0]![i]} MB at ${sizes[0]!.toLocaleString('en-US')}, +${over[1]![i]} MB at ${sizes[1]!.toLocaleString('en-US')} rows (second half ${grown(role) >= 0 ? '+' : '−'}${Math.abs(grown(role))} MB)`,
        ),
        `file stored after ${large.uploadSeconds.toFixed(1)} s; ${speed(small, sizes[0]!)} rows/s at ${sizes[0]!.toLocaleString('en-US')}`,
      ],
    });
  }
  return rows;
};
