import { chmod, cp, stat } from 'node:fs/promises';

/**
 * Copies style sheets, scripts and images next to the compiled program, after tsc. Assets of packages are read from
 * node_modules.
 */
const isAsset = async (path) => (await stat(path)).isDirectory() || !/\.tsx?$/.test(path);

await cp('src', 'dist', { recursive: true, filter: isAsset });
await chmod('dist/cli/main.js', 0o755);
