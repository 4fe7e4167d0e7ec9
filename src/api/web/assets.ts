import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

/** Files that pages load, read once at start. Their address contains a hash, so that browsers may cache them forever. */
type Asset = { type: string; body: Buffer; brotli: Buffer | null; hash: string };

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

const require = createRequire(import.meta.url);
const own = (name: string) => new URL(`./static/${name}`, import.meta.url);

const files: Record<string, string | URL | URL[]> = {
  'basecoat.css': join(dirname(require.resolve('basecoat-css/css')), 'basecoat.cdn.min.css'),
  'leadgate.css': [
    'frame.css',
    'overview.css',
    'unlock.css',
    'company.css',
    'company-rows.css',
    'access.css',
    'account.css',
    'market.css',
    'narrow.css',
  ].map(own),
  'theme.js': own('theme.js'),
  'console.js': ['times.js', 'focus.js', 'console.js', 'keys.js'].map(own),
  'company.js': own('company.js'),
  'favicon.svg': own('favicon.svg'),
};

export const assets: ReadonlyMap<string, Asset> = new Map(
  Object.entries(files).map(([name, path]) => [
    name,
    load(name, Buffer.concat([path].flat().map((file) => readFileSync(file)))),
  ]),
);

function load(name: string, body: Buffer): Asset {
  const compressed =
    body.length > 1_024
      ? brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } })
      : null;
  return {
    type: types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    body,
    brotli: compressed,
    hash: createHash('sha256').update(body).digest('base64url').slice(0, 12),
  };
}

/** The address of an asset, which changes with its content. */
export function assetUrl(name: string): string {
  const asset = assets.get(name);
  if (!asset) throw new Error(`no such asset: ${name}`);
  return `/assets/${name}?v=${asset.hash}`;
}
