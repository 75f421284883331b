// Validates glTF files with the Khronos validator and prints its reports as one JSON list.
import { createRequire } from "module";
import { readFile } from "fs/promises";
import { dirname, join } from "path";

const [folder, ...files] = process.argv.slice(2);
const validator = createRequire(join(folder, "package.json"))("gltf-validator");
const reports = [];
for (const file of files) {
  const externalResourceFunction = async uri => new Uint8Array(await readFile(join(dirname(file), decodeURIComponent(uri))));
  reports.push(await validator.validateBytes(new Uint8Array(await readFile(file)), { externalResourceFunction }));
}
console.log(JSON.stringify(reports));
