// Checks a Dockerfile and says what its build can be given: node --import tsx examples/check.ts CONTEXT STORE BASE_LAYOUT
import { check, outline, targets } from "tsbuild";

const [context = "", store = "", base = ""] = process.argv.slice(2);
const options = { context, store, buildContexts: { busybox: `oci-layout://${base}:latest` } };

const { warnings, error } = await check(options);
for (const { range, rule, message } of warnings) console.log(`${range.file}:${range.start.line}: ${message} (${rule})`);
if (error !== undefined) {
  console.error(`${error.message} [${error.code}]`, error.hint ?? "");
  process.exit(1);
}

const { args, secrets, ssh } = await outline(options);
for (const { name, value } of args) console.log(`--build-arg ${name}=${value ?? ""}`);
for (const { name, required } of secrets) console.log(`--secret id=${name}${required ? "" : " (optional)"}`);
for (const { name } of ssh) console.log(`--ssh ${name}`);
for (const target of (await targets(options)).targets) {
  if (target.name !== undefined) console.log(`--target ${target.name} ${target.description}`.trim());
}
