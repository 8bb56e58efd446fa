import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, type BuildOptions, build } from "../../../builder/index.ts";
import { dockerfile, makeContext } from "../../helpers/context.ts";
import { listTree } from "../../helpers/file-tree.ts";
import { TestRepository } from "../../helpers/git-server.ts";
import { type Sshd, startSshd } from "../../helpers/sshd.ts";
import { makeTempDir } from "../../helpers/temp.ts";

const ssh = suite("git sources over ssh");
const repository = new TestRepository();
let server: Sshd;

ssh.before(async () => {
  repository.commit({ f: "over ssh" });
  server = await startSshd();
});
ssh.after(() => server?.close());

async function addRepository(more: Partial<BuildOptions>): Promise<readonly string[]> {
  const out = makeTempDir("out");
  const context = makeContext({ Dockerfile: dockerfile("FROM scratch", `ADD ${server.origin}${repository.path} /r`) });
  await build({ context, store: makeTempDir("store"), outputs: [{ type: "local", dest: out }], ...more });
  return listTree(out, { texts: true });
}

ssh("a repository is fetched with the key of --ssh default", async () => {
  const tree = await addRepository({ ssh: { default: { paths: [server.key] } } });
  assert.equal(tree, ["/r dir 755 0:0", '/r/f file 644 0:0 "over ssh"']);
});

const REFUSED: readonly (readonly [name: string, options: () => Partial<BuildOptions>])[] = [
  ["no key", () => ({})],
  ["another key", () => ({ ssh: { default: { paths: [server.wrongKey] } } })],
  ["the key under another id", () => ({ ssh: { deploy: { paths: [server.key] } } })],
];

for (const [name, options] of REFUSED) {
  ssh(`with ${name} it is refused at the word, and the hint names --ssh`, async () => {
    const error = await addRepository(options()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, BuildError);
    const { code, hint, range } = error as BuildError;
    assert.equal([code, range?.start.column], ["GIT_FAILED", 5]);
    assert.match(hint ?? "", /--ssh default/);
  });
}

ssh.run();
