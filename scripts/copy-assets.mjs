import { chmod, cp, stat } from 'node:fs/promises';

/**
 * After tsc: style sheets, scripts and pictures that the compiled program reads beside itself. What pages take from
 * packages is read from node_modules.
 */
const isAsset = async (path) => (await stat(path)).isDirectory() || !/\.tsx?$/.test(path);

await cp('src', 'dist', { recursive: true, filter: isAsset });
await chmod('dist/cli/main.js', 0o755);
